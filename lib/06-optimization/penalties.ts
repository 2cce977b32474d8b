import { tf } from '../tf/backend';
import { named } from '../base/named';
import { checkNumber } from '../base/check';

/**
 * 惩罚项（penalty）：图像 `[h, w, 3]` → 一个数，从目标里减去；可微分。范数都以网络的均值颜色为零点。
 * Units: images in [0, 1]. A coefficient for 0-255 images becomes λ·255^p here when the norm has the power p.
 */
export type Penalty = (image: tf.Tensor3D, context: PenaltyContext) => tf.Scalar;

export interface PenaltyContext {
  /** `[3]`，RGB，[0, 1]：对网络来说是零的颜色。 */
  readonly mean: tf.Tensor1D;
}

/**
 * λ·||I − mean||²（L2 norm, squared）：Simonyan 等人的正则项。
 * @example
 * const result = await maximize(model, objective.classScore(130), { penalties: [penalty.l2(0.01)], steps: 3 });
 * dispose(result);
 */
export function l2(lambda: number): Penalty {
  checkNumber('lambda', lambda, 0);
  return named(`l2(${lambda})`, (image: tf.Tensor3D, { mean }: PenaltyContext) =>
    tf.tidy(() => tf.mul(lambda, tf.sum(tf.square(tf.sub(image, mean)))) as tf.Scalar),
  );
}

/**
 * λ·Σ|I − mean|^α（alpha norm）：α 大（6）时只压住过亮、过暗的像素。
 * @example
 * const result = await maximize(model, objective.classScore(130), { penalties: [penalty.alphaNorm(0.1, 6)], steps: 3 });
 * dispose(result);
 */
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
 * @example
 * const penalties = [penalty.l2(0.01), penalty.totalVariation(0.001)];
 * const result = await maximize(model, objective.classScore(130), { penalties, steps: 3 });
 * dispose(result);
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
