import type { tf } from '../tf/backend';
import { drawHeat, heatPanels } from './heatmap';
import { emitCanvas } from './picture';
import { duration } from './progress';
import { throttled } from './throttle';

// This room knows no chapter, only what it draws.
/** `occlusionMap` 的一步交给实时热图的东西。 */
export interface MapStep {
  /** 已算完的位置数。 */
  readonly done: number;
  /** 全部的位置数。 */
  readonly total: number;
  /** 由粗到细的第几遍，从 1 数起。 */
  readonly stage: number;
  /** 一共几遍。 */
  readonly stages: number;
  /** 估计的剩余时间，秒。 */
  readonly secondsLeft: number;
  /** 到目前为止的图 [h, w]，只在调用之中读它。 */
  readonly map: tf.Tensor2D;
}

/**
 * 实时热图（live heat map）：遮挡实验进行时，在同一个位置显示到目前为止的图：先是粗略的，再一遍遍加密，并写出还需多久。
 *
 * @param image 底图，与遮挡的那一幅相同；不会被释放
 * @param label 标题；最后一步一定会画，所以保存的笔记本里留下的是完整的图
 * @returns 交给 `onStep`：`occlusionMap(model, image, { class: 类别 }, { onStep: liveMap(image, '概率的下降') })`
 * @example
 * const onStep = liveMap(image, '小熊猫');
 * const result = await occlusionMap(model, image, { class: 387 }, { size: 16, stride: 16, onStep });
 * dispose(result);
 */
export function liveMap(image: tf.Tensor3D, label = ''): (state: MapStep) => Promise<void> {
  const drawing = throttled('map');
  let drawn = 0;
  return async ({ done, total, stage, stages, secondsLeft, map }) =>
    // The first stage is the whole map in rough: its end is shown whatever it costs.
    drawing(stage > drawn || done === total, async (place) => {
      const left = done === total ? '' : `，还需约 ${duration(secondsLeft)}`;
      const title = `${label}　第 ${stage} 遍，共 ${stages} 遍：${done} / ${total}${left}`.trim();
      const { panels, style } = await heatPanels([{ map, title }], { image });
      await emitCanvas(await drawHeat(panels, style), { alt: title, ...place, passing: done < total });
      drawn = stage;
    });
}
