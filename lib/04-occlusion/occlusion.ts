import { tf } from '../tf/backend';
import { checkOcclusion } from './check';
import { type Fill, fillPicture } from './fill';
import { incrementalScorer } from './incremental/incremental';
import { plainScorer } from './plain';
import { coarseToFine, patchGrid } from './positions';
import { OcclusionRecord, readScores } from './record';
import type { Scorer, WatchedMap } from './scorer';
import { type InterruptWatch, type LongRun, type RunStep, type StopReason, watchInterrupts } from '../base/interrupt';
import type { ImageModel } from '../model/model';
import type { ClassTarget } from '../model/target';
import { given } from '../model/given';

export type { Fill };

/**
 * 遮挡实验（occlusion, Zeiler & Fergus 2014）：用一个方块盖住图像的一部分，送进网络，记下正确类别的概率；
 * 方块滑过整幅图，概率在哪里下降，网络就在看哪里。
 *
 * 这里是全部想法；旁边的 incremental/ 只让它快：盖住一块，每层只有一扇小窗变化，就只重算那扇窗（结果与逐张重算相同）。
 */

/** `done`、`total` 是位置的个数。 */
export interface OcclusionStep extends RunStep {
  /** 由粗到细的第几遍（1 起）与总遍数；第一遍之后就有一幅粗略但完整的图。 */
  readonly stage: number;
  readonly stages: number;
  /** 估计的剩余时间（seconds left），秒。 */
  readonly secondsLeft: number;
  /** 到目前为止的 `map`；只在回调期间有效，要留下请 clone()。 */
  readonly map: tf.Tensor2D;
}

export interface OcclusionOptions extends LongRun<OcclusionStep> {
  /** 方块边长（patch size），像素，1 到图像短边；默认短边的六分之一（227 的图是 38）。 */
  size?: number;
  /** 步幅（stride），像素，1 到 size；默认边长的五分之一。 */
  stride?: number;
  /** 方块里填什么；默认 0.5（灰）。'blur' 的 σ 是 size / 4，'noise' 是逐像素均匀噪声（用 seed）。 */
  fill?: Fill;
  /** 同时看一层（layer）：该层总和最大的特征图在每个位置的总和，写进 `strongestMap`。 */
  layer?: string;
  seed?: number;
  /** 一次前向传播的位置数；默认 49（增量）或 32（逐张）。 */
  batchSize?: number;
  /** false：不用增量计算，每个位置都把整个网络重算一遍（慢，结果相同）；默认 true：网络允许时用增量。 */
  incremental?: boolean;
}

export interface OcclusionMap {
  /** [rows, cols]：方块在各位置时，正确类别的概率、得分（softmax 或 sigmoid 之前），以及最可能的类别编号（int32）。 */
  readonly probability: tf.Tensor2D;
  readonly logit: tf.Tensor2D;
  /**
   * [rows, cols]：领先（margin），正确类别的得分减去其余类别中最高的得分；小于 0 就认错了。
   * 所有得分同时加一个数，概率不变，单看一个得分没有意义；领先不受影响，也不会像概率那样饱和。
   */
  readonly margin: tf.Tensor2D;
  readonly bestClass: tf.Tensor2D;
  /** 各位置方块的左上角，像素；次序与上面的矩阵逐行相同。 */
  readonly positions: readonly { readonly row: number; readonly col: number }[];
  /** 没有遮挡时的概率、得分与领先。 */
  readonly baseline: { readonly probability: number; readonly logit: number; readonly margin: number };
  /** 图像网格上的热图 [h, w]：盖住每个像素的那些方块使概率下降多少（原概率 − 遮挡后概率），取平均；正 = 盖住它有害。 */
  readonly map: tf.Tensor2D;
  /** 同样的图，画的是得分的下降；所有得分一起变时它也变，所以优先看 marginMap。 */
  readonly logitMap: tf.Tensor2D;
  /** 同样的图，画的是领先的下降：概率接近 1 时饱和，领先不会。 */
  readonly marginMap: tf.Tensor2D;
  /** 是否用了增量计算。 */
  readonly incremental: boolean;
  /** 选了 layer 时：编号 channel 的特征图（无遮挡时总和最大）的总和 [rows, cols]，与无遮挡时的值。 */
  readonly strongestMap?: {
    readonly layer: string;
    readonly channel: number;
    readonly baseline: number;
    readonly sum: tf.Tensor2D;
  };
  /** 提前停下的原因；没算到的位置在矩阵里是 NaN（bestClass 为 −1），不进入 map。 */
  readonly stopped?: StopReason;
}

/**
 * 遮挡图（occlusion map）：方块滑过图像，每个位置记录正确类别的概率与得分、最可能的类别。
 *
 * 每轴 ⌈(边长 − size) / stride⌉ + 1 个位置；除不尽时最后一个方块在边界处截短。先算稀疏的位置，再加密。
 *
 * @param model 有类别得分的网络
 * @param image [h, w, 3]，RGB，[0, 1]，大小为 model.inputSize；不会被 dispose
 * @param target 看哪个类别，通常是正确的那个：`{ class: 编号 }`
 * @returns 由调用者释放：`dispose(result)`；中断或 abort 时返回已有的部分
 * @throws RangeError 类别、方块、步幅、填充、层或图像大小不对；CourseError 网络没有类别得分
 * @example
 * const result = await occlusionMap(model, image, { class: 387 }, { size: 16, stride: 16 });
 * await showHeatmap(result.map, { image, title: '概率下降' });
 * dispose(result);
 */
export async function occlusionMap(
  model: ImageModel,
  image: tf.Tensor3D,
  target: ClassTarget,
  options: OcclusionOptions = {},
): Promise<OcclusionMap> {
  const { size = Math.ceil(Math.min(...given(model).inputSize) / 6), fill = 0.5, layer, seed = 0, batchSize, incremental = true, onStep } = options; // prettier-ignore
  const { stride = Math.ceil(size / 5) } = options;
  const classIndex = await checkOcclusion(model, image, target, { size, stride, batchSize, layer });
  const watch = watchInterrupts(options);
  const [height, width] = image.shape;
  const grid = patchGrid(height, width, size, stride);
  const picture = { height, width, channels: 3, data: (await image.data()) as Float32Array };
  const filler = fillPicture(picture, fill, { mean: model.mean, size, seed });

  const baseline = await cleanScores(model, image, classIndex);
  const strongest = layer === undefined ? undefined : await strongestChannel(model, image, layer);
  const scorer =
    (incremental && (await incrementalScorer(model, image, filler, grid, { watched: strongest }))) ||
    plainScorer(model, { image: picture, filler }, grid, strongest);

  const record = new OcclusionRecord(grid, classIndex, model.output);
  const map = () => record.map([height, width], record.probability, baseline.probability);
  try {
    const blocks = coarseToFine(grid, batchSize ?? (scorer.incremental ? 49 : 32));
    await measure(scorer, blocks, record, watch, onStep && ((progress) => reportStep(progress, map, onStep)));
  } finally {
    scorer.dispose();
  }
  return {
    probability: record.matrix(record.probability),
    logit: record.matrix(record.logit),
    margin: record.matrix(record.margin),
    bestClass: record.matrix(record.bestClass),
    positions: record.positions(),
    baseline,
    map: map(),
    logitMap: record.map([height, width], record.logit, baseline.logit),
    marginMap: record.map([height, width], record.margin, baseline.margin),
    incremental: scorer.incremental,
    ...(strongest && { strongestMap: { ...strongest, sum: record.matrix(record.mapSum) } }),
    ...(record.done < record.total && { stopped: watch.stopped }),
  };
}

type Progress = Omit<OcclusionStep, 'map'>;

/** The loop: stage by stage, block by block, until all positions are measured or somebody stops it. */
async function measure(
  scorer: Scorer,
  stages: ReturnType<typeof coarseToFine>,
  record: OcclusionRecord,
  watch: InterruptWatch,
  report?: (progress: Progress) => Promise<void>,
): Promise<void> {
  const start = performance.now();
  for (const [index, blocks] of stages.entries()) {
    for await (const scored of scorer.score(blocks)) {
      scored.forEach((position) => record.add(position));
      const { done, total } = record;
      if (report && scored.length) {
        const secondsLeft = ((performance.now() - start) / 1000 / done) * (total - done);
        await report({ done, total, stage: index + 1, stages: stages.length, secondsLeft });
      }
      await watch.breathe();
      if (watch.stopped) return;
    }
  }
}

async function reportStep(
  progress: Progress,
  partial: () => tf.Tensor2D,
  onStep: NonNullable<OcclusionOptions['onStep']>,
): Promise<void> {
  const map = partial();
  try {
    await onStep({ ...progress, map });
  } finally {
    map.dispose();
  }
}

async function cleanScores(model: ImageModel, image: tf.Tensor3D, classIndex: number) {
  const logits = model.activations(image);
  const { probability, logit, margin } = readScores(await logits.data(), classIndex, model.output);
  logits.dispose();
  return { probability, logit, margin };
}

/** Zeiler & Fergus' panel (b) follows one feature map: the one with the largest sum on the clean image. */
async function strongestChannel(model: ImageModel, image: tf.Tensor3D, layer: string) {
  const sums = tf.tidy(() => tf.sum(model.activations(image, layer), [0, 1]));
  const values = (await sums.data()) as Float32Array;
  sums.dispose();
  const channel = values.reduce((best, value, i) => (value > values[best] ? i : best), 0);
  return { layer, channel, baseline: values[channel] } satisfies WatchedMap & { baseline: number };
}
