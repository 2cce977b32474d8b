import { createCanvas, type Canvas } from 'canvas';
import { tf } from '../backend';
import { plotlyColorscale, type ColormapName } from './colormap';
import { drawFigure } from './chart';
import type { Figure } from './figure';
import { rasterOf } from './image';
import { describeRange, emitCanvas, isFlat, rangeOf, symmetric, toGrey, type Range, type Raster } from './picture';
import { pixelsToCanvas } from '../image-encode';
import { roundNumbers } from './html';
import { PLOTLY_MIME } from './plot';

export interface HeatmapOptions {
  /** 底图（image）：[高, 宽, 3] 或路径；热图拉伸到它的大小，半透明地盖在上面。 */
  image?: tf.Tensor3D | string;
  /** 热图的不透明度（opacity），[0, 1]，默认 0.6；没有底图时为 1。 */
  opacity?: number;
  title?: string;
  /** 颜色条上的单位或量的名字。 */
  unit?: string;
  /** 有正有负的图用发散色（diverging），以 0 为中心；默认：有负值时 true。 */
  diverging?: boolean;
  /** 颜色的范围 [最小, 最大]；默认：图自己的范围。 */
  range?: readonly [number, number];
  /** 给读屏软件的文字（alternative text）。 */
  alt?: string;
}

/** More cells than this are averaged in the live plot: the notebook stays small, the eye sees no difference. */
const LIVE_CELLS = 100;
const PANEL = 420;

/**
 * 显示一幅热图（show a heat map），可盖在图像上；带颜色条，鼠标移上去显示数值，图下写明最小与最大。
 *
 * @param map 二维张量 [行, 列]；不会被释放
 * @param options 见 HeatmapOptions
 */
export async function showHeatmap(map: tf.Tensor2D, options: HeatmapOptions = {}): Promise<void> {
  await showHeatmaps([{ map, title: options.title ?? '' }], { ...options, title: undefined });
}

export interface HeatmapsOptions extends HeatmapOptions {
  /** 各图用同一颜色尺度（shared scale），可以互相比较；默认 false。 */
  sharedScale?: boolean;
}

/**
 * 并排显示几幅热图（show heat maps side by side）。
 *
 * @param maps 每幅 `{ map, title? }`；map 是二维张量 [行, 列]，不会被释放
 * @param options 与 showHeatmap 相同，另有 `sharedScale`：同一颜色尺度
 */
export async function showHeatmaps(
  maps: readonly { readonly map: tf.Tensor2D; readonly title?: string }[],
  { image, opacity, title, unit = '', diverging, range, alt, sharedScale = false }: HeatmapsOptions = {},
): Promise<void> {
  if (!Array.isArray(maps) || maps.length === 0) throw new RangeError('maps 是空的：至少要有一幅热图 { map, title }');
  if (opacity !== undefined && !(opacity >= 0 && opacity <= 1))
    throw new RangeError(`opacity 应在 0 到 1 之间，得到 ${opacity}`);
  const base = image === undefined ? undefined : await rasterOf(image);
  const rasters: Raster[] = [];
  for (const { map } of maps) rasters.push(await readMap(map));
  const own = rasters.map((r) => rangeOf(r));
  const all = rangeOf(...rasters);
  const signed = diverging ?? (range?.[0] ?? all[0]) < 0;
  const colours: ColormapName = signed ? 'diverging' : 'sequential';
  const limits = own.map((r) => visibleRange(range ?? (sharedScale ? all : r), signed));
  const source = base ? await jpegUrl(base) : undefined;
  const figure = heatFigure(rasters, {
    maps,
    limits,
    own,
    colours,
    unit,
    title,
    base,
    source,
    opacity: opacity ?? (base ? 0.6 : 1),
  });
  const { width, height } = figure.layout as { width: number; height: number };
  const canvas = await drawFigure(figure, width, height);
  const live = {
    ...figure,
    data: figure.data.map((t, i) => ({ ...t, ...shrink(rasters[i], base) })),
    config: { displaylogo: false },
  };
  const text =
    alt ??
    [title, ...maps.map((m, i) => `${m.title || '热图'}（${describeRange(own[i])}）`)].filter(Boolean).join('；');
  await emitCanvas(canvas, { alt: text, extra: { [PLOTLY_MIME]: roundNumbers(live, 3) } });
}

async function readMap(map: tf.Tensor2D): Promise<Raster> {
  if (!(map instanceof tf.Tensor) || map.rank !== 2 || map.size === 0) {
    const got = map instanceof tf.Tensor ? `形状 [${(map as tf.Tensor).shape.join(', ')}]` : typeof map;
    throw new RangeError(`map 应为二维张量 [行, 列]，得到${got}；彩色图请用 showImage`);
  }
  return { width: map.shape[1], height: map.shape[0], channels: 1, values: (await map.data()) as Float32Array };
}

/** A flat map gets a range of its own, so that it is drawn in the middle colour; NaN becomes 0 … 1. */
function visibleRange(range: Range, signed: boolean): Range {
  const [min, max] = signed ? symmetric(range) : range;
  if (Number.isNaN(min)) return [0, 1];
  return isFlat([min, max]) ? [min - 0.5, max + 0.5] : [min, max];
}

interface HeatSettings {
  readonly maps: readonly { readonly title?: string }[];
  readonly limits: readonly Range[];
  readonly own: readonly Range[];
  readonly colours: ColormapName;
  readonly unit: string;
  readonly title?: string;
  readonly base?: Raster;
  readonly source?: string;
  readonly opacity: number;
}

/** One panel per map, in data units of the base picture's pixels (or of the map's cells). */
function heatFigure(rasters: readonly Raster[], s: HeatSettings): Figure {
  const n = rasters.length;
  const columns = Math.min(n, 3);
  const rows = Math.ceil(n / columns);
  const panel = n === 1 ? PANEL : n === 2 ? 360 : 250;
  const { width: w, height: h } = s.base ?? rasters[0];
  const panelHeight = Math.round(Math.min(640, Math.max(80, (panel * h) / w)));
  const [cellWidth, cellHeight] = [panel + 96, panelHeight + 66];
  const [margin, head] = [16, s.title ? 44 : 8];
  const [width, height] = [margin + columns * cellWidth, head + rows * cellHeight];
  const layout: Record<string, unknown> = {
    width,
    height,
    title: s.title ? { text: s.title, x: 0.02 } : undefined,
    margin: { l: 0, r: 0, t: 0, b: 0, autoexpand: false },
    images: [],
    annotations: [],
  };
  const data = rasters.map((raster, i) => {
    const ref = i === 0 ? '' : String(i + 1);
    const left = margin + (i % columns) * cellWidth;
    const top = head + Math.floor(i / columns) * cellHeight + 30;
    const across = [left / width, (left + panel) / width];
    const down = [1 - (top + panelHeight) / height, 1 - top / height];
    const [spanX, spanY] = s.base ? [w, h] : [raster.width, raster.height];
    const hidden = { visible: false, showgrid: false, zeroline: false };
    layout[`xaxis${ref}`] = { ...hidden, domain: across, range: [0, spanX] };
    layout[`yaxis${ref}`] = { ...hidden, domain: down, range: [spanY, 0], anchor: `x${ref}` };
    if (s.source)
      (layout.images as object[]).push({
        source: s.source,
        xref: `x${ref}`,
        yref: `y${ref}`,
        x: 0,
        y: 0,
        sizex: spanX,
        sizey: spanY,
        sizing: 'stretch',
        layer: 'below',
      });
    const note = (text: string, y: number, size: number, color: string) =>
      (layout.annotations as object[]).push({
        text,
        xref: 'paper',
        yref: 'paper',
        x: across[0],
        y,
        xanchor: 'left',
        yanchor: 'bottom',
        showarrow: false,
        font: { size, color },
      });
    note(s.maps[i].title ?? '', down[1] + 6 / height, 16, '#333a44');
    note(describeRange(s.own[i]), down[0] - 26 / height, 14, '#6b7380');
    return heatTrace(raster, s, i, ref, [spanX, spanY], {
      x: across[1] + 14 / width,
      y: (down[0] + down[1]) / 2,
      len: panelHeight / height,
    });
  });
  return { data, layout };
}

function heatTrace(
  raster: Raster,
  s: HeatSettings,
  i: number,
  ref: string,
  [spanX, spanY]: number[],
  bar: { x: number; y: number; len: number },
) {
  const [dx, dy] = [spanX / raster.width, spanY / raster.height];
  return {
    type: 'heatmap',
    z: rowsOf(raster),
    x0: dx / 2,
    dx,
    y0: dy / 2,
    dy,
    x: Array.from({ length: raster.width }, (_, k) => (k + 0.5) * dx),
    y: Array.from({ length: raster.height }, (_, k) => (k + 0.5) * dy),
    xaxis: `x${ref}`,
    yaxis: `y${ref}`,
    zmin: s.limits[i][0],
    zmax: s.limits[i][1],
    colorscale: plotlyColorscale(s.colours),
    opacity: s.opacity,
    colorbar: {
      title: { text: s.unit },
      thickness: 16,
      outlinewidth: 0,
      x: bar.x,
      y: bar.y,
      len: bar.len,
      xpad: 0,
      ypad: 0,
      tickfont: { size: 14, color: '#6b7380' },
    },
    hovertemplate: '行 %{y:.0f}，列 %{x:.0f}<br>%{z:.3g}<extra></extra>',
  };
}

const rowsOf = ({ width, height, values }: Raster) =>
  Array.from({ length: height }, (_, y) => Array.from(values.subarray(y * width, (y + 1) * width)));

/** Means over blocks, for the live plot only. */
function shrink(raster: Raster, base: Raster | undefined): Record<string, unknown> {
  const factor = Math.ceil(Math.max(raster.width, raster.height) / LIVE_CELLS);
  const [width, height] = [Math.ceil(raster.width / factor), Math.ceil(raster.height / factor)];
  const z = Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => blockMean(raster, x * factor, y * factor, factor)),
  );
  const [spanX, spanY] = base ? [base.width, base.height] : [raster.width, raster.height];
  const [dx, dy] = [(spanX / raster.width) * factor, (spanY / raster.height) * factor];
  return { z, x: undefined, y: undefined, x0: dx / 2, dx, y0: dy / 2, dy };
}

function blockMean({ width, height, values }: Raster, x0: number, y0: number, size: number): number {
  let sum = 0;
  let count = 0;
  for (let y = y0; y < Math.min(y0 + size, height); y++) {
    for (let x = x0; x < Math.min(x0 + size, width); x++, count++) sum += values[y * width + x];
  }
  return sum / count;
}

/** The base picture inside the live figure: small, because its sharp twin is the PNG beside it. */
async function jpegUrl(base: Raster): Promise<string> {
  const full = pixelsToCanvas(toGrey(base, [0, 1]));
  const factor = Math.min(1, 320 / Math.max(full.width, full.height));
  const canvas: Canvas = createCanvas(
    Math.max(1, Math.round(full.width * factor)),
    Math.max(1, Math.round(full.height * factor)),
  );
  canvas.getContext('2d').drawImage(full, 0, 0, canvas.width, canvas.height);
  return `data:image/jpeg;base64,${(await canvas.encode('jpeg', 80)).toString('base64')}`;
}
