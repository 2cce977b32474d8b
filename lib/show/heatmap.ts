import type { Canvas } from 'canvas';
import { tf } from '../tf/backend';
import { checkFields, checkList } from '../base/check';
import { drawFigure } from './plotly/chart';
import type { ColormapName } from './colormap';
import { heatFigure } from './heatmap-figure';
import type { HeatPanel, HeatStyle } from './heatmap-trace';
import { roundNumbers } from './html';
import { rasterOf } from './image';
import { describeRange, emitCanvas, isFlat, rangeOf, symmetric, type Range, type Raster } from './picture';
import { PLOTLY_MIME } from './plot';

export interface HeatmapOptions {
  /** 底图（image）：[高, 宽, 3] 或路径；热图拉伸到它的大小，半透明地盖在上面。 */
  image?: tf.Tensor3D | string;
  /** 热图的不透明度（opacity），[0, 1]，默认 0.6；没有底图时为 1。 */
  opacity?: number;
  /** 标题。 */
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

/**
 * 显示一幅热图（show a heat map），可盖在图像上；带颜色条，鼠标移上去显示数值，图下写明最小与最大。
 *
 * @param map 二维张量 [行, 列]；不会被释放
 * @param options 见 HeatmapOptions
 * @example
 * const { map, coarse } = gradCam(model, image, { class: 387 });
 * await showHeatmap(map, { image, title: '梯度加权的类激活图' });
 * dispose(map, coarse);
 */
export async function showHeatmap(map: tf.Tensor2D, options: HeatmapOptions = {}): Promise<void> {
  await showHeatmaps([{ map, title: options.title ?? '' }], { ...options, title: undefined });
}

export interface HeatmapsOptions extends HeatmapOptions {
  /** 各图用同一颜色尺度（shared scale），可以互相比较；默认 false。 */
  sharedScale?: boolean;
}

/** 几幅热图中的一幅，有自己的标题和底图。 */
export interface TitledMap extends Readonly<Pick<HeatmapOptions, 'title' | 'image'>> {
  /** 热图 [行, 列]；不会被释放。 */
  readonly map: tf.Tensor2D;
}

/**
 * 并排显示几幅热图（show heat maps side by side）。
 *
 * @param maps 每幅 `{ map, title?, image? }`；map 是二维张量 [行, 列]，不会被释放；image 是这一幅自己的底图
 * @param options 与 showHeatmap 相同，另有 `sharedScale`：同一颜色尺度
 * @example
 * const { map, coarse } = gradCam(model, image, { class: 387 });
 * await showHeatmaps([{ map, title: '放大后' }, { map: coarse, title: '放大前' }]);
 * dispose(map, coarse);
 */
export async function showHeatmaps(maps: readonly TitledMap[], options: HeatmapsOptions = {}): Promise<void> {
  const { panels, style } = await heatPanels(maps, options);
  const live = { ...(await heatFigure(panels, style, true)), config: { displaylogo: false } };
  const text = panels.map((p) => `${p.title || '热图'}（${describeRange(p.own)}）`);
  await emitCanvas(await drawHeat(panels, style), {
    alt: options.alt ?? [style.title, ...text].filter(Boolean).join('；'),
    live: { [PLOTLY_MIME]: roundNumbers(live, 4) },
  });
}

/** Reads maps and pictures, and decides about colours and their ranges. */
export async function heatPanels(
  maps: readonly TitledMap[],
  { image, opacity, title = '', unit = '', diverging, range, sharedScale = false }: HeatmapsOptions,
): Promise<{ panels: HeatPanel[]; style: HeatStyle }> {
  if (!Array.isArray(maps) || maps.length === 0) throw new RangeError('maps 是空的：至少要有一幅热图 { map, title }');
  if (opacity !== undefined && !(opacity >= 0 && opacity <= 1))
    throw new RangeError(`opacity 应在 0 到 1 之间，得到 ${opacity}`);
  checkList('maps', maps, (titled, what) => checkFields(what, titled, ['map'], '一幅热图 { map, title }'));
  const base = image === undefined ? undefined : await rasterOf(image);
  const rasters: Raster[] = [];
  const bases: (Raster | undefined)[] = [];
  for (const { map, image: own } of maps) {
    rasters.push(await readMap(map));
    bases.push(own === undefined ? undefined : await rasterOf(own));
  }
  const own = rasters.map((r) => rangeOf(r));
  const all = rangeOf(...rasters);
  const signed = diverging ?? (range?.[0] ?? all[0]) < 0;
  const colours: ColormapName = signed ? 'diverging' : 'sequential';
  const panels = rasters.map((raster, i) => ({
    raster,
    base: bases[i],
    title: maps[i].title ?? '',
    own: own[i],
    limits: visibleRange(range ?? (sharedScale ? all : own[i]), signed),
  }));
  return { panels, style: { title, unit, colours, base, opacity: opacity ?? (base || bases.some(Boolean) ? 0.6 : 1) } };
}

/** The static picture of the panels. */
export async function drawHeat(panels: readonly HeatPanel[], style: HeatStyle): Promise<Canvas> {
  const figure = await heatFigure(panels, style, false);
  const { width, height } = figure.layout as { width: number; height: number };
  return drawFigure(figure, width, height);
}

/** A map's numbers; the tensor stays the caller's. */
export async function readMap(map: tf.Tensor2D): Promise<Raster> {
  if (!(map instanceof tf.Tensor) || map.rank !== 2 || map.size === 0) {
    const got = map instanceof tf.Tensor ? `形状 [${(map as tf.Tensor).shape.join(', ')}]` : typeof map;
    throw new RangeError(`map 应为二维张量 [行, 列]，得到${got}；彩色图请用 showImage`);
  }
  return { width: map.shape[1], height: map.shape[0], channels: 1, values: (await map.data()) as Float32Array };
}

/** A flat map gets a range of its own, so that it is drawn in the middle colour; NaN becomes 0 … 1. */
export function visibleRange(range: Range, signed: boolean): Range {
  const [min, max] = signed ? symmetric(range) : range;
  if (Number.isNaN(min)) return [0, 1];
  return isFlat([min, max]) ? [min - 0.5, max + 0.5] : [min, max];
}
