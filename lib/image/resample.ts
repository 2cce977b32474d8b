/**
 * One axis of an antialiased bilinear resize: output pixel i is the mean of the input pixels under a triangle whose
 * half width is one OUTPUT pixel (when shrinking) or one input pixel (when enlarging). This is what PIL and
 * torchvision call bilinear with antialiasing; plain bilinear would skip pixels and turn fine stripes into moiré.
 */
export interface AxisWeights {
  /** First input pixel of each output pixel. */
  readonly start: Int32Array;
  /** Number of input pixels of each output pixel. */
  readonly count: Int32Array;
  /** Weights, `stride` per output pixel; they sum to 1. */
  readonly weights: Float64Array;
  readonly stride: number;
}

/**
 * 一条坐标轴上的重采样权重（resampling weights）：把 `length` 个像素里从 `offset` 起、每步 `scale` 的区间变成 `output` 个。
 */
export function axisWeights(length: number, output: number, scale: number, offset: number): AxisWeights {
  const support = Math.max(scale, 1);
  const stride = Math.ceil(support) * 2 + 1;
  const start = new Int32Array(output);
  const count = new Int32Array(output);
  const weights = new Float64Array(output * stride);
  for (let i = 0; i < output; i++) {
    const centre = offset + (i + 0.5) * scale;
    const first = Math.max(0, Math.min(length - 1, Math.floor(centre - support + 0.5)));
    const last = Math.max(first + 1, Math.min(length, Math.floor(centre + support + 0.5)));
    let sum = 0;
    for (let k = first; k < last; k++) {
      const weight = Math.max(0, 1 - Math.abs(k + 0.5 - centre) / support);
      weights[i * stride + k - first] = weight;
      sum += weight;
    }
    if (sum === 0) weights[i * stride] = sum = 1;
    for (let k = 0; k < last - first; k++) weights[i * stride + k] /= sum;
    start[i] = first;
    count[i] = last - first;
  }
  return { start, count, weights, stride };
}

/**
 * Collects an image row by row and resizes it on the way: a 48-megapixel photo never exists as floats.
 *
 * Sums are float64 until a row is complete. Where the photo is of ONE colour, so is then the result, to the last bit: a
 * rounding error there would decide which pixel of a flat wall is the maximum of a pool, differently on every backend.
 */
export class Resampler {
  readonly pixels: Float32Array;
  private readonly line: Float64Array;
  /** Output rows that have begun and are not complete. */
  private readonly open = new Map<number, Float64Array>();
  /** All output rows before this one are complete. */
  private next = 0;

  constructor(
    private readonly across: AxisWeights,
    private readonly down: AxisWeights,
  ) {
    this.pixels = new Float32Array(down.start.length * across.start.length * 3);
    this.line = new Float64Array(across.start.length * 3);
  }

  /** Adds input row `y` (they come from the top down), given as RGBA bytes (not premultiplied); alpha is composited on white. */
  addRow(y: number, rgba: Uint8ClampedArray, at: number): void {
    const { start, count, weights, stride } = this.down;
    while (start[this.next] + count[this.next] <= y) this.next++;
    let used = false;
    for (let i = this.next; i < start.length; i++) {
      const k = y - start[i];
      if (k < 0) break;
      if (k >= count[i]) continue;
      if (!used) this.resizeLine(rgba, at);
      used = true;
      this.addLine(i, weights[i * stride + k], k === count[i] - 1);
    }
  }

  /** One input row at its new width, in `line`. */
  private resizeLine(rgba: Uint8ClampedArray, at: number): void {
    const { start, count, weights, stride } = this.across;
    for (let x = 0; x < start.length; x++) {
      let r = 0;
      let g = 0;
      let b = 0;
      for (let j = 0; j < count[x]; j++) {
        const p = at + 4 * (start[x] + j);
        const weight = weights[x * stride + j];
        const alpha = rgba[p + 3] / 255;
        r += weight * (alpha * rgba[p] + 255 * (1 - alpha));
        g += weight * (alpha * rgba[p + 1] + 255 * (1 - alpha));
        b += weight * (alpha * rgba[p + 2] + 255 * (1 - alpha));
      }
      this.line[3 * x] = r / 255;
      this.line[3 * x + 1] = g / 255;
      this.line[3 * x + 2] = b / 255;
    }
  }

  private addLine(row: number, weight: number, last: boolean): void {
    const { line, open } = this;
    const sums = open.get(row) ?? new Float64Array(line.length);
    for (let x = 0; x < line.length; x++) sums[x] += weight * line[x];
    if (last) {
      this.pixels.set(sums, row * line.length);
      open.delete(row);
    } else {
      open.set(row, sums);
    }
  }
}
