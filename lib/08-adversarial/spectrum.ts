import { tf } from '../tf/backend';
import { waves } from '../06-optimization/fourier';
import { HIGH } from '../06-optimization/naturalness';
import { checkCounts, checkNumber } from '../base/check';
import { checkTensor } from '../image/check';

export interface PowerSpectrum {
  /** 每一环的中心频率（frequency），每像素多少周：0 是处处相同，0.5 是黑白逐个相间。 */
  readonly frequency: readonly number[];
  /** 环里每个波的平均能量（power per wave），全部波的平均为 1；白噪声处处约为 1。 */
  readonly density: readonly number[];
  /** 每像素 0.25 周以上的波占全部能量的份额（high-frequency share），0 到 1。 */
  readonly highShare: number;
}

/**
 * 功率谱（power spectrum）：一个信号的能量怎样分布在由慢到快的波上；平均值（频率 0）不计，三个颜色通道合在一起。
 *
 * @param signal `[h, w, 3]`，图像或扰动，有正有负也行；不会被 dispose
 * @param options `rings`：把 0 到 0.5 分成几环，默认 20
 * @throws RangeError 不是 `[h, w, 3]`，或 rings 不是正整数
 * @example
 * const noise = signNoise(image, 2 / 255);
 * const { frequency, density } = await powerSpectrum(noise);
 * dispose(noise);
 */
export async function powerSpectrum(signal: tf.Tensor3D, { rings = 20 } = {}): Promise<PowerSpectrum> {
  checkCounts({ rings });
  const { rows, columns } = basesOf(signal);
  const power = tf.tidy(() => tf.sum(tf.square(toWaves(signal, rows.basis, columns.basis)), 2));
  const values = (await power.data()) as Float32Array;
  power.dispose();
  const [sums, counts] = [new Float64Array(rings), new Float64Array(rings)];
  let [total, high, used] = [0, 0, 0];
  values.forEach((energy, i) => {
    const f = Math.hypot(rows.frequency[Math.floor(i / signal.shape[1])], columns.frequency[i % signal.shape[1]]);
    if (f === 0) return;
    total += energy;
    used++;
    if (f >= HIGH) high += energy;
    const ring = Math.floor((f / 0.5) * rings);
    // The corners of the square (diagonal waves faster than 0.5) belong to the last ring.
    sums[Math.min(ring, rings - 1)] += energy;
    counts[Math.min(ring, rings - 1)]++;
  });
  const kept = [...sums.keys()].filter((r) => counts[r] > 0);
  const unit = total / used || 1;
  return {
    frequency: kept.map((r) => ((r + 0.5) * 0.5) / rings),
    density: kept.map((r) => sums[r] / counts[r] / unit),
    highShare: total > 0 ? high / total : 0,
  };
}

/**
 * 只留一段频率（band-pass）：信号里每像素 from 到 to 周的波。几段不重叠的频率加起来就是原来的信号。
 *
 * @param signal `[h, w, 3]`；不会被 dispose
 * @param band `from`（含）与 `to`（不含），每像素多少周；默认 0 与 1（全部：对角的波最快约 0.71）
 * @returns 与 signal 同形，由调用者 dispose
 * @example
 * const noise = signNoise(image, 2 / 255);
 * const slow = frequencyBand(noise, { to: 0.125 });
 * dispose(noise, slow);
 */
export function frequencyBand(signal: tf.Tensor3D, { from = 0, to = 1 } = {}): tf.Tensor3D {
  checkNumber('from', from, 0, 1);
  checkNumber('to', to, 0, 1);
  if (from >= to) throw new RangeError(`from 应小于 to，得到 ${from} 与 ${to}`);
  const { rows, columns } = basesOf(signal);
  const [height, width] = signal.shape;
  const keep = Float32Array.from({ length: height * width }, (_, i) => {
    const f = Math.hypot(rows.frequency[Math.floor(i / width)], columns.frequency[i % width]);
    return Number(f >= from && f < to);
  });
  return tf.tidy(() => {
    const filtered = tf.mul(toWaves(signal, rows.basis, columns.basis), tf.tensor3d(keep, [height, width, 1]));
    return toWaves(filtered as tf.Tensor3D, transposed(rows.basis), transposed(columns.basis));
  });
}

function basesOf(signal: tf.Tensor3D) {
  if (checkTensor(signal, 'signal').rank !== 3 || signal.shape[2] !== 3) {
    throw new RangeError(`信号应为 [h, w, 3]，得到 [${signal.shape.join(', ')}]`);
  }
  return { rows: waves(signal.shape[0]), columns: waves(signal.shape[1]) };
}

/** The amplitudes of the waves along both axes. The bases are orthonormal: their transposes lead back. */
function toWaves(signal: tf.Tensor3D, rows: Float32Array, columns: Float32Array): tf.Tensor3D {
  const [height, width, channels] = signal.shape;
  const half = tf.matMul(tf.tensor2d(rows, [height, height]), tf.reshape(signal, [height, -1]), true);
  const turned = tf.transpose(tf.reshape(half, [height, width, channels]), [1, 0, 2]);
  const whole = tf.matMul(tf.tensor2d(columns, [width, width]), tf.reshape(turned, [width, -1]), true);
  return tf.transpose(tf.reshape(whole, [width, height, channels]), [1, 0, 2]) as tf.Tensor3D;
}

function transposed(square: Float32Array): Float32Array {
  const n = Math.round(Math.sqrt(square.length));
  return Float32Array.from(square, (_, i) => square[(i % n) * n + Math.floor(i / n)]);
}
