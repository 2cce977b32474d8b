import { tf } from '../tf/backend';
import { type MaximizeOptions, maximize, type Optimized, type OptimizeStep } from './optimize';
import type { ImageModel } from '../model/model';
import { type Objective, scaled, sum } from './objectives';
import { similarity } from './similarity';
import { given } from '../model/given';
import { checkCounts } from '../base/check';

/**
 * 多个起点、彼此不同的图（multi-start diversity）：第 k 幅从种子 seed + k 出发，并且不许像前面各幅。
 * 不加 weight 时只是换起点；加了，同一个目标的不同侧面会分别出现（Olah 等人 2017 的 diversity）。
 *
 * @param options `count` 几幅，默认 4；`layer` 在哪一层比较；`weight` 相似度的系数；其余同 maximize
 * @returns 各幅的结果；图像由调用者 dispose；被中断时只有已经算出的，最后一幅带 `stopped`
 * @example
 * const results = await diverse(model, objective.classScore(130), { count: 2, steps: 2 });
 * dispose(results);
 */
export async function diverse(
  model: ImageModel,
  objective: Objective,
  {
    count = 4,
    layer = given(model).roles.stages[2],
    weight = 0,
    seed = 0,
    onStep,
    ...options
  }: MaximizeOptions & { count?: number; layer?: string; weight?: number } = {},
): Promise<Optimized[]> {
  checkCounts({ count });
  model.layerName(layer);
  const codes: tf.Tensor[] = [];
  const results: Optimized[] = [];
  try {
    for (let k = 0; k < count; k++) {
      const apart = codes.length && weight ? sum(objective, scaled(similarity(layer, codes), -weight)) : objective;
      const step = (s: OptimizeStep) => onStep?.({ ...s, done: k * s.total + s.done, total: count * s.total });
      const result = await maximize(model, apart, { ...options, seed: seed + k, onStep: onStep && step });
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
