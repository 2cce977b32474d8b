import { tf } from '../tf/backend';
import { waves } from './fourier';
import { checkTensor } from '../image/check';

/** 图像有多自然（naturalness）：与照片比较的几个数，不只凭眼看。 */
export interface Naturalness {
  /** 相邻像素之差的平均绝对值（mean absolute difference），[0, 1] 单位：照片小，噪声大。 */
  readonly variation: number;
  /** 功率谱的斜率（spectrum slope）：log 功率对 log 频率；照片约 −2 到 −3，白噪声 0。 */
  readonly slope: number;
  /** 高频的份额（high-frequency share）：每像素 0.25 周以上的能量占全部（不计平均亮度）的比例，0 到 1。 */
  readonly highShare: number;
}

/** Frequencies below this are a handful of waves, above it the corners of the spectrum: left out of the slope. */
const LOWEST = 0.02;
const HIGHEST = 0.45;
/** From here on a frequency is high: a wave is shorter than four pixels. */
export const HIGH = 0.25;

/** The power of the grey picture at each pair of waves, and the frequency of that pair. */
async function spectrum(grey: Float32Array, height: number, width: number) {
  const [rows, cols] = [waves(height), waves(width)];
  const power = tf.tidy(() => {
    // A Hann window: without it the jump between opposite borders looks like detail.
    const window = (n: number) =>
      Float32Array.from({ length: n }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / n));
    const image = tf.tensor2d(grey, [height, width]);
    const windowed = tf.mul(
      tf.mul(tf.sub(image, tf.mean(image)), tf.tensor2d(window(height), [height, 1])),
      tf.tensor2d(window(width), [1, width]),
    ) as tf.Tensor2D;
    const half = tf.matMul(tf.tensor2d(rows.basis, [height, height]), windowed, true);
    return tf.square(tf.matMul(half, tf.tensor2d(cols.basis, [width, width])));
  });
  const values = (await power.data()) as Float32Array;
  power.dispose();
  const frequency = Float32Array.from(values, (_, i) =>
    Math.hypot(rows.frequency[Math.floor(i / width)], cols.frequency[i % width]),
  );
  return { values, frequency };
}

/** Least-squares slope of log mean power against log frequency over rings of equal ratio. */
function slopeOf(values: Float32Array, frequency: Float32Array): number {
  // 0.28 octaves each: enough of them for a line, enough waves in each for a mean
  const rings = 16;
  const sums = new Float64Array(rings);
  const counts = new Float64Array(rings);
  const ratio = Math.log(HIGHEST / LOWEST);
  values.forEach((power, i) => {
    const ring = Math.floor((rings * Math.log(frequency[i] / LOWEST)) / ratio);
    if (ring < 0 || ring >= rings) return;
    sums[ring] += power;
    counts[ring]++;
  });
  const points = [...sums.keys()]
    .filter((r) => counts[r] > 0)
    .map((r) => ({ x: Math.log(LOWEST) + ((r + 0.5) * ratio) / rings, y: Math.log(sums[r] / counts[r] + 1e-20) }));
  const mean = (f: (p: { x: number; y: number }) => number) => points.reduce((s, p) => s + f(p), 0) / points.length;
  const [mx, my] = [mean((p) => p.x), mean((p) => p.y)];
  return mean((p) => (p.x - mx) * (p.y - my)) / mean((p) => (p.x - mx) ** 2);
}

/**
 * 一幅图与照片比较的三个数（naturalness measures）。
 * @param image `[h, w, 3]`，RGB，[0, 1]，至少 32x32；不会被 dispose
 * @example
 * const { slope } = await naturalness(image);
 */
export async function naturalness(image: tf.Tensor3D): Promise<Naturalness> {
  const [height, width, channels] = checkTensor(image, 'image').shape;
  if (image.rank !== 3 || channels !== 3 || height < 32 || width < 32) {
    throw new RangeError(`naturalness 需要 [h, w, 3] 的图，至少 32x32，得到 [${image.shape.join(', ')}]`);
  }
  const pixels = (await image.data()) as Float32Array;
  const grey = new Float32Array(height * width);
  let difference = 0;
  let pairs = 0;
  for (let p = 0; p < grey.length; p++) {
    for (let c = 0; c < 3; c++) {
      const value = pixels[3 * p + c];
      grey[p] += value / 3;
      if ((p + 1) % width) {
        difference += Math.abs(pixels[3 * p + 3 + c] - value);
        pairs++;
      }
      if (p + width < grey.length) {
        difference += Math.abs(pixels[3 * (p + width) + c] - value);
        pairs++;
      }
    }
  }
  const { values, frequency } = await spectrum(grey, height, width);
  let total = 0;
  let high = 0;
  values.forEach((power, i) => {
    total += power;
    if (frequency[i] >= HIGH) high += power;
  });
  return { variation: difference / pairs, slope: slopeOf(values, frequency), highShare: high / (total || 1) };
}
