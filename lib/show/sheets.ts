import { type Canvas, createCanvas } from 'canvas';
import { checkFields, checkList } from '../base/check';
import { gridCanvas, type GridImages, readAll } from './grid';
import { emitCanvas } from './picture';
import { drawText, PAPER, shorten } from './text';
import { checkCounts } from '../base/check';

/** 一张小样（sheet）：几幅图像排成方阵，如一个通道的九个图块。 */
export interface Sheet {
  readonly title?: string;
  readonly images: GridImages;
  /** 每幅图下的说明（captions）。 */
  readonly captions?: readonly string[];
}

export interface ShowSheetsOptions {
  title?: string;
  /** 每张小样里有几列（columns），默认 3。 */
  columns?: number;
  /** 一行放几张小样（across），默认 3。 */
  across?: number;
  /** 每幅图的边长，像素，默认 96。 */
  tile?: number;
  /** 给读屏软件的文字（alternative text）。 */
  alt?: string;
}

/** Pixels between sheets: more than within one, so that they stay apart; and a line of title. */
const GAP = 16;
const HEAD = 36;

/**
 * 把几张小样并排（show sheets side by side），如 Zeiler 与 Fergus 的图 2：每个通道一张，三行三列。
 *
 * @param sheets 每张 `{ title, images, captions }`；图像是张量 [高, 宽, 3] 或路径，不会被释放
 * @param options 见 ShowSheetsOptions
 * @example
 * await showSheets([{ title: '两张', images: [image, image], captions: ['左', '右'] }], { columns: 2 });
 */
export async function showSheets(
  sheets: readonly Sheet[],
  { title = '', columns = 3, across = 3, tile = 96, alt }: ShowSheetsOptions = {},
): Promise<void> {
  if (!Array.isArray(sheets) || sheets.length === 0) throw new RangeError('sheets 是空的：至少要有一张 { images }');
  checkCounts({ across });
  checkList('sheets', sheets, (sheet, what) => checkFields(what, sheet, ['images'], '一张小样 { images, title }'));
  const drawn: Canvas[] = [];
  for (const { images, captions, title: own } of sheets)
    drawn.push(gridCanvas(await readAll(images), { captions, title: own, columns, tile }));
  const names = sheets.map((sheet) => sheet.title).filter(Boolean);
  await emitCanvas(compose(drawn, across, title), {
    alt: alt ?? [title, `${sheets.length} 张小样`, names.join('、')].filter(Boolean).join('，'),
  });
}

/** Side by side, `across` in a row; every row as high as its highest sheet. */
function compose(drawn: readonly Canvas[], across: number, title: string): Canvas {
  const width = Math.max(...drawn.map((c) => c.width));
  const columns = Math.min(across, drawn.length);
  const rows = Array.from({ length: Math.ceil(drawn.length / across) }, (_, row) =>
    drawn.slice(row * across, (row + 1) * across),
  );
  const heights = rows.map((row) => Math.max(...row.map((c) => c.height)));
  const head = title ? HEAD : 0;
  const full = heights.reduce((sum, height) => sum + height + GAP, head) - GAP;
  const canvas = createCanvas(columns * (width + GAP) - GAP, full);
  const context = canvas.getContext('2d');
  context.fillStyle = PAPER;
  context.fillRect(0, 0, canvas.width, canvas.height);
  if (title) drawText(context, shorten(context, title, canvas.width - 24, 20), 12, 30, { size: 20, weight: 'bold' });
  let top = head;
  rows.forEach((row, i) => {
    row.forEach((sheet, k) => context.drawImage(sheet, k * (width + GAP), top));
    top += heights[i] + GAP;
  });
  return canvas;
}
