import { tf } from '../tf/backend';
import { safely } from '../tf/tape';
import { type LongRun, type RunStep, type StopReason, watchInterrupts } from '../base/interrupt';
import { assertSameSize, checkBatch } from '../image/check';
import type { ImageModel } from '../model/model';
import { checkCounts, checkNumber } from '../base/check';
import { type RandomGenerator, randomGenerator, shuffled } from '../base/random';
import { jitter, type Transform } from '../06-optimization/transforms';
import { given } from '../model/given';

export interface UniversalStep extends RunStep {
  /** 这一批图上的平均得分之差。 */
  readonly value: number;
}

export interface UniversalOptions extends LongRun<UniversalStep> {
  /** 扰动上界 ε（L-infinity），[0, 1] 单位，默认 10/255，与论文相同。 */
  epsilon?: number;
  /** 所有图看几遍（epochs），默认 5。 */
  epochs?: number;
  batchSize?: number;
  /** 每步每个数改变多少，默认 ε / 10。 */
  stepSize?: number;
  /** 每步把这一批图横竖各平移最多多少像素（移出的从另一边回来），并随机左右翻转；默认 16。没有它，扰动会背下这些图。 */
  jitter?: number;
  seed?: number;
}

export interface Universal {
  /** `[h, w, 3]`，每个数在 −ε 与 ε 之间；由调用者 dispose。 */
  readonly perturbation: tf.Tensor3D;
  /** 每一步这一批图上的平均得分之差（越大越多图被骗）。 */
  readonly trace: readonly number[];
  readonly settings: Readonly<Record<string, unknown>>;
  readonly stopped?: StopReason;
}

/** Once an image is fooled by this much, it no longer pulls: otherwise a few easy ones would decide every step. */
const ENOUGH = 3;

/**
 * 普适扰动（universal perturbation）：同一个扰动加到每一幅图上，都让网络改变答案。
 *
 * 论文对每幅图反复用 DeepFool；这里用更简单的做法：把一批图的得分之差（别的类最高分 − 原来的答案，超过 3 就不再计）
 * 平均，对扰动求梯度的符号，走一步，再限制在 ±ε 之内。不需要标签：目标是改变网络自己的答案。
 *
 * @param images `[n, h, w, 3]`，RGB，[0, 1]，至少 2 幅；不会被 dispose
 * @throws RangeError 参数或图的大小不对；CourseError 网络没有类别得分
 * @see Moosavi-Dezfooli et al. 2016, arXiv:1610.08401
 * @example
 * const images = tf.stack([image, image]) as tf.Tensor4D;
 * const { perturbation } = await universal(model, images, { epochs: 1, jitter: 4 });
 * dispose(images, perturbation);
 */
export async function universal(
  model: ImageModel,
  images: tf.Tensor4D,
  options: UniversalOptions = {},
): Promise<Universal> {
  const { epsilon = 10 / 255, epochs = 5, batchSize = 8, jitter: shift = 16, seed = 0 } = options;
  const { stepSize = epsilon / 10 } = options;
  checkNumber('epsilon', epsilon, 1e-6, 1);
  checkNumber('stepSize', stepSize, 1e-9, 1);
  const move = jitter(shift);
  checkCounts({ epochs, batchSize });
  await checkSeveral(images);
  const answers = await topClasses(given(model), images, batchSize);
  const watch = watchInterrupts(options);
  const random = randomGenerator(seed);
  const count = images.shape[0];
  const steps = epochs * Math.ceil(count / batchSize);
  const trace: number[] = [];
  let perturbation = tf.zeros(images.shape.slice(1) as [number, number, number]) as tf.Tensor3D;
  try {
    for (const chosen of batches(count, batchSize, epochs, random)) {
      if (watch.stopped) break;
      const batch = varied(images, chosen, move, random);
      const own = chosen.map((i) => answers[i]);
      const { next, value } = advance(model, batch, own, perturbation, { epsilon, stepSize });
      tf.dispose([batch, perturbation]);
      perturbation = next;
      trace.push((await value.data())[0]);
      value.dispose();
      await watch.step({ done: trace.length, total: steps, value: trace[trace.length - 1] });
    }
  } catch (error) {
    perturbation.dispose();
    throw error;
  }
  const settings = { model: model.id, epsilon, epochs, batchSize, stepSize, jitter: shift, seed, images: count };
  return { perturbation, trace, settings, ...(watch.stopped ? { stopped: watch.stopped } : {}) };
}

async function checkSeveral(images: tf.Tensor4D): Promise<void> {
  await checkBatch(images);
  if (images.shape[0] < 2)
    throw new RangeError(`universal 需要一批图 [n, h, w, 3]，n 至少为 2，得到 [${images.shape.join(', ')}]`);
}

/** The images' numbers in batches, in another order in every epoch. */
function* batches(count: number, batchSize: number, epochs: number, random: RandomGenerator): Generator<number[]> {
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = shuffled([...Array(count).keys()], random);
    for (let from = 0; from < count; from += batchSize) yield order.slice(from, from + batchSize);
  }
}

/** The chosen images, each shifted a little and mirrored or not: what holds for all of these holds for new ones too. */
function varied(images: tf.Tensor4D, chosen: readonly number[], move: Transform, random: RandomGenerator): tf.Tensor4D {
  return tf.tidy(() => {
    const moved = chosen.map((i) => {
      const image = tf.squeeze(tf.slice(images, [i, 0, 0, 0], [1, -1, -1, -1]), [0]) as tf.Tensor3D;
      return move(random.uniform() < 0.5 ? image : tf.reverse(image, 1), random);
    });
    return tf.stack(moved) as tf.Tensor4D;
  });
}

function advance(
  model: ImageModel,
  batch: tf.Tensor4D,
  answers: readonly number[],
  perturbation: tf.Tensor3D,
  { epsilon, stepSize }: { epsilon: number; stepSize: number },
): { next: tf.Tensor3D; value: tf.Scalar } {
  const layer = model.layerName();
  return tf.tidy(() => {
    const own = tf.cast(tf.oneHot(tf.tensor1d([...answers], 'int32'), model.classes.length), 'float32'); // prettier-ignore
    const loss = (v: tf.Tensor) => {
      const [logits] = model.forward(tf.add(batch, v) as tf.Tensor4D, [layer]);
      const other = tf.max(tf.sub(logits, tf.mul(own, 1e9)), 1);
      const margin = tf.sub(other, tf.sum(tf.mul(logits, own), 1));
      return tf.mean(tf.minimum(margin, ENOUGH)) as tf.Scalar;
    };
    const { value, grad } = safely(() => tf.valueAndGrad(loss)(perturbation));
    const next = tf.clipByValue(tf.add(perturbation, tf.mul(tf.sign(grad), stepSize)), -epsilon, epsilon);
    return { next: next as tf.Tensor3D, value: value as tf.Scalar };
  });
}

/** The answers to a batch of images; `proceed` is told how many are done and says whether to go on. */
async function topClasses(
  model: ImageModel,
  images: tf.Tensor4D,
  batchSize: number,
  proceed: (done: number) => Promise<boolean> = () => Promise.resolve(true),
): Promise<number[]> {
  const classes: number[] = [];
  for (let from = 0; from < images.shape[0] && (await proceed(from)); from += batchSize) {
    const best = tf.tidy(() => {
      const size = Math.min(batchSize, images.shape[0] - from);
      return tf.argMax(model.activations(tf.slice(images, [from, 0, 0, 0], [size, -1, -1, -1])), 1);
    });
    classes.push(...(await best.data()));
    best.dispose();
  }
  return classes;
}

export interface FoolingRate {
  /** 加上扰动之后改变了答案的比例，0 到 1。 */
  readonly rate: number;
  /** 每幅图加扰动之前、之后的答案，类别编号。 */
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** 提前停下的原因；这时 after 只有前面的一部分（至少一批），rate 只算这一部分。 */
  readonly stopped?: StopReason;
}

/**
 * 被骗的比例（fooling rate）：加上扰动（再截断到 [0, 1]）之后，网络改变了答案的图占多少。
 * @param images `[n, h, w, 3]`；求扰动时没有用过的图才说明问题
 * @example
 * const images = tf.expandDims(image) as tf.Tensor4D;
 * const noise = signNoise(image, 10 / 255);
 * const { rate } = await foolingRate(model, images, noise);
 * dispose(images, noise);
 */
export async function foolingRate(
  model: ImageModel,
  images: tf.Tensor4D,
  perturbation: tf.Tensor3D,
  { batchSize = 8, ...run }: LongRun & { batchSize?: number } = {},
): Promise<FoolingRate> {
  checkCounts({ batchSize });
  await checkBatch(images);
  assertSameSize(perturbation, images.shape.slice(1), 'perturbation');
  const watch = watchInterrupts(run);
  const total = images.shape[0];
  const before = await topClasses(given(model), images, batchSize);
  const moved = tf.tidy(() => tf.clipByValue(tf.add(images, perturbation), 0, 1) as tf.Tensor4D);
  const proceed = async (done: number) => {
    if (done > 0) await watch.step({ done, total });
    return done === 0 || !watch.stopped;
  };
  try {
    const after = await topClasses(model, moved, batchSize, proceed);
    if (after.length === total) await watch.step({ done: total, total });
    const rate = after.filter((c, i) => c !== before[i]).length / after.length;
    return { rate, before, after, ...(after.length < total && { stopped: watch.stopped }) };
  } finally {
    moved.dispose();
  }
}
