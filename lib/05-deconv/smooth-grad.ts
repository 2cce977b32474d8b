import { tf } from '../tf/backend';
import { tidyUnlessAsync } from '../tf/scope';
import { checkCounts, checkFunction } from '../base/check';
import { checkTensor, checkImage } from '../image/check';
import { type LongRun, type StopReason, watchInterrupts } from '../base/interrupt';
import { randomGenerator } from '../base/random';

/** 一种归因方法（attribution）：给一幅图 `[h, w, 3]`，得一幅同样大小的带符号的图；可以是异步的。 */
export type Attribution = (image: tf.Tensor3D) => tf.Tensor3D | Promise<tf.Tensor3D>;

export interface SmoothGradOptions extends LongRun {
  /** 加噪声的次数，缺省 25。 */
  samples?: number;
  /** 噪声的标准差，以图像取值范围（最大值减最小值）为 1，缺省 0.15。 */
  noise?: number;
  /** 随机种子，缺省 0。 */
  seed?: number;
}

export interface SmoothGrad {
  /** `[h, w, 3]`，带符号，由调用者 dispose。 */
  readonly map: tf.Tensor3D;
  /** 实际平均了几次。 */
  readonly samples: number;
  readonly stopped?: StopReason;
}

/**
 * 平滑梯度（SmoothGrad）：给图像反复加一点噪声，把各次的图平均。
 *
 * @param attribution 任何归因方法，例如 `(x) => inputGradient(model, x, target)`
 * @param image `[h, w, 3]`，RGB，[0, 1]；不会被 dispose。加了噪声的图不截到 [0, 1]
 * @throws RangeError samples 不是正整数，noise 是负数
 * @see Smilkov 等 2017 (arXiv:1706.03825)
 * @example
 * const { map } = await smoothGrad((x) => inputGradient(model, x, { class: 387 }), image, { samples: 4 });
 * dispose(map);
 */
export async function smoothGrad(
  attribution: Attribution,
  image: tf.Tensor3D,
  { samples = 25, noise = 0.15, seed = 0, ...run }: SmoothGradOptions = {},
): Promise<SmoothGrad> {
  checkCounts({ samples });
  checkFunction('attribution', attribution);
  if (!(noise >= 0)) throw new RangeError(`noise 不能是负数，得到 ${noise}`);
  await checkImage(image);
  const random = randomGenerator(seed);
  const watch = watchInterrupts(run);
  const range = tf.tidy(() => tf.sub(image.max(), image.min()));
  const sigma = noise * (await range.data())[0];
  range.dispose();
  let sum = tf.zerosLike(image);
  let done = 0;
  try {
    while (done < samples && (!watch.stopped || done === 0)) {
      const grain = Float32Array.from({ length: image.size }, () => sigma * random.normal());
      const noisy = tf.tidy(() => tf.add(image, tf.tensor(grain, image.shape)) as tf.Tensor3D);
      try {
        const map = await tidyUnlessAsync(() => attribution(noisy));
        checkTensor(map, 'attribution 的结果');
        if (!tf.util.arraysEqual(map.shape, image.shape)) {
          map.dispose();
          throw new RangeError(`attribution 的结果应与图像一样大 [${image.shape.join(', ')}]，得到 [${map.shape.join(', ')}]`); // prettier-ignore
        }
        const next = tf.add(sum, map) as tf.Tensor3D;
        tf.dispose(map === noisy ? [sum] : [sum, map]);
        sum = next;
      } finally {
        noisy.dispose();
      }
      done++;
      await watch.step({ done, total: samples });
    }
    return { map: tf.div(sum, done), samples: done, stopped: watch.stopped };
  } finally {
    sum.dispose();
  }
}
