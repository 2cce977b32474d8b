import { tf } from '../tf/backend';
import { type MaximizeOptions, maximize, type Optimized } from './optimize';
import type { ImageModel } from '../model/model';
import { named } from '../base/named';
import { type Activations, type Objective, scaled, sum } from './objectives';

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
 */
export function similarity(layer: string, codes: readonly tf.Tensor[]): Objective {
  if (codes.length === 0) throw new RangeError('similarity 至少要和一幅图比较');
  return named(`similarity(${layer}, ${codes.length})`, (model: ImageModel) => ({
    layers: [model.layerName(layer)],
    value: (at: Activations) => {
      const own = style(at(layer));
      return tf.div(tf.addN(codes.map((code) => tf.sum(tf.mul(own, style(code))))), codes.length) as tf.Scalar;
    },
  }));
}

/**
 * 多个起点、彼此不同的图（multi-start diversity）：第 k 幅从种子 seed + k 出发，并且不许像前面各幅。
 * 不加 weight 时只是换起点；加了，同一个目标的不同侧面会分别出现（Olah 等人 2017 的 diversity）。
 *
 * @param options `count` 几幅，默认 4；`layer` 在哪一层比较；`weight` 相似度的系数；其余同 maximize
 * @returns 各幅的结果；图像由调用者 dispose；被中断时只有已经算出的
 */
export async function diverse(
  model: ImageModel,
  objective: Objective,
  {
    count = 4,
    layer = model.roles.stages[2],
    weight = 0,
    seed = 0,
    ...options
  }: MaximizeOptions & { count?: number; layer?: string; weight?: number } = {},
): Promise<Optimized[]> {
  if (!Number.isInteger(count) || count < 1) throw new RangeError(`count 应为正整数，得到 ${count}`);
  model.layerName(layer);
  const codes: tf.Tensor[] = [];
  const results: Optimized[] = [];
  try {
    for (let k = 0; k < count; k++) {
      const apart = codes.length && weight ? sum(objective, scaled(similarity(layer, codes), -weight)) : objective;
      const result = await maximize(model, apart, { ...options, seed: seed + k });
      results.push(result);
      if (result.stopped) break;
      codes.push(model.activations(result.best, layer));
    }
    return results;
  } catch (error) {
    tf.dispose(results.flatMap((r) => [r.image, r.best]));
    throw error;
  } finally {
    tf.dispose(codes);
  }
}
