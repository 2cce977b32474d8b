import { tf } from '../tf/backend';
import { checkCounts, checkNumbers } from '../base/check';
import { randomGenerator } from '../base/random';

/** Maps that know nothing of the network: what a map must beat before its order of pixels says anything. */

/** So many cells a side, enlarged: about as smooth as an occlusion map. */
const CELLS = 5;

/**
 * 平滑的随机图（smooth random map）：5×5 个随机数放大到整幅，作删除曲线的对照。
 *
 * 白噪声把照片打成麻点，不是公平的对照；这张图与遮挡图差不多一样平滑。
 *
 * @param size [高, 宽]，像素
 * @returns [高, 宽]，0 到 1，由调用者 dispose
 * @throws RangeError 大小不是正整数
 * @example
 * const noise = smoothRandomMap(model.inputSize, { seed: 1 });
 * const { deletionArea } = await insertionDeletion(model, image, { class: 387 }, noise, { steps: 4 });
 * dispose(noise);
 */
export function smoothRandomMap(size: readonly [number, number], { seed = 0 } = {}): tf.Tensor2D {
  const [height, width] = checkNumbers('size', size, 2);
  checkCounts({ height, width });
  const random = randomGenerator(seed);
  const values = Float32Array.from({ length: CELLS * CELLS }, () => random.uniform());
  return tf.tidy(() => {
    const cells = tf.tensor3d(values, [CELLS, CELLS, 1]);
    return tf.squeeze(tf.image.resizeBilinear(cells, [height, width]), [2]) as tf.Tensor2D;
  });
}

/**
 * 只看位置的图（centre map）：离画面中心越近，数越大。照片的主体多在中间，一张图要比得过它，才不只是说中了“中间”。
 *
 * @param size [高, 宽]，像素
 * @returns [高, 宽]，中心 0，四角 −2，由调用者 dispose
 * @throws RangeError 大小不是正整数
 * @example
 * const centre = centreMap(model.inputSize);
 * const { deletionArea } = await insertionDeletion(model, image, { class: 387 }, centre, { steps: 4 });
 * dispose(centre);
 */
export function centreMap(size: readonly [number, number]): tf.Tensor2D {
  const [height, width] = checkNumbers('size', size, 2);
  checkCounts({ height, width });
  return tf.tidy(() => {
    const square = (n: number) => tf.square(n > 1 ? tf.linspace(-1, 1, n) : tf.zeros([1]));
    return tf.neg(
      tf.add(tf.reshape(square(height), [height, 1]), tf.reshape(square(width), [1, width])),
    ) as tf.Tensor2D;
  });
}
