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
  readonly weights: Float32Array;
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
  const weights = new Float32Array(output * stride);
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

/** Collects an image row by row and resizes it on the way: a 48-megapixel photo never exists as floats. */
export class Resampler {
  readonly pixels: Float32Array;
  private readonly line: Float32Array;

  constructor(
    private readonly across: AxisWeights,
    private readonly down: AxisWeights,
  ) {
    this.pixels = new Float32Array(down.start.length * across.start.length * 3);
    this.line = new Float32Array(across.start.length * 3);
  }

  /** Adds input row `y`, given as RGBA bytes (not premultiplied); alpha is composited on white. */
  addRow(y: number, rgba: Uint8ClampedArray, at: number): void {
    const { start, count, weights, stride } = this.across;
    const line = this.line;
    let used = false;
    for (let i = 0; i < this.down.start.length; i++) {
      const k = y - this.down.start[i];
      if (k < 0) break;
      if (k >= this.down.count[i]) continue;
      if (!used) {
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
          line[3 * x] = r / 255;
          line[3 * x + 1] = g / 255;
          line[3 * x + 2] = b / 255;
        }
        used = true;
      }
      const weight = this.down.weights[i * this.down.stride + k];
      const row = i * line.length;
      for (let x = 0; x < line.length; x++) this.pixels[row + x] += weight * line[x];
    }
  }
}
