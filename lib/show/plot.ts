import { emitCanvas } from './picture';
import { drawFigure } from './plotly/chart';
import { courseStyle } from './plotly/plot-style';
import { plainText, type Figure } from './plotly/figure';
import { roundNumbers } from './html';

export type { Figure, Trace } from './plotly/figure';

export interface ShowPlotOptions {
  /** 宽度，像素，默认 920（或 layout.width）。 */
  width?: number;
  /** 高度，像素，默认 460（或 layout.height）。 */
  height?: number;
  /** 给读屏软件的文字（alternative text）；默认由标题与各轨迹的名字组成。 */
  alt?: string;
}

export const PLOTLY_MIME = 'application/vnd.plotly.v1+json';

/**
 * 显示一张 plotly 图（show a plotly figure）。
 *
 * 同一个输出里有两种形式：交互式的 plotly 图（鼠标移上去可以读数、缩放），以及课程自己画的 PNG（没有 plotly、导出的 HTML、GitHub 上都看得见）。
 * 静态图支持 scatter、bar、histogram、heatmap 轨迹，子图、图片、标注与形状。数值保留 4 位有效数字。
 *
 * @param figure `{ data, layout }`，与 plotly.js 相同
 * @param options `width`、`height`：像素；`alt`：替代文字
 * @example
 * await showPlot({ data: [{ type: 'scatter', x: [0, 1, 2], y: [0, 1, 4] }], layout: { title: { text: '平方' } } });
 */
export async function showPlot(figure: Figure, { width, height, alt }: ShowPlotOptions = {}): Promise<void> {
  if (!figure || !Array.isArray(figure.data)) {
    throw new TypeError('figure 应为 plotly 图 { data: [轨迹, …], layout: { … } }');
  }
  const [w, h] = [width ?? figure.layout?.width ?? 920, height ?? figure.layout?.height ?? 460];
  if (!(w >= 100 && w <= 4000 && h >= 80 && h <= 4000))
    throw new RangeError(`图的大小应为 100 到 4000 像素，得到 ${w}×${h}`);
  const styled = courseStyle(figure, w, h);
  const canvas = await drawFigure(styled, w, h);
  const json = roundNumbers({ data: styled.data, layout: styled.layout, config: { displaylogo: false } });
  await emitCanvas(canvas, { alt: alt ?? describe(figure), live: { [PLOTLY_MIME]: json } });
}

function describe({ data, layout = {} }: Figure): string {
  const names = data.map((t) => plainText(t.name ?? '')).filter(Boolean);
  const kinds = [
    ...new Set(
      data.map((t) => ({ bar: '条形图', histogram: '直方图', heatmap: '热图' })[String(t.type)] ?? '曲线或散点图'),
    ),
  ];
  const list = names.length ? `：${names.slice(0, 8).join('、')}${names.length > 8 ? ' …' : ''}` : '';
  return `${plainText(layout.title) || kinds.join('与')}${list}`;
}
