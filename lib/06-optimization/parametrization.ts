import { tf } from '../tf/backend';
import type { RandomGenerator } from '../base/random';

/**
 * 图像的参数化（parametrization）：最优化真正改变的是这些参数，图像由它们算出。
 * 同一幅图、同一个目标，参数化不同，梯度上升走的路就不同，得到的图也不同。
 */
export interface Parametrization {
  /** 名字，写进结果的 settings。 */
  readonly name: string;
  /** 参数就是图像本身时为 true：只有这时才能用投影。 */
  readonly direct: boolean;
  /** 参数 → `[h, w, 3]`，[0, 1]；可微分。 */
  toImage(parameters: tf.Tensor): tf.Tensor3D;
  /** 图像 → 参数（inverse of toImage）。 */
  fromImage(image: tf.Tensor3D): tf.Tensor;
  /** 加到起点参数上的噪声；deviation：图像上的标准差，[0, 1] 单位。 */
  noise(shape: readonly [number, number, number], deviation: number, random: RandomGenerator): tf.Tensor;
}

/** Normal numbers of the generator as a tensor. */
export function normals(shape: readonly number[], deviation: number, random: RandomGenerator): tf.Tensor {
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < values.length; i++) values[i] = deviation * random.normal();
  return tf.tensor(values, [...shape]);
}

/**
 * 像素（pixels）：参数就是图像本身。
 * @example
 * const result = await maximize(model, objective.classScore(130), { parametrization: pixels(), steps: 3 });
 * dispose(result);
 */
export function pixels(): Parametrization {
  return {
    name: 'pixels',
    direct: true,
    toImage: (parameters) => parameters as tf.Tensor3D,
    fromImage: (image) => tf.clone(image),
    noise: normals,
  };
}
