import { createCanvas, type SKRSContext2D } from 'canvas';
import type { tf } from '../tf/backend';
import { checkFields } from '../base/check';
import { colorAt, css, overGrey, PALETTE, type Rgb } from './colormap';
import { formatNumber } from './html';
import { rasterOf } from './image';
import { readMap } from './heatmap';
import { emitCanvas, enlarge, rangeOf, toGrey, type Range, type Raster } from './picture';
import { drawText, INK, MUTED, NOTE, PAPER, RULE, shorten } from './text';

/** 几联图的内容（the panels）；各图 [行, 列] 都以方块的位置为格。 */
export interface OcclusionPanels {
  /** (b) 一个特征图的总和（sum of a feature map）。 */
  readonly featureSum: tf.Tensor2D;
  /** (c) 这个特征图投影回像素（projection），[h, w, 3]，有正有负，中灰是 0。 */
  readonly projection: tf.Tensor3D;
  /** (d) 正确类别的概率（probability）。 */
  readonly probability: tf.Tensor2D;
  /** (e) 最可能的类别的编号（best class）。 */
  readonly bestClass: tf.Tensor2D;
}

export interface ShowOcclusionPanelOptions {
  /** 方块边长与步幅（size, stride），像素：格子画在方块中心所在的地方。 */
  size: number;
  stride: number;
  /** 类别的名字（class name）。 */
  nameOf: (index: number) => string;
  /** 特征图的名字（feature map）。 */
  feature?: string;
  title?: string;
  alt?: string;
}

// Pixels: three tiles and their gaps are as wide as a cell.
const TILE = 292;
const GAP = 22;
const MARGIN = 14;
const HEAD = 30;
/** The map lies over a pale grey photo; its bar is blended with the photo's middle grey in the same way. */
const OPACITY = 0.75;
const MIDDLE = 140;
const blend = (colour: Rgb) => overGrey(colour, OPACITY, MIDDLE);
const OTHERS = '#c3c9d1';
/** With a line for the rest, which is grey, the legend is then as high as a tile. */
const MOST_CLASSES = 7;

/**
 * Zeiler 与 Fergus 的图 7（Fig. 7）：五幅同样大小的图 (a)–(e)，第六格是图例。
 * (a) 照片；(b) 一个特征图的总和；(c) 它的投影；(d) 正确类别的概率；(e) 最可能的类别：后三者随方块的位置而变。
 *
 * @param image 照片 [h, w, 3]；各张量都不会被释放
 * @throws RangeError 各图的格数不同
 * @example
 * const [size, stride, layer] = [16, 16, model.roles.lastConv];
 * const result = await occlusionMap(model, image, { class: 387 }, { size, stride, layer });
 * const { channel, sum } = result.strongestMap!;
 * const projection = inputGradient(model, image, { layer, channel }, { rule: 'deconv' });
 * const panels = { featureSum: sum, projection, probability: result.probability, bestClass: result.bestClass };
 * await showOcclusionPanel(image, panels, { size, stride, nameOf: (index) => model.classes[index].zh });
 * dispose(result, projection);
 */
export async function showOcclusionPanel(
  image: tf.Tensor3D,
  panels: OcclusionPanels,
  options: ShowOcclusionPanelOptions,
): Promise<void> {
  const { featureSum, projection, probability, bestClass } = checkFields('panels', panels, ['featureSum', 'projection', 'probability', 'bestClass'], ' occlusionMap 的结果里的几幅图'); // prettier-ignore
  const { size, stride, nameOf, feature = '特征图', title = '', alt } = checkFields('选项', options, ['size', 'stride', 'nameOf'], ' { size, stride, nameOf }'); // prettier-ignore
  const shapes = [featureSum, probability, bestClass].map(({ shape }) => shape.join('×'));
  if (new Set(shapes).size > 1) throw new RangeError(`(b)、(d)、(e) 应有同样多的格，得到 ${shapes.join('、')}`);
  const photo = await rasterOf(image);
  const grid = { size, stride, scale: TILE / photo.width };
  const top = MARGIN + (title ? 34 : 0);
  const canvas = createCanvas(2 * MARGIN + 3 * TILE + 2 * GAP, top + 2 * (HEAD + TILE) + GAP + MARGIN);
  const context = canvas.getContext('2d');
  context.fillStyle = PAPER;
  context.fillRect(0, 0, canvas.width, canvas.height);
  if (title) drawText(context, title, MARGIN, MARGIN + 20, { size: 20, weight: 'bold' });
  const corner = (i: number) => [MARGIN + (i % 3) * (TILE + GAP), top + HEAD + Math.floor(i / 3) * (HEAD + TILE + GAP)];
  const heads = ['(a) 照片', `(b) ${feature}的总和`, `(c) ${feature}的投影`, '(d) 正确类别的概率', '(e) 最可能的类别'];
  heads.forEach((text, i) => drawText(context, shorten(context, text, TILE + GAP - 4), corner(i)[0], corner(i)[1] - 9));

  const picture = (raster: Raster, range: Range, i: number) => {
    const [x, y] = corner(i);
    context.drawImage(enlarge(toGrey(raster, range), TILE, TILE), x, y);
  };
  picture(photo, [0, 1], 0);
  const back = await rasterOf(projection);
  picture(back, strongRange(back), 2);
  const [sum, chance, best] = [await readMap(featureSum), await readMap(probability), await readMap(bestClass)];
  const [sumRange, chanceRange] = [rangeOf(sum), rangeOf(chance)];
  const colours = classColours(best.values);
  const paint = (raster: Raster, i: number, colour: (v: number) => string) => {
    picture(pale(photo), [0, 255], i);
    context.globalAlpha = OPACITY;
    drawCells(context, raster, corner(i), grid, colour);
    context.globalAlpha = 1;
  };
  const scaled =
    ([min, max]: Range) =>
    (v: number) =>
      css(colorAt('sequential', max > min ? (v - min) / (max - min) : 0.5));
  paint(sum, 1, scaled(sumRange));
  paint(chance, 3, scaled(chanceRange));
  paint(best, 4, (v) => colours.get(v) ?? OTHERS);
  drawLegend(context, corner(5), { sumRange, chanceRange, colours, counts: countOf(best.values), nameOf });
  await emitCanvas(canvas, { alt: alt ?? `${title || '遮挡实验的五联图'}：${heads.join('，')}` });
}

/** A projection has few strong pixels: one in two hundred may be cut off, or the rest would be grey. */
function strongRange({ values }: Raster): Range {
  const sizes = Float32Array.from(values, Math.abs).sort();
  const bound = sizes[Math.floor(0.995 * (sizes.length - 1))] || sizes[sizes.length - 1];
  return [-bound, bound];
}

/** Grey, with little contrast: it tells where things are and leaves the colours alone. */
function pale({ width, height, channels, values }: Raster): Raster {
  const grey = Float32Array.from({ length: width * height }, (_, i) => {
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += values[i * channels + c];
    return MIDDLE + 150 * (sum / channels - 0.5);
  });
  return { width, height, channels: 1, values: grey };
}

function drawCells(
  context: SKRSContext2D,
  { width, height, values }: Raster,
  [left, top]: number[],
  { size, stride, scale }: { size: number; stride: number; scale: number },
  colour: (value: number) => string,
) {
  // Each cell is drawn around the patch's centre; the rim shows the photo.
  const edge = (i: number) => Math.round(Math.min(TILE, scale * (size / 2 + (i - 0.5) * stride)));
  for (let row = 0; row < height; row++) {
    for (let col = 0; col < width; col++) {
      context.fillStyle = colour(values[row * width + col]);
      const [x, y] = [edge(col), edge(row)];
      context.fillRect(left + x, top + y, edge(col + 1) - x, edge(row + 1) - y);
    }
  }
}

function countOf(values: ArrayLike<number>): Map<number, number> {
  const counts = new Map<number, number>();
  for (const value of Array.from(values)) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

/** The most frequent classes have colours of their own. */
function classColours(values: ArrayLike<number>): Map<number, string> {
  const counts = countOf(values);
  const names = [...counts.keys()].sort((a, b) => counts.get(b)! - counts.get(a)! || a - b).slice(0, MOST_CLASSES);
  return new Map(names.map((index, i) => [index, PALETTE[i]]));
}

interface Legend {
  readonly sumRange: Range;
  readonly chanceRange: Range;
  readonly colours: ReadonlyMap<number, string>;
  readonly counts: ReadonlyMap<number, number>;
  readonly nameOf: (index: number) => string;
}

function drawLegend(
  context: SKRSContext2D,
  [left, top]: number[],
  { sumRange, chanceRange, colours, counts, nameOf }: Legend,
) {
  for (let i = 0; i < TILE; i++) {
    context.fillStyle = css(blend(colorAt('sequential', i / (TILE - 1))));
    context.fillRect(left + i, top, 1, 18);
  }
  const ends = ([min, max]: Range, name: string, y: number) => {
    drawText(context, `${name} ${formatNumber(min, 3)}`, left, y, { size: NOTE, color: MUTED });
    drawText(context, formatNumber(max, 3), left + TILE, y, { size: NOTE, color: MUTED, align: 'right' });
  };
  ends(sumRange, '(b)', top + 36);
  ends(chanceRange, '(d)', top + 56);
  context.fillStyle = RULE;
  context.fillRect(left, top + 68, TILE, 1);
  const listed = [...colours.keys()];
  const others = [...counts].filter(([index]) => !colours.has(index)).reduce((n, [, count]) => n + count, 0);
  const rows = listed.map((index) => [colours.get(index)!, `${nameOf(index)}　${counts.get(index)}`]);
  if (others) rows.push([OTHERS, `其余　${others}`]);
  drawText(context, '(e) 类别与位置的个数', left, top + 90, { size: NOTE, color: MUTED });
  rows.forEach(([colour, text], i) => {
    const y = top + 102 + 23 * i;
    context.fillStyle = css(blend(rgbOf(colour)));
    context.fillRect(left, y, 18, 16);
    drawText(context, shorten(context, text, TILE - 30), left + 28, y + 14, { size: 15, color: INK });
  });
}

const rgbOf = (hex: string): Rgb => {
  const part = (at: number) => parseInt(hex.slice(at, at + 2), 16);
  return [part(1), part(3), part(5)];
};
