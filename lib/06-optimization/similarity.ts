import { tf } from '../tf/backend';
import { checkTensor } from '../image/check';
import { checkList } from '../base/check';
import { named } from '../base/named';
import type { ImageModel } from '../model/model';
import type { Activations, Objective } from './objectives';

/** Which channels act together in a layer, wherever they do: [c, c], of length 1. */
function style(activations: tf.Tensor): tf.Tensor2D {
  const channels = activations.shape[activations.rank - 1]!;
  const rows = tf.reshape(activations, [-1, channels]) as tf.Tensor2D;
  const gram = tf.matMul(rows, rows, true);
  return tf.div(gram, tf.add(tf.norm(gram), 1e-12)) as tf.Tensor2D;
}

/**
 * 与另一些图的相似度（similarity）：某层各通道一起出现的方式（Gram 矩阵）的余弦，对这些图取平均；0 到 1。
 * @param codes 那些图在这一层的激活值 `[h, w, c]`；不会被 dispose，最优化期间不要 dispose 它们
 * @example
 * const code = model.activations(image, 'conv3');
 * const unlike = objective.scaled(objective.similarity('conv3', [code]), -1);
 * const result = await maximize(model, objective.sum(objective.classScore(130), unlike), { steps: 3 });
 * dispose(code, result);
 */
export function similarity(layer: string, codes: readonly tf.Tensor[]): Objective {
  if (checkList('codes', codes, checkTensor).length === 0) throw new RangeError('similarity 至少要和一幅图比较');
  return named(`similarity(${layer}, ${codes.length})`, (model: ImageModel) => ({
    layers: [model.layerName(layer)],
    value: (at: Activations) => {
      const own = style(at(layer));
      return tf.div(tf.addN(codes.map((code) => tf.sum(tf.mul(own, style(code))))), codes.length) as tf.Scalar;
    },
  }));
}
