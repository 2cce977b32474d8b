import { tf } from '../tf/backend';
import { checkFunction, checkList } from '../base/check';
import { checkTensor } from '../image/check';

/**
 * 把带符号的梯度图变成可看的图（finishers）：一个个小函数，用 `finish` 串起来。
 *
 *     finish(gradient, saliency, unitScale())
 *
 * 每个函数返回新张量（由调用者 dispose），不改动参数。
 */
export type Finisher = (map: tf.Tensor) => tf.Tensor;

/**
 * 依次套用几个整理函数（compose finishers），中间结果自动释放。
 * @example
 * const gradient = inputGradient(model, image, { class: 387 });
 * const map = finish(gradient, saliency, unitScale());
 * dispose(gradient, map);
 */
export function finish(map: tf.Tensor, ...finishers: readonly Finisher[]): tf.Tensor {
  checkList('finishers', finishers, (step, what) => checkFunction(what, step));
  return tf.tidy(() => finishers.reduce((current, step) => step(current), tf.clone(checkTensor(map, 'map'))));
}

/**
 * 显著图（saliency map, Simonyan 等 2014）：绝对值，再取颜色通道中的最大值；`[h, w]`，不小于 0；由调用者 dispose。
 * @example
 * const gradient = tf.tensor3d([1, -5, 3], [1, 1, 3]);
 * const map = saliency(gradient);
 * await map.data(); // [5]
 * dispose(gradient, map);
 */
export const saliency: Finisher = (map) => tf.tidy(() => tf.max(tf.abs(checkTensor(map, 'map')), -1));

/** The q-th percentile (0 … 100) of the absolute values, linear between neighbours; a scalar, nothing is read back. */
function percentileOf(map: tf.Tensor, q: number): tf.Scalar {
  return tf.tidy(() => {
    const place = ((map.size - 1) * q) / 100;
    const low = Math.floor(place);
    // Sorted downwards: the low-th value from below is the last one that topk returns, its upper neighbour the one before.
    const { values } = tf.topk(tf.reshape(tf.abs(map), [-1]), map.size - low);
    const above = map.size - low > 1 ? tf.slice(values, [map.size - low - 2], [1]) : tf.slice(values, [0], [1]);
    const below = tf.slice(values, [map.size - low - 1], [1]);
    return tf.reshape(tf.add(below, tf.mul(tf.sub(above, below), place - low)), []) as tf.Scalar;
  });
}

/** The percentile of one map, or the scale it was given; never 0, so that a flat map divides to 0. */
const scaleOf = (map: tf.Tensor, limit: number | undefined): tf.Tensor =>
  tf.maximum(limit ?? percentileOf(map, 99.5), 1e-30);

/**
 * 一组图的共同尺度（shared magnitude）：各图绝对值的第 `percentile` 百分位数中最大的一个。
 * 交给 signedDisplay / unitScale 的 `limit`，几幅图就可以互相比较。
 *
 * @param percentile 0 到 100，缺省 99.5：不让个别像素决定整幅图的明暗
 * @example
 * const map = tf.tensor2d([[1, -4], [2, 3]]);
 * await magnitudeOf(map, 100); // 4
 * dispose(map);
 */
export async function magnitudeOf(maps: tf.Tensor | readonly tf.Tensor[], percentile = 99.5): Promise<number> {
  if (!(percentile > 0 && percentile <= 100)) throw new RangeError(`百分位数应在 0 与 100 之间，得到 ${percentile}`);
  const list = maps instanceof tf.Tensor ? [maps] : maps;
  const found = checkList('maps', list, checkTensor).map((map) => percentileOf(map, percentile));
  try {
    return Math.max(0, ...(await Promise.all(found.map(async (scalar) => (await scalar.data())[0]))));
  } finally {
    tf.dispose(found);
  }
}

export interface DisplayOptions {
  /** 显示为最亮（最暗）的绝对值；缺省取这幅图自己的 magnitudeOf。几幅图要比较时传同一个数。 */
  limit?: number;
}

/**
 * 带符号的图（signed display）：0 显示为中灰 0.5，+limit 为 1，−limit 为 0；处处为 0 的图是一片中灰。
 * @example
 * const map = tf.tensor1d([-2, 0, 2]);
 * const shown = finish(map, signedDisplay({ limit: 2 }));
 * await shown.data(); // [0, 0.5, 1]
 * dispose(map, shown);
 */
export const signedDisplay =
  ({ limit }: DisplayOptions = {}): Finisher =>
  (map) =>
    tf.tidy(() => {
      const shifted = tf.add(tf.mul(tf.div(map, scaleOf(map, limit)), 0.5), 0.5);
      return tf.clipByValue(shifted, 0, 1);
    });

/**
 * 不小于 0 的图（unit scale）：0 显示为 0，limit 显示为 1。
 * @example
 * const map = tf.tensor1d([0, 1, 2]);
 * const shown = finish(map, unitScale({ limit: 2 }));
 * await shown.data(); // [0, 0.5, 1]
 * dispose(map, shown);
 */
export const unitScale =
  ({ limit }: DisplayOptions = {}): Finisher =>
  (map) =>
    tf.tidy(() => tf.clipByValue(tf.div(map, scaleOf(map, limit)), 0, 1));
