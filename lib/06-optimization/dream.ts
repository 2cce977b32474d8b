import { tf } from '../tf/backend';
import { checkCounts, checkNumber } from '../base/check';
import { type LongRun, type RunStep, type StopReason, watchInterrupts } from '../base/interrupt';
import { randomGenerator } from '../base/random';
import { checkImage } from '../image/check';
import type { ImageModel } from '../model/model';
import { safely } from '../tf/tape';
import { type BoundObjective, energy, type Objective } from './objectives';
import { rolled } from './warp';
import { given } from '../model/given';

export interface DreamOptions extends LongRun<DreamStep> {
  /** 要变大的目标；默认 objective.energy(第四阶段的层)：那一层已经看到的一切。 */
  objective?: Objective;
  /** 由小到大几个尺度（octaves），默认 3；最小的一个不小于网络的输入。 */
  octaves?: number;
  /** 相邻两个尺度之比，默认 1.4。 */
  ratio?: number;
  /** 每个尺度走几步，默认 10。 */
  steps?: number;
  /** 每步每个数平均改变多少（[0, 1] 单位），默认 0.008。 */
  learningRate?: number;
  seed?: number;
}

/** `done`、`total` 是各个尺度加起来的步数。 */
export interface DreamStep extends RunStep {
  /** 这一步之后的图，只在调用期间有效。 */
  readonly image: tf.Tensor3D;
}

export interface Dream {
  /** `[h, w, 3]`，与照片同样大小；由调用者 dispose。 */
  readonly image: tf.Tensor3D;
  /** 各尺度的 [高, 宽]。 */
  readonly sizes: readonly (readonly [number, number])[];
  readonly stopped?: StopReason;
}

/**
 * 深梦（DeepDream）：从一张照片出发，让一层的响应越来越强，先在小尺度上，再放大、在大尺度上继续。
 *
 * 图可以比网络的输入大：切成网络那么大的块，各算各的梯度；每一步先随机平移，块的接缝就不留痕迹。
 *
 * @param image `[h, w, 3]`，RGB，[0, 1]，边长不小于 `model.inputSize`；不会被 dispose
 * @returns 见 Dream；中断时是走到那里为止的图
 * @throws RangeError 图太小，或参数不对
 * @see Mordvintsev, Olah & Tyka 2015, Inceptionism
 * @example
 * const { image: dreamt } = await dream(model, image, { octaves: 1, steps: 2 });
 * dispose(dreamt);
 */
export async function dream(
  model: ImageModel,
  image: tf.Tensor3D,
  {
    objective = energy(given(model).roles.stages[3]),
    octaves = 3,
    ratio = 1.4,
    steps = 10,
    learningRate = 0.008,
    seed = 0,
    ...run
  }: DreamOptions = {},
): Promise<Dream> {
  await checkImage(image);
  checkCounts({ octaves, steps });
  checkNumber('ratio', ratio, 1.01, 4);
  checkNumber('learningRate', learningRate, 0);
  const sizes = octaveSizes(image, model.inputSize, octaves, ratio);
  const target = objective(model);
  const random = randomGenerator(seed);
  const watch = watchInterrupts(run);
  const total = sizes.length * steps;
  const picture = replaceable(image);
  let done = 0;
  try {
    for (const [height, width] of sizes) {
      // What the dream has added so far, at the size of the octave before, goes onto the photo at this one.
      picture.replace((x) => onto(image, x, [height, width]));
      for (let k = 0; k < steps && !watch.stopped; k++) {
        const by = [random.integer(height), random.integer(width)] as const;
        picture.replace((x) => tf.add(x, tf.mul(tiledGradient(model, target, x, by), learningRate)));
        await watch.step({ done: ++done, total, image: picture.current });
      }
    }
    return { image: picture.current, sizes, ...(watch.stopped ? { stopped: watch.stopped } : {}) };
  } catch (error) {
    picture.current.dispose();
    throw error;
  }
}

/** The photo at this size, with what `dreamt` has more than the photo has at its size. */
function onto(photo: tf.Tensor3D, dreamt: tf.Tensor3D, size: [number, number]): tf.Tensor {
  const [height, width] = dreamt.shape;
  const added = tf.sub(dreamt, tf.image.resizeBilinear(photo, [height, width])) as tf.Tensor3D;
  return tf.add(tf.image.resizeBilinear(photo, size), tf.image.resizeBilinear(added, size));
}

/** A picture that one step after another replaces; it stays in [0, 1]. */
function replaceable(image: tf.Tensor3D) {
  const picture = {
    current: tf.clone(image),
    replace(next: (x: tf.Tensor3D) => tf.Tensor): void {
      const old = picture.current;
      picture.current = tf.tidy(() => tf.clipByValue(next(old), 0, 1) as tf.Tensor3D);
      old.dispose();
    },
  };
  return picture;
}

/** From small to the photo's own size; none smaller than the network's input. */
function octaveSizes(image: tf.Tensor3D, least: readonly [number, number], octaves: number, ratio: number) {
  const [height, width] = image.shape;
  if (height < least[0] || width < least[1]) {
    throw new RangeError(`照片应不小于网络的输入 ${least.join('×')}，得到 ${height}×${width}；请用更大的 size 读入`);
  }
  const sizes = Array.from({ length: octaves }, (_, k) => {
    const factor = ratio ** (k + 1 - octaves);
    return [Math.round(height * factor), Math.round(width * factor)] as const;
  });
  return sizes.filter(([h, w]) => h >= least[0] && w >= least[1]);
}

/** As few tiles as cover `length`, evenly spread. */
export function tileStarts(length: number, tile: number): number[] {
  const count = Math.ceil(length / tile);
  return Array.from({ length: count }, (_, i) => (count === 1 ? 0 : Math.round((i * (length - tile)) / (count - 1))));
}

/** The gradient of the objective, tile by tile, each divided by its mean absolute value. */
function tiledGradient(
  model: ImageModel,
  target: BoundObjective,
  image: tf.Tensor3D,
  [down, right]: readonly [number, number],
) {
  const [height, width] = image.shape;
  const [h, w] = model.inputSize;
  const moved = rolled(rolled(image, down, 0), right, 1);
  const value = (x: tf.Tensor) => {
    const outputs = model.forward(tf.expandDims(x, 0) as tf.Tensor4D, target.layers);
    return target.value((layer) => outputs[target.layers.indexOf(layer)]);
  };
  let sum: tf.Tensor = tf.zerosLike(image);
  let cover: tf.Tensor = tf.zeros([height, width, 1]);
  for (const top of tileStarts(height, h)) {
    for (const left of tileStarts(width, w)) {
      const gradient = safely(() => tf.grad(value)(tf.slice(moved, [top, left, 0], [h, w, 3])));
      const unit = tf.div(gradient, tf.add(tf.mean(tf.abs(gradient)), 1e-12));
      const border: [number, number][] = [[top, height - h - top], [left, width - w - left], [0, 0]]; // prettier-ignore
      sum = tf.add(sum, tf.pad(unit, border));
      cover = tf.add(cover, tf.pad(tf.ones([h, w, 1]), border));
    }
  }
  const mean = tf.div(sum, cover) as tf.Tensor3D;
  return rolled(rolled(mean, -down, 0), -right, 1);
}
