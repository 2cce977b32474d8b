import { tf } from '../tf/backend';
import { checkNumber, named } from '../base/named';

/**
 * 惩罚项（penalty）：图像 `[h, w, 3]` → 一个数，从目标里减去；可微分。范数都以网络的均值颜色为零点。
 * Units: images in [0, 1]. A coefficient for 0-255 images becomes λ·255^p here when the norm has the power p.
 */
export type Penalty = (image: tf.Tensor3D, context: PenaltyContext) => tf.Scalar;

export interface PenaltyContext {
  /** `[3]`, RGB in [0, 1]: the colour that is zero to the network. */
  readonly mean: tf.Tensor1D;
}

/** λ·||I − mean||²（L2 norm, squared）：Simonyan 等人的正则项。 */
export function l2(lambda: number): Penalty {
  checkNumber('lambda', lambda, 0);
  return named(`l2(${lambda})`, (image: tf.Tensor3D, { mean }: PenaltyContext) =>
    tf.tidy(() => tf.mul(lambda, tf.sum(tf.square(tf.sub(image, mean)))) as tf.Scalar),
  );
}

/** λ·Σ|I − mean|^α（alpha norm）：α 大（6）时只压住过亮、过暗的像素。 */
export function alphaNorm(lambda: number, alpha = 6): Penalty {
  checkNumber('lambda', lambda, 0);
  checkNumber('alpha', alpha, 1);
  return named(`alphaNorm(${lambda}, ${alpha})`, (image: tf.Tensor3D, { mean }: PenaltyContext) =>
    tf.tidy(() => {
      const x = tf.sub(image, mean);
      // Even powers need no absolute value; |x|^α by repeated products is exact and several times faster than pow.
      const power = alpha % 2 === 0 ? evenPower(tf.square(x), alpha / 2) : tf.pow(tf.abs(x), alpha);
      return tf.mul(lambda, tf.sum(power)) as tf.Scalar;
    }),
  );
}

function evenPower(square: tf.Tensor, times: number): tf.Tensor {
  let power = square;
  for (let i = 1; i < times; i++) power = tf.mul(power, square);
  return power;
}

/**
 * 全变分（total variation）：λ·Σ ((I[i,j+1] − I[i,j])² + (I[i+1,j] − I[i,j])²)^(β/2)，对通道求和；边界外的差为零。
 * @param beta 2 最常用；1 保留更锐利的边缘（Mahendran & Vedaldi 2015）
 */
export function totalVariation(lambda: number, beta = 2): Penalty {
  checkNumber('lambda', lambda, 0);
  checkNumber('beta', beta, 0.1);
  return named(`totalVariation(${lambda}, ${beta})`, (image: tf.Tensor3D) =>
    tf.tidy(() => {
      const [h, w, c] = image.shape;
      const across = tf.sub(tf.slice(image, [0, 1, 0], [h, w - 1, c]), tf.slice(image, [0, 0, 0], [h, w - 1, c]));
      const down = tf.sub(tf.slice(image, [1, 0, 0], [h - 1, w, c]), tf.slice(image, [0, 0, 0], [h - 1, w, c]));
      if (beta === 2) {
        return tf.mul(lambda, tf.add(tf.sum(tf.square(across)), tf.sum(tf.square(down)))) as tf.Scalar;
      }
      const squares = tf.add(
        tf.pad(tf.square(across), [[0, 0], [0, 1], [0, 0]]), // prettier-ignore
        tf.pad(tf.square(down), [[0, 1], [0, 0], [0, 0]]), // prettier-ignore
      );
      // The root has an infinite slope at 0; 1e-8 is far below one step of an 8-bit image, squared.
      return tf.mul(lambda, tf.sum(tf.pow(tf.add(squares, 1e-8), beta / 2))) as tf.Scalar;
    }),
  );
}

/**
 * 投影（projection）：每一步之后对图像直接做的操作，不经过梯度；Yosinski 等人 2015 的四种都是这样。
 * 调用者 dispose 结果；`image` 不被 dispose。
 */
export type Projection = (image: tf.Tensor3D, context: ProjectionContext) => tf.Tensor3D;

export interface ProjectionContext {
  /** Steps done so far, this one included: 1, 2, … */
  readonly step: number;
  /** `[h, w, 3]`: the OBJECTIVE's gradient at the image before this step, without the penalties. */
  readonly gradient: tf.Tensor3D;
  /** `[3]`, RGB in [0, 1]. */
  readonly mean: tf.Tensor1D;
}

/** Applies f to the image with the mean as zero. */
const around = (image: tf.Tensor3D, mean: tf.Tensor1D, f: (x: tf.Tensor3D) => tf.Tensor3D) =>
  tf.tidy(() => tf.add(f(tf.sub(image, mean)), mean) as tf.Tensor3D);

/** 衰减（L2 decay）：每步把图像向均值拉近，x ← (1 − d)·x。 */
export function decay(amount: number): Projection {
  checkNumber('decay 的 amount', amount, 0, 1);
  return named(`decay(${amount})`, (image: tf.Tensor3D, { mean }: ProjectionContext) =>
    around(image, mean, (x) => tf.mul(x, 1 - amount)),
  );
}

/** Gaussian weights out to four sigma, normalised. */
export function gaussian(sigma: number): number[] {
  const radius = Math.max(1, Math.floor(4 * sigma + 0.5));
  const weights = Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((w) => w / total);
}

/** Gaussian blur of [h, w, 3] with mirrored borders. */
export function blurred(image: tf.Tensor3D, sigma: number): tf.Tensor3D {
  return tf.tidy(() => {
    const weights = gaussian(sigma);
    const [n, radius] = [weights.length, weights.length >> 1];
    const padded = tf.mirrorPad(image, [[radius, radius], [radius, radius], [0, 0]], 'symmetric'); // prettier-ignore
    const repeated = weights.flatMap((w) => [w, w, w]);
    const vertical = tf.depthwiseConv2d(padded, tf.tensor4d(repeated, [n, 1, 3, 1]), 1, 'valid');
    return tf.depthwiseConv2d(vertical, tf.tensor4d(repeated, [1, n, 3, 1]), 1, 'valid') as tf.Tensor3D;
  });
}

/** 高斯模糊（Gaussian blur）：每 `every` 步一次，去掉高频；sigma 以像素计。 */
export function blur(sigma: number, every = 1): Projection {
  checkNumber('blur 的 sigma', sigma, 1e-3, 50);
  checkEvery(every);
  return named(`blur(${sigma}, ${every})`, (image: tf.Tensor3D, { step, mean }: ProjectionContext) =>
    step % every === 0 ? around(image, mean, (x) => blurred(x, sigma)) : tf.clone(image),
  );
}

function checkEvery(every: number): void {
  if (!Number.isInteger(every) || every < 1) throw new RangeError(`every 应为正整数，得到 ${every}`);
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

/** 去掉范数小的像素（clip pixels with small norm）：最小的 `percent` % 置为均值色。 */
export function clipNorm(percent: number): Projection {
  checkNumber('clipNorm 的 percent', percent, 0, 100);
  return named(`clipNorm(${percent})`, (image: tf.Tensor3D, { mean }: ProjectionContext) =>
    tf.tidy(() => clipBelow(image, mean, tf.norm(tf.sub(image, mean), 2, 2, true), percent)),
  );
}

/**
 * 去掉贡献小的像素（clip pixels with small contribution）：|Σ_c x·∂a/∂x| 估计把像素置零时激活值的变化，
 * 最小的 `percent` % 置为均值色。
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

/** 限制在显示范围内（bounds）：clipByValue 在范围外梯度为零，所以放在一步之后，而不是前向传播里。 */
export function bounds(low = 0, high = 1): Projection {
  return named(`bounds(${low}, ${high})`, (image: tf.Tensor3D) => tf.clipByValue(image, low, high));
}
