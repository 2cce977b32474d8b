import { createCanvas } from 'canvas';
import type { tf } from '../tf/backend';
import { drawFigure } from './plotly/chart';
import { rasterOf } from './image';
import { emitCanvas, enlarge, toGrey } from './picture';
import { PAPER } from './text';
import { throttled } from './throttle';

/** 长计算的一步交给实时图的东西；`maximize` 的 onStep 正合适。 */
export interface LiveStep {
  readonly done: number;
  readonly total: number;
  readonly trace: readonly number[];
  /** `[h, w, 3]`，[0, 1]；只在调用之中读它。 */
  readonly image: tf.Tensor3D;
}

/** Pixels: the picture and the curve beside it, together as wide as a cell. */
const PICTURE = 360;
const PLOT = 560;

/**
 * 实时图（live picture）：计算进行时，在同一个位置显示当前的图像与目标的曲线；画图所占的时间约十分之一。
 *
 * @param label 标题；最后一步一定会画，所以保存的笔记本里留下的是结果
 * @returns 交给 `onStep`：`maximize(model, objective, { onStep: livePicture('火烈鸟') })`
 * @example
 * const result = await maximize(model, objective.classScore(130), { steps: 3, onStep: livePicture('火烈鸟') });
 * dispose(result);
 */
export function livePicture(label = ''): (state: LiveStep) => Promise<void> {
  const drawing = throttled('live');
  return (state) => drawing(state.done >= state.total, (place) => draw(state, label, place));
}

async function draw({ done, total, trace, image }: LiveStep, label: string, place: { id: string; update: boolean }) {
  const pixels = toGrey(await rasterOf(image), [0, 1]);
  const picture = enlarge(pixels, PICTURE, Math.round((PICTURE * image.shape[0]) / image.shape[1]));
  const plot = await drawFigure(
    {
      data: [{ type: 'scatter', mode: 'lines', x: trace.map((_, k) => k), y: [...trace] }],
      layout: {
        title: { text: `${label}　第 ${done} 步，共 ${total} 步` },
        xaxis: { title: { text: '步' }, range: [0, total] },
        yaxis: { title: { text: '目标' } },
      },
    },
    PLOT,
    PICTURE,
  );
  const canvas = createCanvas(PICTURE + PLOT, picture.height);
  const context = canvas.getContext('2d');
  context.fillStyle = PAPER;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0);
  context.drawImage(plot, PICTURE, 0);
  await emitCanvas(canvas, { alt: `${label}：第 ${done} 步的图像与目标的曲线`, ...place, passing: done < total });
}
