import type { Canvas } from 'canvas';
import { tf } from '../tf/backend';
import { checkFields, checkList } from '../base/check';
import { drawFigure } from './plotly/chart';
import { mapChoices, pictureChoices, type LiveChoice } from './choices-figure';
import { gridCanvas, readList, scaleRanges, type GridScale } from './grid';
import { heatFigure } from './heatmap-figure';
import type { HeatPanel, HeatStyle } from './heatmap-trace';
import { readMap, visibleRange } from './heatmap';
import { roundNumbers } from './html';
import { rasterOf } from './image';
import { emitCanvas, rangeOf, type Raster } from './picture';
import { PLOTLY_MIME } from './plot';

/** So many panels of 180 pixels and more stand beside each other in the static twin. */
const MOST_COLUMNS = 4;

/** With more values than this the panels of the twin are thumbnails. */
const MANY = 8;

/** 一个可选的值，和选中它时看到的东西。 */
export interface Choice {
  /** 滑块或菜单上的字（label）。 */
  readonly label: string;
  /** 选中时的图像（images）：一幅或几幅，张量或路径；每个值的幅数相同。 */
  readonly images?: readonly (tf.Tensor3D | tf.Tensor2D | string)[];
  /** 或者一幅热图 [行, 列]（heat map）。 */
  readonly map?: tf.Tensor2D;
  /** 图下的说明（caption）。 */
  readonly caption?: string;
}

export interface ShowChoicesOptions {
  /** slider：滑块，给有次序的量；menu：下拉菜单，给没有次序的。默认 slider。 */
  control?: 'slider' | 'menu';
  /** 所选的量的名字（name），写在选中的值之前。 */
  name?: string;
  title?: string;
  /** 一开始选中第几个，从 0 数起（active），默认 0。 */
  active?: number;
  /** 几幅图像排成几列（columns），默认一行。 */
  columns?: number;
  /** 每幅图像上方的小标题（panel titles），各个值共用。 */
  panelTitles?: readonly string[];
  /** 静态的一份画哪些值（preview）：all 全部并排（默认），active 只画一开始选中的那个：值很多时，免得输出太大。 */
  preview?: 'all' | 'active';
  /** 一幅图像最大的边长（tile），像素，默认 380；一幅里有许多小图时要大一些。 */
  tile?: number;
  /** 照片的 JPEG 质量（quality），1 到 100，默认 82：值很多时小一些，输出就小。 */
  quality?: number;
  /** 图像的数值到灰度的尺度（scale），见 showGrid；默认 unit。 */
  scale?: GridScale;
  /** 热图的底图（image）、不透明度（opacity）、颜色条上的字（unit）：见 showHeatmap。 */
  image?: tf.Tensor3D | string;
  opacity?: number;
  unit?: string;
  /** 给读屏软件的文字（alternative text）。 */
  alt?: string;
}

/**
 * 一幅可以选的图（choose with a slider or a menu）：拖动滑块或选一项，就换成那个值的图像或热图。
 *
 * 全部图都事先算好，存在输出里，所以没有内核、没有网络也能选；静态的一份（PNG）把所有的值并排画出。热图共用一个颜色尺度，可以互相比较。
 *
 * @param choices 至少两个 `{ label, images 或 map, caption? }`；张量不会被释放
 * @param options 见 ShowChoicesOptions
 * @throws RangeError 少于两个值，或者各个值的图像幅数不同
 * @example
 * const mirrored = tf.reverse(image, 1);
 * await showChoices([{ label: '原图', images: [image] }, { label: '镜像', images: [mirrored] }], { control: 'menu' });
 * dispose(mirrored);
 */
export async function showChoices(choices: readonly Choice[], options: ShowChoicesOptions = {}): Promise<void> {
  check(choices, options);
  const show = choices[0].map ? showMaps : showPictures;
  const names = choices.map(({ label, caption }) => (caption ? `${label}（${caption}）` : label)).join('、');
  const alt = options.alt ?? [options.title, `${options.name ?? '可选'}：${names}`].filter(Boolean).join('，');
  await show(choices, options, alt);
}

function check(choices: readonly Choice[], { active = 0, tile = 380, quality = 82 }: ShowChoicesOptions): void {
  // 888: what the figure has without its margins; below 24 a picture is a dot
  if (!(tile >= 24 && tile <= 888)) throw new RangeError(`tile 应在 24 与 888 像素之间，得到 ${tile}`);
  if (!(quality >= 1 && quality <= 100)) throw new RangeError(`quality 应在 1 与 100 之间，得到 ${quality}`);
  if (!Array.isArray(choices) || choices.length < 2) {
    throw new RangeError(
      'choices 至少要有两个值 { label, images } 或 { label, map }；只有一个请用 showGrid 或 showHeatmap',
    );
  }
  checkList('choices', choices, (choice, what) => checkFields(what, choice, ['label'], ' { label, images 或 map }'));
  const kinds = new Set(choices.map(({ map, images }) => (map ? 'map' : `${images?.length ?? 0}`)));
  if (kinds.size !== 1 || kinds.has('0')) {
    throw new RangeError('每个值都要有同样多的 images，或者都有一幅 map');
  }
  if (!choices[active]) throw new RangeError(`active 应为 0 到 ${choices.length - 1} 的整数，得到 ${active}`);
}

/** The static twin: single pictures in a sheet; several in a column for every value, or, where
 * those would be narrow, beside each other. */
function twin(choices: readonly Choice[], rasters: readonly Raster[], options: ShowChoicesOptions): Canvas {
  const perChoice = rasters.length / choices.length;
  const { title, scale, panelTitles: titles = [] } = options;
  const labels = choices.map(({ label }) => label);
  const captions = choices.map(({ caption = '' }) => caption);
  const under = labels.map((label, i) => [label, captions[i]].filter(Boolean).join('：'));
  if (perChoice === 1) return gridCanvas(rasters, { title, scale, captions: under });
  if (choices.length > MOST_COLUMNS || perChoice > choices.length) {
    const groups = Math.max(1, Math.floor(MOST_COLUMNS / perChoice));
    const columns = groups * perChoice;
    const tile = Math.min(choices.length > MANY ? 120 : 200, Math.floor(820 / columns));
    const columnLabels = titles.length > 0 ? Array.from({ length: groups }, () => titles).flat() : undefined;
    const named = rasters.map((_, i) => (i % perChoice === 0 ? under[i / perChoice] : ''));
    return gridCanvas(rasters, { title, scale, columns, tile, columnLabels, captions: named });
  }
  const turned = Array.from({ length: perChoice }, (_, i) => choices.map((_, k) => rasters[k * perChoice + i])).flat();
  const above = new Array<string>(turned.length - captions.length).fill('');
  const sheet = { columns: choices.length, tile: 200, rowLabels: titles, columnLabels: labels };
  return gridCanvas(turned, {
    title,
    scale,
    ...sheet,
    captions: captions.some(Boolean) ? [...above, ...captions] : [],
  });
}

async function showPictures(choices: readonly Choice[], options: ShowChoicesOptions, alt: string): Promise<void> {
  const perChoice = choices[0].images!.length;
  const rasters = await readList(choices.flatMap(({ images }) => images!));
  const { ranges, note } = scaleRanges(rasters, options.scale ?? 'unit');
  const row = <T>(all: readonly T[], i: number) => all.slice(i * perChoice, (i + 1) * perChoice);
  const live = choices.map(({ label, caption = '' }, i): LiveChoice<Raster[]> => ({
    label,
    caption: [caption, note].filter(Boolean).join('　'),
    content: row(rasters, i),
    ranges: row(ranges, i),
  }));
  const { active = 0, preview = 'all' } = options;
  const canvas =
    preview === 'all' ? twin(choices, rasters, options) : twin([choices[active]], row(rasters, active), options);
  const figure = await pictureChoices(live, options);
  await emitCanvas(canvas, { alt, live: { [PLOTLY_MIME]: roundNumbers(figure, 6) } });
}

/** One colour scale for all values: otherwise the slider would change what a colour means. */
async function showMaps(choices: readonly Choice[], options: ShowChoicesOptions, alt: string): Promise<void> {
  const { image, title = '', unit = '', opacity } = options;
  const base = image === undefined ? undefined : await rasterOf(image);
  const rasters: Raster[] = [];
  for (const { map } of choices) rasters.push(await readMap(map!));
  const all = rangeOf(...rasters);
  const signed = all[0] < 0;
  const style: HeatStyle = {
    ...{ title, unit, base, colours: signed ? 'diverging' : 'sequential', opacity: opacity ?? (base ? 0.6 : 1) },
  };
  const panels = choices.map(({ label, caption }, i): HeatPanel => {
    const text = [label, caption].filter(Boolean).join('：');
    return { raster: rasters[i], title: text, own: rangeOf(rasters[i]), limits: visibleRange(all, signed) };
  });
  const sheet = await heatFigure(panels, style, false);
  const { width, height } = sheet.layout as { width: number; height: number };
  const live: LiveChoice<HeatPanel>[] = choices.map(({ label }, i) => ({ label, caption: '', content: panels[i] }));
  const figure = await mapChoices(live, style, options);
  await emitCanvas(await drawFigure(sheet, width, height), { alt, live: { [PLOTLY_MIME]: roundNumbers(figure, 4) } });
}
