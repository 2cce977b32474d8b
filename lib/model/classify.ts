import { tf } from '../tf/backend';
import { checkCounts } from '../base/check';
import { CourseError } from '../base/errors';
import { checkImage } from '../image/check';
import { assertModel } from './given';
import type { ImageModel } from './model';
import { probabilitiesOf } from './output';

/** 一个类别和网络给它的分数（class score）。 */
export interface ClassScore {
  /** 类别编号，从 0 起。 */
  readonly index: number;
  /** 英文名。 */
  readonly en: string;
  /** 中文名。 */
  readonly zh: string;
  /** softmax 之前的得分。 */
  readonly logit: number;
  /** 概率，0 到 1。 */
  readonly probability: number;
}

/**
 * 分类（classify）：得分最高的 `count` 个类。
 *
 * @param image `[h, w, 3]`，RGB，[0, 1]，大小为 `model.inputSize`；不会被 dispose
 * @returns 由高到低；`logit` 是 softmax（或 sigmoid）之前的得分，`probability` 在 0 与 1 之间；
 *   独立的标签（`model.output` 为 'sigmoid'）的概率加起来不必是 1
 * @throws RangeError 图像大小或 count 不对；CourseError 网络没有类别得分，或得分里有 NaN
 * @example
 * const [best, second] = await classify(model, image, { count: 2 });
 */
export async function classify(
  model: ImageModel,
  image: tf.Tensor3D,
  { count = 5 }: { count?: number } = {},
): Promise<ClassScore[]> {
  assertModel(model);
  await checkImage(image);
  checkCounts({ count });
  const [logits, probabilities] = tf.tidy(() => {
    const scores = model.activations(image);
    return [scores, probabilitiesOf(scores, model.output)];
  });
  const [l, p] = (await Promise.all([logits.data(), probabilities.data()])) as [Float32Array, Float32Array];
  tf.dispose([logits, probabilities]);
  if (l.some(Number.isNaN)) throw new CourseError(`${model.title} 的得分里有 NaN（不是数）：多半是训练发散了，权值里有 NaN；请减小学习率重新训练，或换一份权值。`); // prettier-ignore
  return Array.from(l, (logit, index) => ({
    index,
    en: model.classes[index].en,
    zh: model.classes[index].zh,
    logit,
    probability: p[index],
  }))
    .sort((a, b) => b.logit - a.logit)
    .slice(0, count);
}
