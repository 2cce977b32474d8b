import type { tf } from '../tf/backend';
import { checkFields, checkList } from '../base/check';
import { pixelsToCanvas } from '../image/encode';
import { roundNumbers } from './html';
import { rasterOf } from './image';
import { emitCanvas, enlarge, toGrey } from './picture';
import { PLOTLY_MIME } from './plot';

/** 图上的一处，鼠标停在附近时显示它的文字。 */
export interface Mark {
  /** 像素，从左上角数起（x, y）。 */
  readonly x: number;
  readonly y: number;
  readonly text: string;
}

export interface ShowZoomableOptions {
  /** 给读屏软件的文字（alternative text）。 */
  alt?: string;
}

/** Pixels: as wide as a cell (grid.ts); the picture itself may be larger, one zooms. */
const WIDTH = 920;

/**
 * 可以放大的大图（zoomable picture）：拖出一个框就放大，双击回到原样；鼠标停在一处，显示那里的文字。
 *
 * 整幅图存在输出里，没有内核也能放大；静态的一份（PNG）缩到 920 像素宽。
 *
 * @param image [h, w, 3]，RGB，[0, 1]；不会被释放
 * @param marks 各处的位置与文字
 * @example
 * await showZoomable(image, [{ x: 32, y: 20, text: '眼睛' }]);
 */
export async function showZoomable(
  image: tf.Tensor3D,
  marks: readonly Mark[],
  {
    alt = `可以放大的图，${checkList('marks', marks, (mark, what) => checkFields(what, mark, ['x', 'y', 'text'], ' { x, y, text }')).length} 处有说明`,
  }: ShowZoomableOptions = {},
): Promise<void> {
  const raster = await rasterOf(image);
  const { width, height } = raster;
  const pixels = toGrey(raster, [0, 1]);
  const jpeg = await pixelsToCanvas(pixels).encode('jpeg', 80);
  const source = `data:image/jpeg;base64,${Buffer.from(jpeg).toString('base64')}`;
  const tall = Math.round((WIDTH * height) / width);
  const axis = { visible: false, showgrid: false, zeroline: false };
  const figure = {
    data: [
      {
        ...{ type: 'scatter', mode: 'markers', marker: { size: 22, opacity: 0 }, hoverinfo: 'text' },
        x: marks.map(({ x }) => x),
        y: marks.map(({ y }) => y),
        text: marks.map(({ text }) => text),
      },
    ],
    layout: {
      ...{ width: WIDTH, height: tall, hovermode: 'closest', dragmode: 'zoom', showlegend: false },
      margin: { l: 0, r: 0, t: 0, b: 0, autoexpand: false },
      xaxis: { ...axis, range: [0, width] },
      yaxis: { ...axis, range: [height, 0], scaleanchor: 'x' },
      images: [
        { source, xref: 'x', yref: 'y', x: 0, y: 0, sizex: width, sizey: height, sizing: 'stretch', layer: 'below' },
      ],
    },
    config: { displaylogo: false, scrollZoom: true },
  };
  await emitCanvas(enlarge(pixels, WIDTH, tall), { alt, live: { [PLOTLY_MIME]: roundNumbers(figure, 4) } });
}
