import type { EmbedStep } from '../embedding';
import { imageNetClasses } from '../classes';
import type { Photo } from '../photos';
import { drawFigure } from './chart';
import { PALETTE } from './colormap';
import { axisKey, type Figure, type Trace } from './figure';
import { emitCanvas } from './picture';
import { courseStyle } from './plot-style';

export interface PointsPanel {
  readonly title: string;
  /** One [x, y] per label. */
  readonly points: readonly (readonly number[])[];
}

export interface PointsFigureOptions {
  title?: string;
  /** 鼠标停在点上时显示的文字（hover），每个点一条。 */
  hover?: readonly string[];
  /** 一行几幅（columns）。 */
  columns?: number;
  /** 点的直径，像素。 */
  size?: number;
}

/** A label keeps its colour and symbol in every panel; the most frequent labels get the plainest. */
const SYMBOLS = ['circle', 'diamond', 'triangle-up', 'square'];

function styles(labels: readonly string[]): Map<string, { color: string; symbol: string }> {
  const counts = new Map<string, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const ordered = [...counts].sort((a, b) => b[1] - a[1]).map(([label]) => label);
  return new Map(
    ordered.map((label, i) => [
      label,
      { color: PALETTE[i % PALETTE.length], symbol: SYMBOLS[(i + Math.floor(i / PALETTE.length)) % SYMBOLS.length] },
    ]),
  );
}

/**
 * 平面上的点，按标签着色（scatter of labelled points）：一幅，或并排的几幅，图例共用。交给 `showPlot` 显示。
 *
 * 两轴同一比例，没有刻度：t-SNE 的坐标没有单位，也没有方向。
 *
 * @param panels 每幅 `{ title, points }`，每个标签一个 [x, y]
 * @param labels 每个点的标签（label），如照片的类别
 * @param options `title`、`hover`（见 `photoHover`）、`columns`、`size`
 * @throws RangeError 点与标签的个数不同
 */
export function pointsFigure(
  panels: readonly PointsPanel[],
  labels: readonly string[],
  { title = '', hover = labels, columns = Math.min(panels.length, 3), size }: PointsFigureOptions = {},
): Figure {
  if (panels.length === 0) throw new RangeError('panels 是空的：至少要有一幅 { title, points }');
  for (const panel of panels) {
    if (panel.points.length === labels.length) continue;
    throw new RangeError(`"${panel.title}"有 ${panel.points.length} 个点，标签有 ${labels.length} 个：应当相同`);
  }
  const rows = Math.ceil(panels.length / columns);
  const width = 940;
  const cell = (width - 190) / columns;
  const layout: Record<string, unknown> = {
    ...(title ? { title } : {}),
    ...(panels.length > 1 ? { grid: { rows, columns, pattern: 'independent', xgap: 0.08, ygap: 0.16 } } : {}),
    height: (panels.length > 1 ? rows * (cell + 42) : 620) + (title ? 90 : 60),
    width,
    legend: { orientation: 'v' },
  };
  panels.forEach((panel, i) => {
    const axis = { showgrid: false, zeroline: false, showticklabels: false, ticks: '' };
    layout[axisKey(ref('x', i))] = { ...axis, title: panel.title };
    layout[axisKey(ref('y', i))] = { ...axis, scaleanchor: ref('x', i) };
  });
  const looks = styles(labels);
  const traces = panels.flatMap((panel, i) =>
    [...looks].map(([label, look]): Trace => {
      const own = labels.map((_, row) => row).filter((row) => labels[row] === label);
      return {
        type: 'scatter',
        mode: 'markers',
        name: label,
        legendgroup: label,
        showlegend: i === 0,
        x: own.map((row) => panel.points[row][0]),
        y: own.map((row) => panel.points[row][1]),
        text: own.map((row) => hover[row]),
        hoverinfo: 'text',
        xaxis: ref('x', i),
        yaxis: ref('y', i),
        marker: { ...look, size: size ?? (panels.length > 1 ? 6 : 9), line: { color: '#ffffff', width: 0.5 } },
      };
    }),
  );
  return { data: traces, layout };
}

const ref = (axis: 'x' | 'y', panel: number) => (panel === 0 ? axis : `${axis}${panel + 1}`);

/** 照片的悬停文字（hover text）：名字、类别，有 ImageNet 类别的再加上类别名。 */
export function photoHover(photos: readonly Photo[]): string[] {
  const classes = imageNetClasses();
  return photos.map((photo) => {
    const known = photo.imagenet ? `，${classes[photo.imagenet.index].zh}` : '';
    return `${photo.name}（${photo.categoryZh}${known}）`;
  });
}

/** At most this share of the time goes into drawing, whatever a drawing costs on this machine. */
const SHARE = 0.15;
let count = 0;

/**
 * 实时图（live picture）：嵌入进行时，在同一个位置显示当前的点与损失的曲线。
 *
 * @param labels 每个点的标签，决定颜色
 * @param title 标题；最后一步一定会画，所以保存的笔记本里留下的是结果
 * @returns 交给 `onStep`：`embed(features, { onStep: livePoints(labels) })`
 */
export function livePoints(labels: readonly string[], title = ''): (state: EmbedStep) => Promise<void> {
  const id = `points-${process.pid}-${Date.now().toString(36)}-${count++}`;
  const trace: { step: number; kl: number }[] = [];
  const started = performance.now();
  let spent = 0;
  let drawn = false;
  return async ({ step, steps, kl, points }) => {
    if (kl !== undefined) trace.push({ step, kl });
    const before = performance.now();
    if (drawn && step < steps && spent > SHARE * (before - started)) return;
    const heading = `${title || 'embed'}　第 ${step} 步，共 ${steps} 步${kl === undefined ? '' : `，KL ${kl.toFixed(3)}`}`;
    const canvas = await drawFigure(...withLoss(pointsFigure([{ title: '', points }], labels), trace, steps, heading));
    await emitCanvas(canvas, { alt: heading, id, update: drawn });
    drawn = true;
    spent += performance.now() - before;
  };
}

function withLoss(
  { data, layout }: Figure,
  trace: readonly { step: number; kl: number }[],
  steps: number,
  heading: string,
): [Figure, number, number] {
  const [width, height] = [940, 440];
  const curve: Trace = {
    ...{ type: 'scatter', mode: 'lines', showlegend: false, xaxis: 'x2', yaxis: 'y2' },
    x: trace.map((t) => t.step),
    y: trace.map((t) => t.kl),
  };
  const axes = {
    xaxis: { ...layout?.xaxis, domain: [0, 0.5] },
    xaxis2: { domain: [0.6, 1], title: '步', range: [0, steps] },
    yaxis2: { anchor: 'x2', title: 'KL(P ‖ Q)', rangemode: 'tozero' },
  };
  const figure = { data: [...data, curve], layout: { ...layout, ...axes, title: heading, width, height } };
  return [courseStyle(figure, width, height), width, height];
}
