import { tf } from '../tf/backend';
import { checkCounts, checkNumbers } from '../base/check';
import { type LongRun, type StopReason, watchInterrupts } from '../base/interrupt';
import { areaUnder, l2Norm } from '../image/metrics';
import { assertSameSize, checkTensor, checkImage } from '../image/check';
import type { ImageModel } from '../model/model';
import { probabilitiesOf } from '../model/output';
import { randomGenerator } from '../base/random';
import { blurred } from '../image/blur';
import { finish, saliency } from './saliency';
import { resolveTarget, type Target, targetValues } from '../model/target';

/**
 * 与某幅图同样大小的随机方向（random direction）：对照组，长度（l2）与 `like` 相同。
 *
 * @returns 与 `like` 同形，由调用者 dispose
 * @example
 * const control = randomDirection(image, { seed: 1 });
 * dispose(control);
 */
export function randomDirection(like: tf.Tensor3D, { seed = 0 }: { seed?: number } = {}): tf.Tensor3D {
  const random = randomGenerator(seed);
  const values = Float32Array.from({ length: checkTensor(like, 'like', 3).size }, () => random.normal());
  const length = l2Norm(values);
  return tf.tidy(() => tf.mul(tf.tensor3d(values, like.shape), tf.div(tf.norm(like), length)) as tf.Tensor3D);
}

/**
 * 沿一个方向走，神经元的值怎么变（response along a direction）：每一步都从原图出发，走 `steps[i]` 那么远。
 *
 * @param direction `[h, w, 3]`；先除以自己的 l2 长度，所以不同方向可以公平比较；处处为 0 则原地不动
 * @param steps 走多远：图像空间（RGB，[0, 1]）里的 l2 距离。走出 [0, 1] 的像素不截断
 * @returns 每一步的激活值（类别则是 softmax 之前的得分）
 * @example
 * const gradient = inputGradient(model, image, { class: 387 });
 * const scores = await responseAlong(model, image, { class: 387 }, gradient, [0, 1, 2]);
 * dispose(gradient);
 */
export async function responseAlong(
  model: ImageModel,
  image: tf.Tensor3D,
  target: Target,
  direction: tf.Tensor3D,
  steps: readonly number[],
): Promise<number[]> {
  await checkImage(image);
  assertSameSize(direction, image.shape, 'direction');
  if (!checkNumbers('steps', steps).length) throw new RangeError('steps 是空的：至少要有一步');
  const norm = l2Norm(await direction.data()) || 1;
  const images = tf.tidy(() => {
    const lengths = tf.tensor4d(steps.map((s) => s / norm), [steps.length, 1, 1, 1]); // prettier-ignore
    return tf.add(tf.expandDims(image, 0), tf.mul(tf.expandDims(direction, 0), lengths)) as tf.Tensor4D;
  });
  try {
    return await targetValues(model, images, target);
  } finally {
    images.dispose();
  }
}

export interface InsertionDeletionOptions extends LongRun {
  /** 分多少步删完（或加完）所有像素，缺省 20。 */
  steps?: number;
  /** 删掉的像素换成什么：'blur'（缺省，模糊后的图）、'mean'（网络的平均色）。 */
  fill?: 'blur' | 'mean';
  batchSize?: number;
}

export interface InsertionDeletion {
  /** 已经删掉（加上）的像素所占的比例，0 到 1。 */
  readonly fractions: readonly number[];
  /** 从图上删去最重要的像素，得分怎样下降：类别是概率，神经元是激活值除以原图上的激活值。 */
  readonly deletion: readonly number[];
  /** 往空白图上加最重要的像素，得分怎样上升。 */
  readonly insertion: readonly number[];
  /** 曲线下的面积：删除越小越好，插入越大越好。 */
  readonly deletionArea: number;
  readonly insertionArea: number;
  readonly stopped?: StopReason;
}

/** For every pixel its place in the order of importance, 0 (most important) … 1. */
async function importanceOrder(map: tf.Tensor): Promise<tf.Tensor2D> {
  const size = map.rank === 3 ? finish(map, saliency) : tf.clone(map);
  const values = await size.data();
  size.dispose();
  const order = Uint32Array.from(values, (_, i) => i).sort((a, b) => values[b] - values[a] || a - b);
  const place = new Float32Array(values.length);
  order.forEach((pixel, i) => (place[pixel] = (i + 0.5) / order.length));
  return tf.tensor2d(place, size.shape as [number, number]);
}

/** For every fraction the image with that share of its pixels, the first in the order, taken from another one. */
const exchanged = (image: tf.Tensor3D, other: tf.Tensor3D, order: tf.Tensor2D, fractions: readonly number[]) =>
  tf.tidy(() => {
    const changed = tf.less(tf.expandDims(order, 0), tf.tensor3d([...fractions], [fractions.length, 1, 1]));
    return tf.where(tf.expandDims(changed, 3), tf.expandDims(other, 0), tf.expandDims(image, 0)) as tf.Tensor4D;
  });

function assertMapOf(image: tf.Tensor3D, map: tf.Tensor): void {
  checkTensor(map, 'map');
  if (map.shape[0] === image.shape[0] && map.shape[1] === image.shape[1]) return;
  throw new RangeError(`图 [${map.shape.join(', ')}] 应与图像 [${image.shape.join(', ')}] 同样大小`);
}

/** The image without what it shows: its mean colour, or blurred by 8 pixels in 224. */
const blank = (model: ImageModel, image: tf.Tensor3D, fill: 'blur' | 'mean'): tf.Tensor3D =>
  fill === 'mean'
    ? tf.tidy(() => tf.add(tf.zerosLike(image), tf.tensor1d([...model.mean])) as tf.Tensor3D)
    : blurred(image, Math.min(...model.inputSize) / 28);

/** What the curves show: the probability of a class, the activation of a neuron. */
async function scoresOf(model: ImageModel, images: tf.Tensor4D, target: Target): Promise<number[]> {
  if (!('class' in target)) return targetValues(model, images, target);
  const column = tf.tidy(() => {
    const [logits] = model.forward(images, [model.layerName()]);
    return tf.slice(probabilitiesOf(logits, model.output), [0, target.class], [-1, 1]);
  });
  const values = await column.data();
  column.dispose();
  return Array.from(values);
}

/**
 * 删除与插入曲线（deletion and insertion curves）：按图上的重要程度一批批删去（加上）像素，看得分怎样变。
 *
 * @param map `[h, w]`（越大越重要）或 `[h, w, 3]`（先取显著图）；不会被 dispose
 * @throws RangeError 类别、层、通道、位置或步数不对
 * @see Petsiuk 等 2018 (arXiv:1806.07421)
 * @example
 * const gradient = inputGradient(model, image, { class: 387 });
 * const map = saliency(gradient);
 * const { deletionArea, insertionArea } = await insertionDeletion(model, image, { class: 387 }, map, { steps: 4 });
 * dispose(gradient, map);
 */
export async function insertionDeletion(
  model: ImageModel,
  image: tf.Tensor3D,
  target: Target,
  map: tf.Tensor,
  { steps = 20, fill = 'blur', batchSize = 8, ...run }: InsertionDeletionOptions = {},
): Promise<InsertionDeletion> {
  checkCounts({ steps, batchSize });
  resolveTarget(model, target);
  await checkImage(image);
  assertMapOf(image, map);
  const watch = watchInterrupts(run);
  const fractions = Array.from({ length: steps + 1 }, (_, i) => i / steps);
  const empty = blank(model, image, fill);
  const order = await importanceOrder(map);
  try {
    // Both curves end where the other one begins.
    const ends = tf.stack([image, empty]) as tf.Tensor4D;
    const [full, none] = await scoresOf(model, ends, target);
    ends.dispose();
    const unit = 'class' in target ? 1 : full || 1;
    const curves = [[full / unit], [none / unit]];
    const total = steps + 1;
    await watch.step({ done: 2, total });
    for (let from = 1; from < steps && !watch.stopped; from += batchSize) {
      const part = fractions.slice(from, Math.min(from + batchSize, steps));
      for (const [which, start] of [image, empty].entries()) {
        const images = exchanged(start, which === 0 ? empty : image, order, part);
        curves[which].push(...(await scoresOf(model, images, target)).map((score) => score / unit));
        images.dispose();
      }
      await watch.step({ done: from + part.length + 1, total });
    }
    if (!watch.stopped) [none, full].forEach((score, which) => curves[which].push(score / unit));
    const [deletion, insertion] = curves;
    const [deletionArea, insertionArea] = curves.map((curve) => (curve.length > 1 ? areaUnder(curve) : NaN));
    const shown = fractions.slice(0, deletion.length);
    return { fractions: shown, deletion, insertion, deletionArea, insertionArea, stopped: watch.stopped };
  } finally {
    tf.dispose([empty, order]);
  }
}
