import { assertImage } from '../image/check';
import { tf } from '../tf/backend';
import type { StopReason } from '../base/interrupt';
import { l2Norm, lInfNorm } from '../image/metrics';
import { type ClassScore, classify } from '../model/classify';
import type { ImageModel } from '../model/model';
import { classOf, type ClassTarget } from '../model/target';
import type { Optimized } from '../06-optimization/optimize';

/** 一个对抗样本（adversarial example）与关于它的一切数。 */
export interface Adversarial {
  /** 攻击的名字，如 'FGSM'、'BIM'、'DeepFool'。 */
  readonly method: string;
  /** `[h, w, 3]`，[0, 1]，浮点；由调用者 dispose，perturbation 也是。 */
  readonly image: tf.Tensor3D;
  /** 扰动 image − 原图，有正有负。 */
  readonly perturbation: tf.Tensor3D;
  /** 攻击前、后得分最高的 5 类。 */
  readonly before: readonly ClassScore[];
  /** 攻击之后得分最高的 5 类（浮点的图）。 */
  readonly after: readonly ClassScore[];
  /** 每个像素四舍五入到 0 … 255 的整数之后：存成图片文件时必然如此。 */
  readonly after8bit: readonly ClassScore[];
  /** 原来的类别；目标类别（没有目标时 undefined）。 */
  readonly from: number;
  /** 目标类别的编号；没有目标时 undefined。 */
  readonly to?: number;
  /** 有目标：top-1 变成目标；没有目标：top-1 不再是原来的类别。独立的标签也这样算，它们各自的概率见 after。 */
  readonly success: boolean;
  /** 取整到 8 位之后仍然成功。 */
  readonly success8bit: boolean;
  /** 扰动的 l2 范数（[0, 1] 单位，所有像素与通道）；l2 / 原图的 l2 范数（DeepFool 的 ρ）。 */
  readonly l2: number;
  /** 扰动的 l2 范数除以原图的 l2 范数（DeepFool 的 ρ）。 */
  readonly relative: number;
  /** 扰动的最大绝对值（L-infinity），[0, 1] 单位：2/255 ≈ 0.0078。 */
  readonly linf: number;
  /** 每一步的目标，越大越接近成功；共 steps + 1 个数。 */
  readonly trace: readonly number[];
  /** 用到的设置。 */
  readonly settings: Readonly<Record<string, unknown>>;
  /** 值得知道的事，同 maximize 的结果。 */
  readonly notes: readonly string[];
  /** 提前停下的原因；做完了就没有。 */
  readonly stopped?: StopReason;
  /** `resume` 接着走所需的；普通数组，图像 dispose 之后仍然有效。 */
  readonly run?: Omit<Optimized, 'image' | 'best'>;
}

/**
 * 四舍五入到 8 位（round to 8 bit）：每个数变成 k/255。调用者 dispose 结果。
 * @example
 * const rounded = to8bit(image);
 * dispose(rounded);
 */
export function to8bit(image: tf.Tensor3D): tf.Tensor3D {
  assertImage(image);
  return tf.tidy(() => tf.div(tf.round(tf.mul(tf.clipByValue(image, 0, 1), 255)), 255) as tf.Tensor3D);
}

/** Whether a verdict counts as a success. */
export const succeeded = (top: ClassScore | undefined, { from, to }: { from: number; to?: number }): boolean =>
  top !== undefined && (to === undefined ? top.index !== from : top.index === to);

export type Attempt = Pick<
  Adversarial,
  'method' | 'before' | 'from' | 'to' | 'trace' | 'settings' | 'notes' | 'stopped' | 'run'
>;

/** Asks the network about the attacked image, also after rounding, and measures the perturbation. Takes over `image`. */
export async function adversarial(
  model: ImageModel,
  original: tf.Tensor3D,
  image: tf.Tensor3D,
  attempt: Attempt,
): Promise<Adversarial> {
  const rounded = to8bit(image);
  const perturbation = tf.tidy(() => tf.sub(image, original) as tf.Tensor3D);
  try {
    const after = await classify(model, image);
    const after8bit = await classify(model, rounded);
    const difference = await perturbation.data();
    const l2 = l2Norm(difference);
    return {
      ...attempt,
      image,
      perturbation,
      after,
      after8bit,
      success: succeeded(after[0], attempt),
      success8bit: succeeded(after8bit[0], attempt),
      l2,
      relative: l2 / (l2Norm(await original.data()) || 1),
      linf: lInfNorm(difference),
    };
  } catch (error) {
    tf.dispose([image, perturbation]);
    throw error;
  } finally {
    rounded.dispose();
  }
}

/** 原图的类别：没有给 away 就是网络现在的答案；给了就要求网络本来答对。目标 `to` 不能就是它。 */
export async function cleanVerdict(
  model: ImageModel,
  image: tf.Tensor3D,
  away?: ClassTarget,
  to?: number,
): Promise<{ before: ClassScore[]; from: number }> {
  const classIndex = away && classOf(model, away, 'away');
  const before = await classify(model, image);
  const [top] = before;
  if (classIndex === undefined || classIndex === top.index) {
    if (to !== top.index) return { before, from: top.index };
    throw new RangeError(`目标类别"${top.zh}"（${to}）就是网络现在的答案；请换一个目标类别`);
  }
  const wanted = model.classes[classIndex].zh;
  throw new RangeError(
    `网络本来就没有把这幅图认成"${wanted}"（${classIndex}），而是"${top.zh}"（${top.index}，概率 ${top.probability.toFixed(3)}），` +
      '攻击它不说明什么。请换一幅网络认得对的图，或不给 away。',
  );
}
