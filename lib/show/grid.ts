import { createCanvas, type Canvas, type SKRSContext2D } from 'canvas';
import { tf } from '../tf/backend';
import { rasterOf } from './image';
import {
  describeRange,
  emitCanvas,
  enlarge,
  isFlat,
  outsideUnit,
  rangeOf,
  symmetric,
  toGrey,
  type Range,
  type Raster,
} from './picture';
import { drawText, INK, LABEL, MUTED, NOTE, PAPER, shorten, textWidth, wrapText } from './text';
import { checkCounts } from '../base/check';

/** unit：[0, 1] 原样；each：各图拉伸到自己的最小–最大；shared：全体同一尺度；signed、signed-shared：0 是中灰。 */
export type GridScale = 'unit' | 'each' | 'shared' | 'signed' | 'signed-shared';

export interface ShowGridOptions {
  /** 每幅图下的说明（captions）。 */
  captions?: readonly string[];
  /** 列数（columns）。 */
  columns?: number;
  /** 每幅图的边长，像素；默认使整张图宽约 960。 */
  tile?: number;
  /** 数值到灰度的尺度（scale），默认 unit。 */
  scale?: GridScale;
  title?: string;
  /** 每行左边的标签（row labels）。 */
  rowLabels?: readonly string[];
  /** 每列上方的标签（column labels）。 */
  columnLabels?: readonly string[];
  /** 给读屏软件的文字（alternative text）。 */
  alt?: string;
}

export type GridImages = tf.Tensor4D | readonly (tf.Tensor3D | tf.Tensor2D | string)[];

/** Pixels: about what an output in JupyterLab has on a laptop, beside the file browser and the prompt. */
const SHEET_WIDTH = 960;
const MARGIN = 12;

/**
 * 把许多图像排成一张大图（show a grid of images）。
 *
 * 小图（边长不超过 64）按整数倍、不加模糊地放大（nearest neighbour）。尺度不是 unit 时，图下写明最小与最大。
 *
 * @param images 一批图像 [n, 高, 宽, 3 或 1]，或图像（张量、路径）的数组，大小可以不同；不会被释放
 * @param options 见 ShowGridOptions
 * @example
 * const pictures = filterImages(model);
 * await showGrid(pictures, { columns: 4 });
 * dispose(pictures);
 */
export async function showGrid(images: GridImages, options: ShowGridOptions = {}): Promise<void> {
  const rasters = await readAll(images);
  await emitCanvas(gridCanvas(rasters, options), { alt: options.alt ?? describe(rasters.length, options) });
}

/** The sheet itself, not yet shown. */
export function gridCanvas(rasters: readonly Raster[], options: ShowGridOptions): Canvas {
  const { ranges, note } = scaleRanges(rasters, options.scale ?? 'unit');
  const columns = options.columns ?? defaultColumns(rasters.length);
  checkCounts({ columns });
  const plan = layout(rasters, columns, options);
  const canvas = createCanvas(plan.width, plan.height(note));
  const context = canvas.getContext('2d');
  context.fillStyle = PAPER;
  context.fillRect(0, 0, canvas.width, canvas.height);
  drawLabels(context, plan, options);
  rasters.forEach((raster, i) => drawTile(context, plan, i, raster, ranges[i]));
  if (note) drawText(context, note, plan.left, canvas.height - MARGIN - 4, { size: NOTE, color: MUTED });
  return canvas;
}

export async function readAll(images: GridImages): Promise<Raster[]> {
  if (images instanceof tf.Tensor) {
    if (images.rank !== 4) {
      throw new RangeError(
        `images 应为一批图像 [n, 高, 宽, 3] 或图像的数组，得到形状 [${images.shape.join(', ')}]；一幅请用 showImage`,
      );
    }
    const slices = tf.unstack(images) as tf.Tensor3D[];
    try {
      return await readList(slices);
    } finally {
      tf.dispose(slices);
    }
  }
  return readList(images);
}

/** Tensors and paths, read; the tensors stay the caller's. */
export async function readList(images: readonly (tf.Tensor | string)[]): Promise<Raster[]> {
  if (!Array.isArray(images) || images.length === 0) throw new RangeError('images 是空的：至少要有一幅图像');
  const rasters: Raster[] = [];
  for (const image of images) rasters.push(await rasterOf(image, typeof image === 'string' ? 256 : undefined));
  return rasters;
}

/** Which numbers become black and white in each picture, and what the reader must be told about it. */
export function scaleRanges(rasters: readonly Raster[], scale: GridScale): { ranges: Range[]; note: string } {
  const own = rasters.map((r) => rangeOf(r));
  const all = rangeOf(...rasters);
  const flat = own.filter(isFlat).length;
  const flatNote = flat > 0 ? `；其中 ${flat} 幅处处相同，画成中灰` : '';
  switch (scale) {
    case 'unit':
      return { ranges: rasters.map(() => [0, 1]), note: outsideUnit(all) };
    case 'each':
      return { ranges: own, note: `各图拉伸到自己的最小与最大，不能比较明暗${flatNote}` };
    case 'shared':
      return { ranges: rasters.map(() => all), note: `同一尺度：${describeRange(all)}` };
    case 'signed':
      return { ranges: own.map(symmetric), note: `中灰 = 0，各图按自己的最大绝对值拉伸${flatNote}` };
    case 'signed-shared':
      return { ranges: rasters.map(() => symmetric(all)), note: `中灰 = 0，同一尺度：${describeRange(all)}` };
    default:
      throw new RangeError(`没有名为"${String(scale)}"的尺度；可选：unit、each、shared、signed、signed-shared`);
  }
}

/** Rows of equal length where possible, wider than high. */
function defaultColumns(n: number): number {
  // six stand in one row; of more, a sheet as wide as 1.6 times its height: near the golden section, as a screen is
  if (n <= 6) return n;
  const ideal = Math.sqrt(n * 1.6);
  const candidates = Array.from({ length: Math.ceil(ideal * 1.5) }, (_, i) => i + 1).filter((c) => c >= ideal * 0.7);
  const waste = (c: number) => (Math.ceil(n / c) * c - n) / n + Math.abs(Math.log(c / ideal)) * 0.4;
  return Math.min(16, candidates.sort((a, b) => waste(a) - waste(b))[0]);
}

interface Plan {
  readonly columns: number;
  readonly cellWidth: number;
  readonly cellHeight: number;
  readonly gap: number;
  readonly left: number;
  readonly top: number;
  /** Top of each row of cells; rows without captions take less room. */
  readonly rowTops: readonly number[];
  readonly captionSize: number;
  readonly captions: readonly string[][];
  readonly width: number;
  height(note: string): number;
}

function layout(rasters: readonly Raster[], columns: number, options: ShowGridOptions): Plan {
  const { captions = [], rowLabels = [], title = '', tile } = options;
  const probe = createCanvas(8, 8).getContext('2d');
  const wide = Math.max(...rasters.map((r) => r.width));
  const high = Math.max(...rasters.map((r) => r.height));
  const gap = captions.length > 0 ? 14 : Math.max(wide, high) <= 64 ? 6 : 10;
  const labelWidth = rowLabels.length ? Math.min(180, Math.max(...rowLabels.map((l) => textWidth(probe, l)))) + 14 : 0;
  const left = MARGIN + Math.ceil(labelWidth);
  const room = (SHEET_WIDTH - left - MARGIN - (columns - 1) * gap) / columns;
  let cellWidth = Math.max(24, Math.round(tile ? Math.min(tile, SHEET_WIDTH) : Math.min(room, 480)));
  // Whole factors keep every pixel of a filter equally large; rounding up keeps a sheet readable from the back row.
  if (tile === undefined && Math.max(wide, high) <= 64)
    cellWidth = wide * Math.max(1, Math.min(Math.ceil(room / wide), Math.ceil(360 / wide)));
  const cellHeight = Math.max(1, Math.round((cellWidth * high) / wide));
  const captionSize = cellWidth >= 72 || captions.length === 0 ? LABEL : 13;
  const wrapped = rasters.map((_, i) =>
    captions[i] ? wrapText(probe, captions[i], cellWidth + gap - 6, captionSize, 2) : [],
  );
  const top = MARGIN + (title ? 34 : 0) + (options.columnLabels?.length ? 28 : 0);
  const rows = Math.ceil(rasters.length / columns);
  const rowTops = [top];
  for (let row = 0; row < rows; row++) {
    const lines = Math.max(0, ...wrapped.slice(row * columns, (row + 1) * columns).map((l) => l.length));
    rowTops.push(rowTops[row] + cellHeight + (lines ? lines * (captionSize + 5) + 6 : 0) + gap);
  }
  const gridWidth = columns * cellWidth + (columns - 1) * gap;
  const titleWidth = title ? textWidth(probe, title, 20, 'bold') + 2 * MARGIN : 0;
  return {
    columns,
    cellWidth,
    cellHeight,
    gap,
    left,
    top,
    rowTops,
    captionSize,
    captions: wrapped,
    width: Math.ceil(Math.max(left + gridWidth + MARGIN, Math.min(titleWidth, SHEET_WIDTH), 320)),
    height: (note) => rowTops[rows] - gap + MARGIN + (note ? 26 : 0),
  };
}

function drawLabels(context: SKRSContext2D, plan: Plan, { title, rowLabels = [], columnLabels = [] }: ShowGridOptions) {
  const { left, top, cellWidth, cellHeight, gap, rowTops } = plan;
  if (title)
    drawText(context, shorten(context, title, plan.width - 2 * MARGIN, 20), MARGIN, MARGIN + 19, {
      size: 20,
      weight: 'bold',
    });
  columnLabels.slice(0, plan.columns).forEach((label, i) => {
    const x = left + i * (cellWidth + gap) + cellWidth / 2;
    drawText(context, shorten(context, label, cellWidth + gap - 4), x, top - 10, { align: 'center', color: MUTED });
  });
  rowLabels.slice(0, rowTops.length - 1).forEach((label, i) => {
    const y = rowTops[i] + cellHeight / 2;
    drawText(context, shorten(context, label, left - MARGIN - 12), left - 12, y, {
      align: 'right',
      baseline: 'middle',
      color: MUTED,
    });
  });
}

function drawTile(context: SKRSContext2D, plan: Plan, index: number, raster: Raster, range: Range): void {
  const { cellWidth, cellHeight, gap, captionSize } = plan;
  const x = plan.left + (index % plan.columns) * (cellWidth + gap);
  const y = plan.rowTops[Math.floor(index / plan.columns)];
  const factor = Math.min(cellWidth / raster.width, cellHeight / raster.height);
  const [width, height] = [raster.width, raster.height].map((n) => Math.max(1, Math.round(n * factor)));
  const picture = enlarge(toGrey(raster, range), width, height);
  context.drawImage(picture, x + Math.floor((cellWidth - width) / 2), y + Math.floor((cellHeight - height) / 2));
  plan.captions[index].forEach((line, i) => {
    const baseline = y + cellHeight + 4 + (i + 1) * (captionSize + 4);
    drawText(context, line, x + cellWidth / 2, baseline, { align: 'center', size: captionSize, color: INK });
  });
}

function describe(count: number, { title, captions = [] }: ShowGridOptions): string {
  const named = captions.length ? `：${captions.slice(0, 12).join('、')}${captions.length > 12 ? ' …' : ''}` : '';
  return `${title ? `${title}，` : ''}${count} 幅图像${named}`;
}
