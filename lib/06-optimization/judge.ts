import { tf } from '../tf/backend';
import { checkImage } from '../image/check';
import { type ClassScore, classify } from '../model/classify';
import type { ImageModel } from '../model/model';
import { classOf, type ClassTarget } from '../model/target';

/** 一个网络对一幅图的判决（verdict）：某一类排第几，概率多少。 */
export interface Judgement {
  /** 这一类的名次（rank），1 是第一名。 */
  readonly rank: number;
  /** 这一类的概率，0 到 1。 */
  readonly probability: number;
  /** 第一名。 */
  readonly first: ClassScore;
}

/**
 * 让另一个网络来评判（judged by another network）：为一个网络画的图，别的网络认得出吗？
 * 只骗得过自己的图，多半是巧合的花纹；两个网络都认得的，更可能是这一类的样子。
 *
 * @param network 评判的网络；图会双线性地缩放到它的输入大小
 * @param image `[h, w, 3]`，RGB，[0, 1]；不会被 dispose
 * @param target 哪一类 `{ class: 编号 }`
 * @throws TypeError 只给了一个数；RangeError 类别编号不对；CourseError 网络没有类别得分
 * @example
 * const { probability } = await judge(model, image, { class: 387 });
 */
export async function judge(network: ImageModel, image: tf.Tensor3D, target: ClassTarget): Promise<Judgement> {
  const index = classOf(network, target);
  await checkImage(image);
  const fitting = tf.tidy(() => tf.image.resizeBilinear(image, [...network.inputSize]));
  try {
    const scores = await classify(network, fitting, { count: network.classes.length });
    const rank = scores.findIndex((score) => score.index === index) + 1;
    return { rank, probability: scores[rank - 1].probability, first: scores[0] };
  } finally {
    fitting.dispose();
  }
}
