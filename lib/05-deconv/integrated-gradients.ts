import { tf } from '../tf/backend';
import { checkCounts } from '../base/check';
import { gradientBatch } from './gradient-batch';
import { backProject } from './gradients';
import { type InterruptWatch, type LongRun, type StopReason, watchInterrupts } from '../base/interrupt';
import { checkImage } from '../image/check';
import type { ImageModel } from '../model/model';
import { fixTarget, resolveTarget, seedGradient, type Target, targetValue } from '../model/target';

export interface IntegratedGradientsOptions extends LongRun {
  /** 起点（没有信息的图）：'mean'（缺省，网络的平均色）、'black'，或同样大小的图。 */
  baseline?: 'mean' | 'black' | tf.Tensor3D;
  /** 允许的完备性误差，缺省 0.01（1 %）；达不到就把步数加倍（已经算过的点不重算）。 */
  tolerance?: number;
  /** 起初的步数，缺省 32；最多 `maxSteps`，缺省 512。 */
  steps?: number;
  maxSteps?: number;
  /** 一次算几个点，缺省由网络的大小决定（AlexNet 8，SqueezeNet 4）。 */
  batchSize?: number;
}

export interface IntegratedGradients {
  /** `[h, w, 3]`：每个像素对得分变化的贡献，由调用者 dispose。 */
  readonly map: tf.Tensor3D;
  /** 完备性（completeness）：`sum` 各像素贡献之和，`difference` 得分在图像与起点之差，`error` 两者的相对误差。 */
  readonly completeness: { readonly sum: number; readonly difference: number; readonly error: number };
  readonly steps: number;
  readonly stopped?: StopReason;
}

/** A place on the way from the baseline (0) to the image (1), and its weight in the mean. */
interface Stop {
  readonly at: number;
  readonly weight: number;
}

/** The trapezoidal rule on `count` pieces; `newOnly`: the stops that half as many pieces did not have. */
const trapezoid = (count: number, newOnly: boolean): Stop[] =>
  Array.from({ length: count + 1 }, (_, i) => ({ at: i / count, weight: (i % count === 0 ? 0.5 : 1) / count })).filter(
    (_, i) => !newOnly || i % 2 === 1,
  );

interface Way {
  readonly model: ImageModel;
  readonly from: tf.Tensor3D;
  readonly to: tf.Tensor3D;
  readonly target: Target;
  readonly batchSize: number;
  readonly watch: InterruptWatch;
}

/** The weighted sum of the gradients at these stops, the last of `total`; undefined when stopped on the way. */
async function gradientOnTheWay(
  { model, from, to, target, batchSize, watch }: Way,
  stops: readonly Stop[],
  total: number,
): Promise<tf.Tensor3D | undefined> {
  const resolved = resolveTarget(model, target);
  let sum: tf.Tensor3D | undefined = tf.zerosLike(from);
  try {
    for (let first = 0; first < stops.length; first += batchSize) {
      const batch = stops.slice(first, first + batchSize);
      const before: tf.Tensor3D = sum;
      sum = tf.tidy(() => {
        const column = (values: number[]) => tf.tensor4d(values, [batch.length, 1, 1, 1]);
        const way = tf.mul(tf.expandDims(tf.sub(to, from), 0), column(batch.map((s) => s.at)));
        const seed = (a: tf.Tensor) => seedGradient(a, Array(batch.length).fill(resolved));
        const images = tf.add(tf.expandDims(from, 0), way) as tf.Tensor4D;
        const gradients = tf.mul(backProject(model, images, resolved.layer, seed), column(batch.map((s) => s.weight)));
        return tf.add(before, tf.sum(gradients, 0)) as tf.Tensor3D;
      });
      before.dispose();
      const left = Math.max(0, stops.length - first - batchSize);
      await watch.step({ done: total - left, total });
      if (watch.stopped && left > 0) return undefined;
    }
    const whole = sum;
    sum = undefined;
    return whole;
  } finally {
    sum?.dispose();
  }
}

/**
 * 积分梯度（integrated gradients）：从一幅没有信息的图走到这幅图，一路上的梯度取平均，再乘以两者之差。
 * 各像素之和等于得分之差（完备性）；误差大于 `tolerance` 时步数加倍，结果里写明最后的误差。
 *
 * @param image `[h, w, 3]`，RGB，[0, 1]；不会被 dispose
 * @param target 与 inputGradient 的相同；`at: 'max'` 在图像自己的最强处固定下来
 * @throws RangeError 类别、层、通道、位置、步数不对
 * @see Sundararajan 等 2017 (arXiv:1703.01365)
 * @example
 * const result = await integratedGradients(model, image, { class: 387 }, { steps: 8, maxSteps: 16 });
 * dispose(result);
 */
export async function integratedGradients(
  model: ImageModel,
  image: tf.Tensor3D,
  target: Target,
  {
    baseline = 'mean',
    tolerance = 0.01,
    steps = 32,
    maxSteps = 512,
    batchSize = gradientBatch(model),
    ...run
  }: IntegratedGradientsOptions = {},
): Promise<IntegratedGradients> {
  checkCounts({ steps, maxSteps, batchSize });
  await checkImage(image);
  // On the way the strongest place may change; the neuron explained stays the one of the image itself.
  const fixed = await fixTarget(model, image, target);
  const watch = watchInterrupts(run);
  const start = baselineImage(model, image, baseline);
  const way = { model, from: start, to: image, target: fixed, batchSize, watch };
  let mean = tf.zerosLike(image);
  try {
    const difference = (await targetValue(model, image, fixed)) - (await targetValue(model, start, fixed));
    for (let count = steps; ; count *= 2) {
      const added = await gradientOnTheWay(way, trapezoid(count, count > steps), count + 1);
      if (added) {
        // Halving the pieces halves the weight of the stops that are already in.
        const next = tf.tidy(() => tf.add(tf.mul(mean, 0.5), added) as tf.Tensor3D);
        tf.dispose([mean, added]);
        mean = next;
      }
      const map = tf.tidy(() => tf.mul(mean, tf.sub(image, start)) as tf.Tensor3D);
      const sum = await sumOf(map);
      const error = Math.abs(sum - difference) / (Math.abs(difference) || 1);
      if (watch.stopped || error <= tolerance || 2 * count > maxSteps) {
        return { map, completeness: { sum, difference, error }, steps: count, stopped: watch.stopped };
      }
      map.dispose();
    }
  } finally {
    tf.dispose([mean, start]);
  }
}

async function sumOf(map: tf.Tensor): Promise<number> {
  const total = map.sum();
  const [sum] = await total.data();
  total.dispose();
  return sum;
}

function baselineImage(model: ImageModel, image: tf.Tensor3D, baseline: 'mean' | 'black' | tf.Tensor3D): tf.Tensor3D {
  if (baseline === 'black') return tf.zerosLike(image);
  if (baseline === 'mean') return tf.tidy(() => tf.add(tf.zerosLike(image), tf.tensor1d([...model.mean])));
  if (!(baseline instanceof tf.Tensor) || baseline.shape.join() !== image.shape.join()) {
    throw new RangeError(`baseline 应为 'mean'、'black' 或与图像同样大小 [${image.shape.join(', ')}] 的图`);
  }
  return tf.clone(baseline);
}
