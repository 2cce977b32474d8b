import { tf } from '../tf/backend';
import { type LongRun, type StopReason, watchInterrupts } from '../base/interrupt';
import { kindOf } from '../base/check';
import type { ImageModel } from '../model/model';
import { assertSameSize, checkImage } from '../image/check';
import { resolveTarget, type Target } from '../model/target';

export interface PlaneOptions extends LongRun {
  /** 横轴、纵轴上走几倍的方向（steps along the axes）；默认 −1 到 2 之间的 13 个数。 */
  across?: readonly number[];
  up?: readonly number[];
  batchSize?: number;
}

export interface DecisionPlane {
  readonly across: readonly number[];
  readonly up: readonly number[];
  /** `margins[row][column]`：target 的得分减去别的类里最高的得分；0 就是边界。行按 up，列按 across。 */
  readonly margins: readonly (readonly number[])[];
  /** `answers[row][column]`：得分最高的类别。 */
  readonly answers: readonly (readonly number[])[];
  readonly stopped?: StopReason;
}

const AXIS = Array.from({ length: 13 }, (_, i) => -1 + i / 4);

/**
 * 切过决策边界的一个平面（a plane through the decision boundary）：在 image + a·across + b·up 上，网络认成什么、有多少余量。
 *
 * 十五万维里只有两维画得出来：同一张照片，换两个方向就是另一幅图。各点不截断到 [0, 1]。
 *
 * @param directions 两个方向，`[h, w, 3]`，例如攻击的扰动与同样大小的噪声；不会被 dispose
 * @param options `target`：余量是哪个类别的；其余见 PlaneOptions
 * @throws RangeError 方向与图像的形状不同，target 不是类别得分，或轴是空的
 * @example
 * const attack = attackGradient(model, image, { to: { class: 9 } });
 * const noise = signNoise(image, 2 / 255);
 * const axes = { across: [-1, 0, 1], up: [0, 1] };
 * const { margins } = await decisionPlane(model, image, [attack, noise], { target: { class: 9 }, ...axes });
 * dispose(attack, noise);
 */
export async function decisionPlane(
  model: ImageModel,
  image: tf.Tensor3D,
  directions: readonly [tf.Tensor3D, tf.Tensor3D],
  options: PlaneOptions & { target: Target },
): Promise<DecisionPlane> {
  const { target, across = AXIS, up = AXIS, batchSize = 8, ...run } = (options ?? {}) as typeof options;
  const { layer, channel } = resolveTarget(model, target);
  const shape = model.layers.find(({ name }) => name === layer)!.shape;
  if (shape.length !== 1) throw new RangeError(`target 应为类别得分，如 { class: 9 }，得到 ${layer} 层的神经元`);
  await checkImage(image);
  if (!Array.isArray(directions) || directions.length !== 2) {
    throw new TypeError(`directions 应为两个方向 [横轴, 纵轴]，得到 ${kindOf(directions)}`);
  }
  for (const direction of directions) assertSameSize(direction, image.shape, 'directions');
  if (across.length === 0 || up.length === 0) throw new RangeError('两个轴都至少要有一个数');
  const points = up.flatMap((b) => across.map((a) => [a, b] as const));
  const watch = watchInterrupts(run);
  const [margins, answers]: number[][] = [[], []];
  for (let from = 0; from < points.length && !watch.stopped; from += batchSize) {
    const scores = scoresAt(model, image, directions, points.slice(from, from + batchSize), layer);
    const rows = (await scores.array()) as number[][];
    scores.dispose();
    for (const row of rows) {
      const other = row.reduce((best, s, k) => (k !== channel && s > row[best] ? k : best), channel === 0 ? 1 : 0);
      margins.push(row[channel] - row[other]);
      answers.push(row[channel] >= row[other] ? channel : other);
    }
    await watch.step({ done: margins.length, total: points.length });
  }
  const inRows = (values: readonly number[]) =>
    up.map((_, r) => values.slice(r * across.length, (r + 1) * across.length)).filter((row) => row.length > 0);
  const stopped = watch.stopped ? { stopped: watch.stopped } : {};
  return { across, up, margins: inRows(margins), answers: inRows(answers), ...stopped };
}

function scoresAt(
  model: ImageModel,
  image: tf.Tensor3D,
  [across, up]: readonly [tf.Tensor3D, tf.Tensor3D],
  points: readonly (readonly [number, number])[],
  layer: string,
): tf.Tensor2D {
  return tf.tidy(() => {
    const factor = (k: 0 | 1) =>
      tf.tensor4d(
        points.map((p) => p[k]),
        [points.length, 1, 1, 1],
      );
    const moved = tf.add(tf.mul(tf.expandDims(across, 0), factor(0)), tf.mul(tf.expandDims(up, 0), factor(1)));
    return model.activations(tf.add(tf.expandDims(image, 0), moved), layer) as tf.Tensor2D;
  });
}
