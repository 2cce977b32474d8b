import type { tf } from '../tf/backend';
import { checkFields, checkList } from '../base/check';
import { heading, note, withControl, pictureUrl } from './choices-figure';
import { formatNumber, roundNumbers } from './html';
import { rasterOf } from './image';
import { emitCanvas, type Raster } from './picture';
import { drawFigure } from './plotly/chart';
import { PLOTLY_MIME } from './plot';
import { MUTED } from './text';

/** 方块的一个位置（one position of the occluder），和盖住那里时的结果。 */
export interface OccluderFrame {
  /** 方块的左上角，像素（top left corner）。 */
  readonly row: number;
  readonly col: number;
  /** 盖住这里时的概率（probability），[0, 1]。 */
  readonly probability: number;
  /** 概率条下的一行字（text），如最可能的类别。 */
  readonly text?: string;
}

export interface ShowOccluderOptions {
  /** 方块边长（size），像素。 */
  size: number;
  /** 没有遮挡时的概率（baseline），[0, 1]。 */
  baseline: number;
  /** 概率的名字（name），默认"概率"。 */
  name?: string;
  title?: string;
  /** 给读屏软件的文字（alternative text）。 */
  alt?: string;
}

// Pixels: a photo of 224 twice as large, and beside it the bar; together as wide as a cell.
const PHOTO = 448;
const SIDE = 16;
const BAR = { left: 496, width: 380, height: 30 };
const SIZE = { width: 920, height: 520 };
const TOP = 48;

/**
 * 拖着方块走（drag the occluder）：滑块每动一格，灰方块在照片上移一步，旁边的概率条跟着变；鼠标停在照片上也读得出那里的概率。
 *
 * 全部结果都事先算好，存在输出里，所以没有内核也能拖。方块一行向右、一行向左地走（serpentine），所以路线是连着的；
 * 一开始停在概率最低的地方，静态的一份（PNG）画的就是那里。
 *
 * @param image 照片 [h, w, 3]；不会被释放
 * @param frames 各个位置，次序不限；由 occlusionMap 的 positions 与 probability 得到
 * @throws RangeError 少于两个位置，或者概率不在 [0, 1] 内
 * @example
 * const frames = [
 *   { row: 0, col: 0, probability: 0.6 },
 *   { row: 0, col: 32, probability: 0.2, text: '浣熊' },
 * ];
 * await showOccluder(image, frames, { size: 32, baseline: 0.7, name: '小熊猫的概率' });
 */
export async function showOccluder(
  image: tf.Tensor3D,
  frames: readonly OccluderFrame[],
  options: ShowOccluderOptions,
): Promise<void> {
  const { size, baseline, name = '概率', title = '', alt } = checkFields('选项', options, ['size', 'baseline'], ' { size, baseline }'); // prettier-ignore
  check(frames, baseline);
  const raster = await rasterOf(image);
  const path = serpentine(frames);
  const active = path.reduce((low, { probability }, i) => (probability < path[low].probability ? i : low), 0);
  const fixed = [
    ...(title ? [heading(title, SIZE)] : []),
    note(`不遮挡：${name} ${formatNumber(baseline, 3)}`, BAR.left, TOP + 8, SIZE),
    note('拖动下面的滑块，或把鼠标停在照片上', BAR.left, TOP + 330, SIZE, MUTED),
  ];
  const stateOf = (frame: OccluderFrame) => {
    const { probability, text = '' } = frame;
    const reading = note(`盖住这里：${name} ${formatNumber(probability, 3)}`, BAR.left, TOP + 108, SIZE);
    return {
      shapes: [
        ...bar(baseline, TOP + 36, '#7d8794'),
        ...bar(probability, TOP + 136, '#2f6db5'),
        patch(frame, size, raster),
      ],
      annotations: [...fixed, reading, ...(text ? [note(text, BAR.left, TOP + 184, SIZE)] : [])],
    };
  };
  const layout = { ...(await photoLayout(raster)), ...stateOf(path[active]) };
  const hover = {
    ...{ type: 'scatter', mode: 'markers', marker: { size: 14, opacity: 0 }, hoverinfo: 'text' },
    x: path.map(({ col }) => Math.min(raster.width, col + size / 2)),
    y: path.map(({ row }) => Math.min(raster.height, row + size / 2)),
    text: path.map(({ probability, text = '' }) => `${name} ${formatNumber(probability, 3)}<br>${text}`),
  };
  const steps = path.map((frame, i) => ({ label: String(i + 1), method: 'relayout' as const, args: [stateOf(frame)] }));
  const live = withControl({ data: [hover], layout }, steps, { name: '位置', active });
  const text =
    alt ??
    `${title || '拖着方块走'}：不遮挡 ${formatNumber(baseline, 3)}，最低 ${formatNumber(path[active].probability, 3)}`;
  const canvas = await drawFigure({ data: [hover], layout }, SIZE.width, SIZE.height);
  await emitCanvas(canvas, { alt: text, live: { [PLOTLY_MIME]: roundNumbers(live, 4) } });
}

/** A place on the photo, as fractions of the whole figure. */
const place = (x: number, y: number, { width }: Raster) => ({
  x: (SIDE + (x * PHOTO) / width) / SIZE.width,
  y: 1 - (TOP + (y * PHOTO) / width) / SIZE.height,
});

/** The photo on the left; its axes count its own pixels. */
async function photoLayout(raster: Raster) {
  const { width, height } = raster;
  const source = await pictureUrl(raster, [0, 1], PHOTO, Math.round((PHOTO * height) / width));
  const [from, to] = [place(0, 0, raster), place(width, height, raster)];
  const hidden = { visible: false, fixedrange: true };
  const span = { x: 0, y: 0, sizex: width, sizey: height };
  return {
    ...SIZE,
    images: [{ source, xref: 'x', yref: 'y', sizing: 'stretch', layer: 'below', ...span }],
    xaxis: { ...hidden, domain: [from.x, to.x], range: [0, width] },
    yaxis: { ...hidden, domain: [to.y, from.y], range: [height, 0] },
    margin: { l: 0, r: 0, t: 0, b: 0, autoexpand: false },
    hovermode: 'closest',
    showlegend: false,
  };
}

const paper = { type: 'rect', xref: 'paper', yref: 'paper' } as const;

function patch({ row, col }: OccluderFrame, size: number, raster: Raster) {
  const from = place(col, row, raster);
  const to = place(Math.min(raster.width, col + size), Math.min(raster.height, row + size), raster);
  const line = { width: 1, color: '#ffffff' };
  return { ...paper, x0: from.x, y0: from.y, x1: to.x, y1: to.y, fillcolor: '#808080', line };
}

/** A bar whose filled part is the probability. */
function bar(probability: number, top: number, color: string) {
  const at = (share: number) => (BAR.left + share * BAR.width) / SIZE.width;
  const rows = { y0: 1 - top / SIZE.height, y1: 1 - (top + BAR.height) / SIZE.height };
  return [
    { ...paper, ...rows, x0: at(0), x1: at(1), fillcolor: '#eef1f4', line: { width: 0 } },
    { ...paper, ...rows, x0: at(0), x1: at(probability), fillcolor: color, line: { width: 0 } },
  ];
}

/** To the right in one row, to the left in the next. */
function serpentine(frames: readonly OccluderFrame[]): OccluderFrame[] {
  const rows = [...new Set(frames.map(({ row }) => row))].sort((a, b) => a - b);
  return rows.flatMap((row, i) => {
    const line = frames.filter((frame) => frame.row === row).sort((a, b) => a.col - b.col);
    return i % 2 === 0 ? line : line.reverse();
  });
}

function check(frames: readonly OccluderFrame[], baseline: number): void {
  if (!Array.isArray(frames) || frames.length < 2) {
    throw new RangeError('frames 至少要有两个位置 { row, col, probability }，由 occlusionMap 的 positions 得到');
  }
  checkList('frames', frames, (frame, what) => checkFields(what, frame, ['row', 'col', 'probability'], ' { row, col, probability }')); // prettier-ignore
  for (const value of [baseline, ...frames.map(({ probability }) => probability)]) {
    if (!(value >= 0 && value <= 1)) throw new RangeError(`概率应在 0 与 1 之间，得到 ${value}`);
  }
}
