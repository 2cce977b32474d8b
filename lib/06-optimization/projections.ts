import { tf } from '../tf/backend';
import { named } from '../base/named';
import { blurred } from '../image/blur';
import { checkCounts, checkNumber } from '../base/check';

/**
 * 投影（projection）：每一步之后对图像直接做的操作，不经过梯度；Yosinski 等人 2015 的四种都是这样。
 * 调用者 dispose 结果；`image` 不被 dispose。
 */
export type Projection = (image: tf.Tensor3D, context: ProjectionContext) => tf.Tensor3D;

export interface ProjectionContext {
  /** 走到第几步（含这一步）：1、2…… */
  readonly step: number;
  /** `[h, w, 3]`：目标（不含惩罚项）在这一步之前的图像处的梯度。 */
  readonly gradient: tf.Tensor3D;
  /** `[3]`，RGB，[0, 1]：网络的“零”是什么颜色。 */
  readonly mean: tf.Tensor1D;
}

/** Applies f to the image with the mean as zero. */
const around = (image: tf.Tensor3D, mean: tf.Tensor1D, f: (x: tf.Tensor3D) => tf.Tensor3D) =>
  tf.tidy(() => tf.add(f(tf.sub(image, mean)), mean) as tf.Tensor3D);

/**
 * 衰减（L2 decay）：每步把图像向均值拉近，x ← (1 − d)·x。
 * @example
 * const projections = [projection.decay(0.01)];
 * const result = await maximize(model, objective.classScore(130), { parametrization: pixels(), projections, steps: 3 });
 * dispose(result);
 */
export function decay(amount: number): Projection {
  checkNumber('decay 的 amount', amount, 0, 1);
  return named(`decay(${amount})`, (image: tf.Tensor3D, { mean }: ProjectionContext) =>
    around(image, mean, (x) => tf.mul(x, 1 - amount)),
  );
}

/**
 * 高斯模糊（Gaussian blur）：每 `every` 步一次，去掉高频；sigma 以像素计。
 * @example
 * const projections = [projection.blur(0.5, 4)];
 * const result = await maximize(model, objective.classScore(130), { parametrization: pixels(), projections, steps: 5 });
 * dispose(result);
 */
export function blur(sigma: number, every = 1): Projection {
  checkNumber('blur 的 sigma', sigma, 1e-3, 50);
  checkEvery(every);
  return named(`blur(${sigma}, ${every})`, (image: tf.Tensor3D, { step, mean }: ProjectionContext) =>
    step % every === 0 ? around(image, mean, (x) => blurred(x, sigma)) : tf.clone(image),
  );
}

/**
 * 限制在原图周围（L-infinity ball）：每个数与原图相差不超过 epsilon；攻击里的 ε 邻域。
 * @param origin 原图，最优化期间不要 dispose 它
 * @example
 * const [top] = await classify(model, image);
 * const away = objective.negative(objective.classScore(top.index));
 * const result = await maximize(model, away, {
 *   parametrization: pixels(),
 *   start: image,
 *   steps: 3,
 *   step: step.sign(1 / 255),
 *   projections: [projection.within(image, 2 / 255)],
 * });
 * dispose(result);
 */
export function within(origin: tf.Tensor3D, epsilon: number): Projection {
  return named(`within(${epsilon})`, (image: tf.Tensor3D) =>
    tf.tidy(() => tf.minimum(tf.maximum(image, tf.sub(origin, epsilon)), tf.add(origin, epsilon)) as tf.Tensor3D),
  );
}

function checkEvery(every: number): void {
  checkCounts({ every });
}

/** Sets the pixels whose value is below the given percentile of all values to the mean. */
function clipBelow(image: tf.Tensor3D, mean: tf.Tensor1D, values: tf.Tensor, percent: number): tf.Tensor3D {
  return around(image, mean, (x) => {
    const flat = tf.reshape(values, [-1]);
    const kept = Math.max(1, Math.round(flat.size * (1 - percent / 100)));
    const largest = tf.topk(flat, kept, true).values;
    const threshold = tf.slice(largest, [kept - 1], [1]);
    const mask = tf.cast(tf.greaterEqual(values, threshold), 'float32');
    return tf.mul(x, mask);
  });
}

/**
 * 去掉范数小的像素（clip pixels with small norm）：最小的 `percent` % 置为均值色。
 * @example
 * const projections = [projection.clipNorm(20)];
 * const result = await maximize(model, objective.classScore(130), { parametrization: pixels(), projections, steps: 3 });
 * dispose(result);
 */
export function clipNorm(percent: number): Projection {
  checkNumber('clipNorm 的 percent', percent, 0, 100);
  return named(`clipNorm(${percent})`, (image: tf.Tensor3D, { mean }: ProjectionContext) =>
    tf.tidy(() => clipBelow(image, mean, tf.norm(tf.sub(image, mean), 2, 2, true), percent)),
  );
}

/**
 * 去掉贡献小的像素（clip pixels with small contribution）：|Σ_c x·∂a/∂x| 估计把像素置零时激活值的变化，
 * 最小的 `percent` % 置为均值色。
 * @example
 * const projections = [projection.clipContribution(50)];
 * const result = await maximize(model, objective.classScore(130), { parametrization: pixels(), projections, steps: 3 });
 * dispose(result);
 */
export function clipContribution(percent: number): Projection {
  checkNumber('clipContribution 的 percent', percent, 0, 100);
  return named(`clipContribution(${percent})`, (image: tf.Tensor3D, { mean, gradient }: ProjectionContext) =>
    tf.tidy(() => {
      const contribution = tf.abs(tf.sum(tf.mul(tf.sub(image, mean), gradient), 2, true));
      return clipBelow(image, mean, contribution, percent);
    }),
  );
}

/**
 * 限制在显示范围内（bounds）：clipByValue 在范围外梯度为零，所以放在一步之后，而不是前向传播里。
 * @example
 * const projections = [projection.bounds(0.1, 0.9)];
 * const result = await maximize(model, objective.classScore(130), { parametrization: pixels(), projections, steps: 3 });
 * dispose(result);
 */
export function bounds(low = 0, high = 1): Projection {
  return named(`bounds(${low}, ${high})`, (image: tf.Tensor3D) => tf.clipByValue(image, low, high));
}
