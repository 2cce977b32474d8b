import { type Adversarial, adversarial, cleanVerdict } from './result';
import { tf } from '../tf/backend';
import { safely } from '../tf/tape';
import { checkImage } from '../image/check';
import { type LongRun, type RunStep, watchInterrupts } from '../base/interrupt';
import type { ImageModel } from '../model/model';
import type { ClassTarget } from '../model/target';
import { checkCounts, checkNumber } from '../base/check';

export interface DeepFoolOptions extends LongRun<DeepFoolStep> {
  /** 考虑得分最高的几个别的类别（candidates），默认 9。 */
  candidates?: number;
  /** 越过边界多少（overshoot），默认 0.02：扰动乘以 1 + overshoot。 */
  overshoot?: number;
  /** 最多几步，默认 50；通常 2 到 5 步就够。 */
  steps?: number;
  /** 要离开的、正确的类别 `{ class: 编号 }`；给了就要求网络本来答对，不给就用网络现在的答案。 */
  away?: ClassTarget;
}

export interface DeepFoolStep extends RunStep {
  /** 得分之差 z(原来的类) − max z(别的类)：小于 0 就越过了边界。 */
  readonly margin: number;
}

interface Boundary {
  /** 到最近边界的一步，`[h, w, 3]`。 */
  readonly step: tf.Tensor3D;
  /** 得分之差 z(from) − max z(other)：大于 0 时还没有越过边界。 */
  readonly margin: number;
}

/**
 * DeepFool：把网络在当前点附近当作线性的，走到最近的一条类别边界，再重复；得到近似最小的 l2 扰动。
 *
 * `relative` 就是论文报告的 ρ = ||r|| / ||x||，`trace` 是每一步的 max z(别的类) − z(原来的类)。
 *
 * @param image `[h, w, 3]`，RGB，[0, 1]；不会被 dispose
 * @returns 见 Adversarial；image 与 perturbation 由调用者 dispose；每一步之后截断到 [0, 1]
 * @throws RangeError 参数不对、图的大小不对、给了 away 而网络本来就答错；CourseError 网络没有类别得分
 * @see Moosavi-Dezfooli et al. 2015, arXiv:1511.04599
 * @example
 * const example = await deepFool(model, image, { candidates: 3, steps: 2 });
 * dispose(example);
 */
export async function deepFool(
  model: ImageModel,
  image: tf.Tensor3D,
  { candidates = 9, overshoot = 0.02, steps = 50, away, ...run }: DeepFoolOptions = {},
): Promise<Adversarial> {
  await checkImage(image);
  checkNumber('overshoot', overshoot, 0, 10);
  checkCounts({ candidates, steps });
  const { before, from } = await cleanVerdict(model, image, away);
  const others = await rivals(model, image, from, candidates);
  const watch = watchInterrupts(run);
  const trace: number[] = [];
  let moved = tf.clone(image);
  try {
    for (let step = 0; ; step++) {
      const boundary = await nearestBoundary(model, moved, from, others);
      try {
        trace.push(-boundary.margin);
        await watch.step({ done: step, total: steps, margin: boundary.margin });
        if (boundary.margin < 0 || step === steps || watch.stopped) break;
        // every step stays an image: clipped only at the end, it could be back on this side of the boundary
        const next = tf.tidy(() =>
          tf.clipByValue(tf.add(moved, tf.mul(boundary.step, 1 + overshoot)) as tf.Tensor3D, 0, 1),
        );
        moved.dispose();
        moved = next;
      } finally {
        boundary.step.dispose();
      }
    }
    return await adversarial(model, image, tf.clone(moved), {
      method: 'DeepFool',
      before,
      from,
      trace,
      settings: { model: model.id, candidates, overshoot, steps, backend: tf.getBackend() },
      notes: [],
      ...(watch.stopped ? { stopped: watch.stopped } : {}),
    });
  } finally {
    moved.dispose();
  }
}

/** The classes with the highest scores, without the image's own. */
async function rivals(model: ImageModel, image: tf.Tensor3D, from: number, count: number): Promise<number[]> {
  const logits = model.activations(image);
  const values = await logits.data();
  logits.dispose();
  const order = Array.from(values, (_, i) => i).sort((a, b) => values[b] - values[a] || a - b);
  return order.filter((i) => i !== from).slice(0, count);
}

/**
 * All differences z(k) − z(from) and their gradients by ONE backward pass: copy k of the image in a batch answers for
 * class k, and the gradient of the sum holds each copy's own gradient.
 */
async function nearestBoundary(
  model: ImageModel,
  image: tf.Tensor3D,
  from: number,
  others: readonly number[],
): Promise<Boundary> {
  const layer = model.layerName();
  const { gradients, table } = tf.tidy(() => {
    const copies = tf.tile(tf.expandDims(image, 0), [others.length, 1, 1, 1]) as tf.Tensor4D;
    const classes = model.classes.length;
    const wanted = tf.sub(
      tf.oneHot(tf.tensor1d([...others], 'int32'), classes),
      tf.oneHot(tf.scalar(from, 'int32'), classes),
    );
    let differences: tf.Tensor | undefined;
    const sum = (x: tf.Tensor) => {
      const [logits] = model.forward(x as tf.Tensor4D, [layer]);
      differences = tf.keep(tf.sum(tf.mul(logits, tf.cast(wanted, 'float32')), 1));
      return tf.sum(differences);
    };
    try {
      const grads = safely(() => tf.grad(sum)(copies)) as tf.Tensor4D;
      return { gradients: grads, table: tf.stack([differences!, tf.sum(tf.square(grads), [1, 2, 3])]) };
    } finally {
      differences?.dispose();
    }
  });
  const [differences, squares] = (await table.array()) as number[][];
  const distance = differences.map((d, k) => (squares[k] > 0 ? Math.abs(d) / Math.sqrt(squares[k]) : Infinity));
  const nearest = distance.indexOf(Math.min(...distance));
  const step = tf.tidy(() => {
    const direction = tf.squeeze(tf.slice(gradients, [nearest, 0, 0, 0], [1, -1, -1, -1]), [0]);
    // A little more than the distance: a step to the boundary itself would end on it.
    return tf.mul(direction, (Math.abs(differences[nearest]) + 1e-4) / (squares[nearest] || 1)) as tf.Tensor3D;
  });
  tf.dispose([gradients, table]);
  return { step, margin: -Math.max(...differences) };
}
