import { checkFields, checkList, checkText } from '../base/check';
import { imageNetClasses } from '../model/classes';
import { checkPhotos, type Photo } from '../image/photos';
import { drawFigure } from './plotly/chart';
import { PALETTE } from './colormap';
import { axisKey, type Figure, type Trace } from './plotly/figure';
import { emitCanvas } from './picture';
import { courseStyle } from './plotly/plot-style';
import { RULE } from './text';
import { throttled } from './throttle';

export interface PointsPanel {
  readonly title: string;
  /** 每个标签一个 [x, y]。 */
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
  /** 颜色按这些标签的次序分配（colours）：几张图给同一组标签，同一类就总是同一种颜色。缺省：`labels`。 */
  colours?: readonly string[];
}

/** A label keeps its colour and symbol in every panel; the most frequent labels get the plainest. */
/** As many colours as an eye tells apart; further labels repeat them in another shape. */
const COLOURS = PALETTE.slice(0, 8);
const SYMBOLS = ['circle', 'diamond', 'triangle-up', 'square'];

function styles(labels: readonly string[]): Map<string, { color: string; symbol: string }> {
  const counts = new Map<string, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const ordered = [...counts].sort((a, b) => b[1] - a[1]).map(([label]) => label);
  return new Map(
    ordered.map((label, i) => [
      label,
      { color: COLOURS[i % COLOURS.length], symbol: SYMBOLS[Math.floor(i / COLOURS.length) % SYMBOLS.length] },
    ]),
  );
}

/** Pixels: as wide as a cell (grid.ts); the title has room for a line of 16. */
const WIDTH = 940;
const GAP = 14;
const TITLE = 30;

/**
 * 平面上的点，按标签着色（scatter of labelled points）：一幅，或并排的几幅，图例共用。交给 `showPlot` 显示。
 *
 * 两轴同一比例，没有刻度：t-SNE 的坐标没有单位，也没有方向。
 *
 * @param panels 每幅 `{ title, points }`，每个标签一个 [x, y]
 * @param labels 每个点的标签（label），如照片的类别
 * @param options `title`、`hover`（见 `photoHover`）、`columns`、`size`、`colours`
 * @throws RangeError 点与标签的个数不同
 * @example
 * const figure = pointsFigure([{ title: '两类', points: [[0, 0], [1, 1]] }], ['甲', '乙']);
 * await showPlot(figure);
 */
export function pointsFigure(
  panels: readonly PointsPanel[],
  labels: readonly string[],
  {
    title = '',
    hover = labels,
    columns = Math.min(checkList('panels', panels).length, 3),
    size,
    colours = labels,
  }: PointsFigureOptions = {},
): Figure {
  if (panels.length === 0) throw new RangeError('panels 是空的：至少要有一幅 { title, points }');
  checkList('labels', labels, checkText);
  for (const panel of panels) {
    checkFields('panels 的每一幅', panel, ['points'], ' { title, points }');
    if (panel.points.length === labels.length) continue;
    throw new RangeError(`"${panel.title}"有 ${panel.points.length} 个点，标签有 ${labels.length} 个：应当相同`);
  }
  const present = new Set(labels);
  const unknown = labels.filter((label) => !colours.includes(label));
  const looks = [...styles([...colours, ...unknown])].filter(([label]) => present.has(label));
  const traces = panels.flatMap((panel, i) =>
    looks.map(([label, look]): Trace => {
      const own = labels.map((_, row) => row).filter((row) => labels[row] === label);
      return {
        ...{
          type: 'scatter',
          mode: 'markers',
          name: label,
          legendgroup: label,
          showlegend: i === 0 && looks.length > 1,
        },
        ...{ xaxis: ref('x', i), yaxis: ref('y', i), hoverinfo: 'text', text: own.map((row) => hover[row]) },
        x: own.map((row) => panel.points[row][0]),
        y: own.map((row) => panel.points[row][1]),
        marker: { ...look, size: size ?? (panels.length > 1 ? 7 : 9), line: { color: '#ffffff', width: 0.5 } },
      };
    }),
  );
  const legend = looks.length > 1 ? 60 + 16 * Math.max(...looks.map(([label]) => label.length)) : 12;
  return { data: traces, layout: panelLayout(panels, columns, title, legend) };
}

/** Square panels in a grid, each with its title above and a frame; the legend has a margin of its own. */
function panelLayout(panels: readonly PointsPanel[], columns: number, title: string, legend: number) {
  const rows = Math.ceil(panels.length / columns);
  const titled = panels.some((panel) => panel.title) ? TITLE : 0;
  const cell = (WIDTH - GAP - legend - (columns - 1) * GAP) / columns;
  const [inner, height] = [WIDTH - GAP - legend, rows * (cell + titled) + (rows - 1) * GAP];
  const margin = { l: GAP, r: legend, t: title ? 52 : GAP, b: GAP, autoexpand: false };
  const layout: Record<string, unknown> = {
    ...(title ? { title } : {}),
    ...{ width: WIDTH, height: height + margin.t + margin.b, margin, legend: { orientation: 'v' } },
    annotations: panels.map((panel, i) => ({
      ...{ text: panel.title, showarrow: false, font: { size: 16 } },
      ...{ xref: `${ref('x', i)} domain`, yref: `${ref('y', i)} domain`, x: 0.5, y: 1, yanchor: 'bottom' },
    })),
    shapes: panels.map((_, i) => ({
      ...{ type: 'rect', xref: `${ref('x', i)} domain`, yref: `${ref('y', i)} domain`, x0: 0, x1: 1, y0: 0, y1: 1 },
      line: { color: RULE, width: 1 },
    })),
  };
  panels.forEach((panel, i) => {
    const left = (i % columns) * (cell + GAP);
    const bottom = height - Math.floor(i / columns) * (cell + titled + GAP) - titled - cell;
    const plain = {
      showgrid: false,
      zeroline: false,
      showticklabels: false,
      ticks: '',
      title: '',
      constrain: 'domain',
    };
    const [x, y] = squareRanges(panel.points);
    const domain = (from: number, length: number) => [from / length, Math.min(1, (from + cell) / length)];
    const [across, up] = [ref('x', i), ref('y', i)];
    layout[axisKey(across)] = { ...plain, range: x, domain: domain(left, inner), anchor: up };
    layout[axisKey(up)] = { ...plain, range: y, domain: domain(bottom, height), anchor: across, scaleanchor: across };
  });
  return layout;
}

/** The same span on both axes, with a little air around the points. */
function squareRanges(points: PointsPanel['points']): [number, number][] {
  const bounds = [0, 1].map((axis) => {
    const values = points.map((point) => point[axis]);
    return [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  });
  const reach = Math.max(...bounds.map(([low, high]) => high - low), 1e-12) * 0.54;
  return bounds.map(([low, high]) => [(low + high) / 2 - reach, (low + high) / 2 + reach]);
}

const ref = (axis: 'x' | 'y', panel: number) => (panel === 0 ? axis : `${axis}${panel + 1}`);

/**
 * 照片的悬停文字（hover text）：名字、类别，有 ImageNet 类别的再加上类别名。
 * @example
 * const [text] = photoHover([photo('panda')]);
 */
export function photoHover(photos: readonly Photo[]): string[] {
  const classes = imageNetClasses();
  return checkPhotos(photos, 0).map((photo) => {
    const known = photo.imagenet ? `，${classes[photo.imagenet.index].zh}` : '';
    return `${photo.nameZh}（${photo.categoryZh}${known}）`;
  });
}

// This room knows no chapter, only what it draws.
/** `embed` 的一步交给实时图的东西。 */
export interface PointsStep {
  readonly done: number;
  readonly total: number;
  readonly kl: number | undefined;
  readonly points: readonly (readonly [number, number])[];
}

/**
 * 实时图（live picture）：嵌入进行时，在同一个位置显示当前的点与损失的曲线。
 *
 * @param labels 每个点的标签，决定颜色
 * @param title 标题；最后一步一定会画，所以保存的笔记本里留下的是结果
 * @param colours 颜色按这些标签的次序分配，见 pointsFigure
 * @returns 交给 `onStep`：`embed(features, { onStep: livePoints(labels) })`
 * @example
 * const features = await pixelMatrix(coursePhotos().slice(0, 8), 8);
 * const labels = features.photos.map(({ categoryZh }) => categoryZh);
 * await embed(features, { perplexity: 2, steps: 20, onStep: livePoints(labels, 't-SNE') });
 */
export function livePoints(
  labels: readonly string[],
  title = '',
  colours = labels,
): (state: PointsStep) => Promise<void> {
  const drawing = throttled('points');
  const trace: { step: number; kl: number }[] = [];
  return async ({ done, total, kl, points }) => {
    if (kl !== undefined) trace.push({ step: done, kl });
    await drawing(done >= total, async (place) => {
      const heading = `${title || 'embed'}　第 ${done} 步，共 ${total} 步${kl === undefined ? '' : `，KL ${kl.toFixed(3)}`}`;
      const figure = pointsFigure([{ title: '', points }], labels, { colours });
      const canvas = await drawFigure(...withLoss(figure, trace, total, heading));
      await emitCanvas(canvas, { alt: heading, ...place, passing: done < total });
    });
  };
}

function withLoss(
  { data, layout }: Figure,
  trace: readonly { step: number; kl: number }[],
  steps: number,
  heading: string,
): [Figure, number, number] {
  const { margin } = layout as { margin: { r: number } };
  const [width, side, top] = [WIDTH, 372, 52];
  const height = side + top + 52;
  const inner = width - GAP - margin.r;
  const curve: Trace = {
    ...{ type: 'scatter', mode: 'lines', showlegend: false, xaxis: 'x2', yaxis: 'y2' },
    x: trace.map((t) => t.step),
    y: trace.map((t) => t.kl),
  };
  const axes = {
    xaxis: { ...layout?.xaxis, domain: [0, side / inner] },
    yaxis: { ...layout?.yaxis, domain: [0, 1] },
    xaxis2: { domain: [side / inner + 0.13, 1], anchor: 'y2', title: '步', range: [0, steps] },
    yaxis2: { anchor: 'x2', title: 'KL(P ‖ Q)', rangemode: 'tozero' },
  };
  const frame = { width, height, title: heading, margin: { ...margin, l: GAP, t: top, b: 52 } };
  return [
    courseStyle({ data: [...data, curve], layout: { ...layout, ...axes, ...frame } }, width, height),
    width,
    height,
  ];
}
