import { tf } from '../tf/backend';
import { checkFunction, kindOf } from '../base/check';
import { checkTensor } from '../image/check';
import { type LongRun, type StopReason, watchInterrupts } from '../base/interrupt';
import { spearman, ssim } from '../image/metrics';
import { copyOf } from '../model/copy';
import type { ImageModel } from '../model/model';
import { type RandomGenerator, randomGenerator, shuffled } from '../base/random';
import { finish, saliency } from './saliency';
import { given } from '../model/given';

/** 一种要接受检验的方法：给网络和图，得一幅图 `[h, w, 3]` 或 `[h, w]`；可以是异步的。 */
export type ExplanationMethod = (model: ImageModel, image: tf.Tensor3D) => tf.Tensor | Promise<tf.Tensor>;

export interface RandomisationOptions extends LongRun {
  /** 依次打乱哪些层（由上到下），缺省：所有带权重的层；几层写成一个数组，就在同一步里打乱。 */
  layers?: readonly (string | readonly string[])[];
  seed?: number;
}

export interface MethodHistory {
  /** 与打乱之前的图的等级相关（绝对值图上的 Spearman），第 0 个是没有打乱时，恒为 1。 */
  readonly spearman: readonly number[];
  /** 与打乱之前的图的结构相似度，两幅图各除以自己的最大值之后。 */
  readonly ssim: readonly number[];
  /** 各步的图，由调用者 dispose。 */
  readonly maps: readonly tf.Tensor[];
}

export interface RandomisationTest<M extends string> {
  /** 第 i 步之后已经打乱到哪一层；第 0 个是 '（未打乱）'。 */
  readonly layers: readonly string[];
  readonly methods: Readonly<Record<M, MethodHistory>>;
  readonly stopped?: StopReason;
}

/** 有权值的层（weighted layers），由顶层到底层。 */
export const weightedLayers = (model: ImageModel): string[] =>
  given(model).network.layers.filter((layer) => layer.weights.length > 0).map((layer) => layer.name).reverse(); // prettier-ignore

function checkWeighted(model: ImageModel, names: readonly string[]): void {
  const allowed = weightedLayers(model);
  for (const name of names) {
    model.layerName(name);
    if (!allowed.includes(name)) throw new RangeError(`${name} 没有权重，无从打乱；可选：${allowed.join('、')}`);
  }
}

/** Gives a layer its own numbers in another order: mean, spread and extremes stay what they were. */
async function setShuffled(layer: tf.layers.Layer, own: readonly tf.Tensor[], random: RandomGenerator): Promise<void> {
  const weights: tf.Tensor[] = [];
  // One after the other: the order of the random numbers must not depend on which weights are read first.
  for (const w of own) weights.push(tf.tensor(shuffled(await w.data<'float32'>(), random), w.shape));
  layer.setWeights(weights);
  tf.dispose(weights);
}

/** Both maps as absolute values with one channel, the largest value 1. */
function comparable(map: tf.Tensor): tf.Tensor2D {
  return tf.tidy(() => {
    const size = (map.rank === 3 ? finish(map, saliency) : tf.abs(map)) as tf.Tensor2D;
    return tf.div(size, tf.maximum(size.max(), 1e-20)) as tf.Tensor2D;
  });
}

async function similarity(map: tf.Tensor, original: tf.Tensor): Promise<{ spearman: number; ssim: number }> {
  const both = [comparable(map), comparable(original)] as const;
  try {
    const [a, b] = await Promise.all(both.map((t) => t.data()));
    return { spearman: spearman(a, b), ssim: await ssim(...both, { range: 1 }) };
  } finally {
    tf.dispose(both as unknown as tf.Tensor[]);
  }
}

/** Draws the methods' maps again and again, and compares each with the method's first one. */
function historyOf<M extends string>(methods: Readonly<Record<M, ExplanationMethod>>) {
  const names = Object.keys(methods) as M[];
  const maps = new Map<M, tf.Tensor[]>(names.map((name) => [name, []]));
  const scores = new Map<M, { spearman: number; ssim: number }[]>(names.map((name) => [name, []]));
  const of = (name: M): MethodHistory => ({
    spearman: scores.get(name)!.map((s) => s.spearman),
    ssim: scores.get(name)!.map((s) => s.ssim),
    maps: maps.get(name)!,
  });
  return {
    async draw(model: ImageModel, image: tf.Tensor3D): Promise<void> {
      for (const name of names) {
        const list = maps.get(name)!;
        const map = await methods[name](model, image);
        checkTensor(map, `methods.${name} 的结果`);
        list.push(map);
        scores.get(name)!.push(await similarity(map, list[0]));
      }
    },
    result: () => Object.fromEntries(names.map((name) => [name, of(name)])) as Record<M, MethodHistory>,
    dispose: () => tf.dispose([...maps.values()].flat()),
  };
}

/**
 * 逐层打乱权重的检验（cascading parameter randomisation）：从最上面一层起，一层一层打乱权重，每步重画一次图。
 * 图若真的依赖学到的权重，就应当越来越不像原来的图；不变的方法只是在描边。
 *
 * 打乱的是网络的一个副本：`model` 自己从不改变，同时在用它的别的计算不受影响。所以方法要用交给它的那个网络（第一个参数）。
 *
 * @param image `[h, w, 3]`，RGB，[0, 1]；不会被 dispose
 * @param methods 名称 → 方法，例如 `{ 梯度: (m, x) => inputGradient(m, x, target) }`
 * @throws RangeError 层不存在或没有权重
 * @see Adebayo 等 2018 (arXiv:1810.03292)
 * @example
 * const target = { class: 387 };
 * const methods = { 梯度: (network: ImageModel, x: tf.Tensor3D) => inputGradient(network, x, target) };
 * const result = await cascadingRandomisation(model, image, methods, { layers: ['scores', 'conv3'] });
 * dispose(result);
 */
export async function cascadingRandomisation<M extends string>(
  model: ImageModel,
  image: tf.Tensor3D,
  methods: Readonly<Record<M, ExplanationMethod>>,
  { layers = weightedLayers(model), seed = 0, ...run }: RandomisationOptions = {},
): Promise<RandomisationTest<M>> {
  if (!Object.values(Object(methods)).length) throw new TypeError(`methods 应为 { 名称: (model, image) => 图 }，得到 ${kindOf(methods)}`); // prettier-ignore
  for (const [name, method] of Object.entries(methods)) checkFunction(`methods.${name}`, method);
  const steps = layers.map((step) => (typeof step === 'string' ? [step] : step));
  checkWeighted(model, steps.flat());
  const random = randomGenerator(seed);
  const watch = watchInterrupts(run);
  const copy = copyOf(model);
  const kept = new Map(steps.flat().map((name) => [name, copy.network.getLayer(name).getWeights().map((w) => tf.keep(tf.clone(w)))])); // prettier-ignore
  const history = historyOf(methods);
  const done: string[] = [];
  const draw = async (step: string) => {
    await history.draw(copy, image);
    done.push(step);
  };
  try {
    await draw('（未打乱）');
    for (const step of steps) {
      if (watch.stopped) break;
      for (const layer of step) await setShuffled(copy.network.getLayer(layer), kept.get(layer)!, random);
      await draw(step[step.length - 1]);
      await watch.step({ done: done.length - 1, total: steps.length });
    }
    return { layers: done, methods: history.result(), stopped: watch.stopped };
  } catch (error) {
    history.dispose();
    throw error;
  } finally {
    for (const weights of kept.values()) tf.dispose(weights);
    copy.dispose();
  }
}
