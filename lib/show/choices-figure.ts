import { createCanvas } from 'canvas';
import { encodePngBytes } from '../image/encode';
import type { Figure, Trace } from './plotly/figure';
import { heatFigure } from './heatmap-figure';
import type { HeatPanel, HeatStyle } from './heatmap-trace';
import { escapeHtml } from './html';
import { canvasPixels, enlarge, toGrey, type Range, type Raster } from './picture';
import { INK, LABEL, MUTED, NOTE, RULE, wrapText } from './text';

/** One value of the slider, with what is to be drawn for it. */
export interface LiveChoice<Content> {
  readonly label: string;
  readonly caption: string;
  readonly content: Content;
  /** For pictures: which numbers become black and white. */
  readonly ranges?: readonly Range[];
}

export interface ControlOptions {
  readonly control?: 'slider' | 'menu';
  readonly name?: string;
  readonly title?: string;
  readonly active?: number;
  readonly columns?: number;
  readonly panelTitles?: readonly string[];
  readonly tile?: number;
  readonly quality?: number;
}

interface LiveFigure extends Figure {
  readonly config: Record<string, unknown>;
}

/** What plotly does when a value is chosen: 'update' takes changes of the traces and of the layout, 'relayout' the latter. */
interface Step {
  readonly label: string;
  readonly method: 'update' | 'relayout';
  readonly args: readonly object[];
}

// Pixels: as wide as a cell (grid.ts); the rooms are what plotly's own slider, with its labels and value, and menu take.
const MARGIN = 16;
const GAP = 14;
const WIDTH = 920;
const SLIDER_ROOM = 112;
const MENU_ROOM = 52;
/** Where the figure is shown narrower, the caption stands lower. */
const CAPTION_ROOM = 14;

/** The heat maps lie on top of each other, one is visible; coordinates and colour bar are those of the first. */
export async function mapChoices(
  choices: readonly LiveChoice<HeatPanel>[],
  style: HeatStyle,
  options: ControlOptions,
): Promise<LiveFigure> {
  const { active = 0 } = options;
  const figures: Figure[] = [];
  for (const { content } of choices) figures.push(await heatFigure([content], style, true));
  const maps = figures.map(({ data: [trace] }, i): Trace => ({ ...trace, visible: i === active }));
  const bars = figures[active].data.slice(1);
  const steps = choices.map(({ label }, i): Step => {
    const { annotations } = figures[i].layout!;
    return {
      label,
      method: 'update',
      args: [{ visible: [...maps.map((_, k) => k === i), ...bars.map(() => true)] }, { annotations }],
    };
  });
  return withControl({ data: [...maps, ...bars], layout: figures[active].layout }, steps, options);
}

/** Pictures in rows, with their titles above and the caption below. */
export async function pictureChoices(
  choices: readonly LiveChoice<Raster[]>[],
  options: ControlOptions,
): Promise<LiveFigure> {
  const { active = 0, title = '', panelTitles = [], tile: largest = 380, quality } = options;
  const count = choices[0].content.length;
  const columns = Math.min(count, options.columns ?? count);
  const widest = Math.max(...choices.flatMap(({ content }) => content.map((raster) => raster.width)));
  // more than twice its size, a photograph only gets blurred
  const useful = widest > 64 ? Math.min(largest, 2 * widest) : largest;
  const wide = Math.min(useful, Math.floor((WIDTH - 2 * MARGIN - (columns - 1) * GAP) / columns));
  const tallest = Math.max(...choices.flatMap(({ content }) => content.map((r) => r.height / r.width)));
  const tile = { width: wide, height: Math.min(Math.max(560, largest), Math.round(wide * tallest)) };
  const head = (title ? 44 : 8) + (panelTitles.length ? 28 : 0);
  const rows = Math.ceil(count / columns);
  const width = Math.max(480, 2 * MARGIN + columns * (tile.width + GAP) - GAP);
  const captions = choices.map(({ caption }) => wrapped(caption, width - 2 * MARGIN));
  const foot = 8 + 22 * Math.max(...captions.map((lines) => lines.length));
  const size = { width, height: head + rows * (tile.height + GAP) - GAP + foot };
  const place = (i: number) => ({
    left: MARGIN + (i % columns) * (tile.width + GAP),
    top: head + Math.floor(i / columns) * (tile.height + GAP),
  });
  const titles = panelTitles.slice(0, columns).map((text, i) => note(text, place(i).left, head - 26, size, MUTED));
  if (title) titles.unshift(heading(title, size));
  const layouts: { images: object[]; annotations: object[] }[] = [];
  for (const [k, { content, ranges }] of choices.entries()) {
    const images: object[] = [];
    for (const [i, raster] of content.entries()) {
      const fit = Math.min(tile.width / raster.width, tile.height / raster.height);
      const [w, h] = [raster.width * fit, raster.height * fit].map(Math.round);
      const { left, top } = place(i);
      const box = { x: left / size.width, y: 1 - top / size.height, sizex: w / size.width, sizey: h / size.height };
      const source = await pictureUrl(raster, ranges![i], w, h, quality);
      images.push({ source, xref: 'paper', yref: 'paper', sizing: 'stretch', ...box });
    }
    const lines = captions[k].map((line, n) => note(line, MARGIN, size.height - foot + 8 + 22 * n, size));
    layouts.push({ images, annotations: [...titles, ...lines] });
  }
  const hidden = { visible: false, fixedrange: true };
  const layout = { ...size, ...layouts[active], xaxis: hidden, yaxis: hidden, font: { size: LABEL, color: INK } };
  const steps = choices.map(({ label }, i): Step => ({ label, method: 'relayout', args: [layouts[i]] }));
  return withControl({ data: [], layout }, steps, options);
}

/** The slider stands below the picture, the menu above; each in a margin of its own. */
export function withControl({ data, layout }: Figure, steps: readonly Step[], options: ControlOptions): LiveFigure {
  const { control = 'slider', name = '', active = 0 } = options;
  const [t, b] = control === 'menu' ? [MENU_ROOM, CAPTION_ROOM] : [0, SLIDER_ROOM];
  const margin = { l: 0, r: 0, t, b };
  const colours = { bgcolor: '#ffffff', bordercolor: '#9aa3ae', font: { size: NOTE, color: INK } };
  // half of the first and of the last label stand out
  const side = MARGIN + 8 + 8 * Math.max(steps[0].label.length, steps[steps.length - 1].label.length);
  const slider = {
    ...{ active, steps, ...colours, x: 0, xanchor: 'left', y: 0, yanchor: 'top', len: 1, ticklen: 6, bgcolor: RULE },
    pad: { l: side, r: side, t: 12, b: 0 },
    currentvalue: { prefix: name ? `${name}：` : '', xanchor: 'left', font: { size: LABEL, color: INK }, offset: 10 },
    transition: { duration: 0 },
  };
  const menu = {
    ...{ active, buttons: steps, ...colours, type: 'dropdown', direction: 'down', showactive: true },
    ...{ x: 0, xanchor: 'left', y: 1, yanchor: 'bottom', pad: { l: MARGIN, b: 6 } },
  };
  const controls = control === 'slider' ? { sliders: [slider] } : { updatemenus: [menu] };
  const height = layout!.height + margin.t + margin.b;
  const full = { ...layout, ...controls, height, margin: { ...margin, autoexpand: false } };
  return { data, layout: full, config: { displaylogo: false, displayModeBar: data.length > 0 } };
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** A line of text whose top left corner is given in pixels. */
export function note(text: string, x: number, y: number, { width, height }: Size, color = INK) {
  const corner = { xref: 'paper', yref: 'paper', xanchor: 'left', yanchor: 'top', showarrow: false };
  return { ...corner, x: x / width, y: 1 - y / height, text: escapeHtml(text), font: { size: LABEL, color } };
}

export function heading(title: string, size: Size) {
  return { ...note(title, MARGIN, 10, size), text: `<b>${escapeHtml(title)}</b>`, font: { size: 19, color: INK } };
}

function wrapped(text: string, width: number): string[] {
  return text ? wrapText(createCanvas(8, 8).getContext('2d'), text, width, LABEL, 3) : [];
}

/**
 * Small pictures (filters) are enlarged here, so that their pixels keep hard edges; photographs are enlarged by the
 * browser, which costs the notebook nothing.
 */
export async function pictureUrl(
  raster: Raster,
  range: Range,
  width: number,
  height: number,
  quality = 82,
): Promise<string> {
  const small = Math.max(raster.width, raster.height) <= 64;
  const [w, h] = small ? [width, height] : [Math.min(width, raster.width), Math.min(height, raster.height)];
  const canvas = enlarge(toGrey(raster, range), w, h);
  const url = (type: string, bytes: Uint8Array) => `data:image/${type};base64,${Buffer.from(bytes).toString('base64')}`;
  return small ? url('png', encodePngBytes(canvasPixels(canvas))) : url('jpeg', await canvas.encode('jpeg', quality));
}
