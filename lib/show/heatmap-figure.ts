import { createCanvas } from 'canvas';
import { pixelsToCanvas } from '../image/encode';
import type { Pixels } from '../image/image';
import { type HeatPanel, type HeatStyle, heatTraces, PALE, type Place, type Size } from './heatmap-trace';
import { escapeHtml } from './html';
import { describeRange, type Raster } from './picture';
import type { Figure } from './plotly/figure';
import { INK, LABEL, MUTED, NOTE } from './text';

// Pixels: the colour bar with its numbers, a line of title above, a line of note below each map.
const MARGIN = 16;
const BAR_ROOM = 96;
const TITLE_ROOM = 30;
const NOTE_ROOM = 36;
const NOTE_PLACE = { xref: 'paper', yref: 'paper', xanchor: 'left', yanchor: 'bottom', showarrow: false };

/**
 * The maps as a plotly figure, side by side, at most three in a row (four: two by two); coordinates are the base picture's pixels (or the
 * map's cells). `live`: the form that is stored for plotly, with few cells and digits.
 */
export async function heatFigure(panels: readonly HeatPanel[], style: HeatStyle, live: boolean): Promise<Figure> {
  const { title } = style;
  const columns = panels.length === 4 ? 2 : Math.min(panels.length, 3);
  const first = panels[0].base ?? style.base ?? panels[0].raster;
  // one, two or three maps with their bars: at most 1054 pixels together
  const width = [400, 360, 250][columns - 1];
  const height = Math.round(Math.min(640, Math.max(80, (width * first.height) / first.width)));
  const head = title ? 44 : 8;
  const full = {
    width: MARGIN + columns * (width + BAR_ROOM),
    height: head + Math.ceil(panels.length / columns) * (height + TITLE_ROOM + NOTE_ROOM),
  };
  const layout: Layout = {
    ...full,
    margin: { l: 0, r: 0, t: 0, b: 0, autoexpand: false },
    font: { size: LABEL, color: INK },
    images: [],
    annotations: title ? [heading(title, full)] : [],
  };
  const pixels = live ? width : 2 * width;
  const shared = style.base ? await jpegUrl(style.base, pixels, live) : '';
  const sources: string[] = [];
  for (const panel of panels) sources.push(panel.base ? await jpegUrl(panel.base, pixels, live) : shared);
  const data = panels.flatMap((panel, i) => {
    const left = MARGIN + (i % columns) * (width + BAR_ROOM);
    const top = head + Math.floor(i / columns) * (height + TITLE_ROOM + NOTE_ROOM) + TITLE_ROOM;
    const place = {
      ref: i === 0 ? '' : String(i + 1),
      x: [left / full.width, (left + width) / full.width],
      y: [1 - (top + height) / full.height, 1 - top / full.height],
    };
    const base = panel.base ?? style.base;
    addPanel(layout, panel, place, full, sources[i], base);
    return heatTraces(panel, { ...style, base }, place, full, live);
  });
  return { data, layout };
}

const heading = (title: string, full: Size) => ({
  ...NOTE_PLACE,
  text: `<b>${escapeHtml(title)}</b>`,
  x: MARGIN / full.width,
  y: 1 - 34 / full.height,
  font: { size: 19, color: INK },
});

interface Layout extends Record<string, unknown> {
  images: object[];
  annotations: object[];
}

function addPanel(layout: Layout, panel: HeatPanel, { ref, x, y }: Place, full: Size, source: string, base?: Raster) {
  const span = base ?? panel.raster;
  const axis = { visible: false, showgrid: false, zeroline: false };
  layout[`xaxis${ref}`] = { ...axis, domain: x, range: [0, span.width] };
  layout[`yaxis${ref}`] = { ...axis, domain: y, range: [span.height, 0], anchor: `x${ref}` };
  if (source) {
    const refs = { xref: `x${ref}`, yref: `y${ref}`, sizing: 'stretch', layer: 'below' };
    layout.images.push({ source, x: 0, y: 0, sizex: span.width, sizey: span.height, ...refs });
  }
  const note = { ...NOTE_PLACE, x: x[0] };
  if (panel.title) {
    layout.annotations.push({
      ...note,
      text: escapeHtml(panel.title),
      y: y[1] + 5 / full.height,
      font: { size: LABEL, color: INK },
    });
  }
  const text = describeRange(panel.own);
  layout.annotations.push({ ...note, text, y: y[0] - 26 / full.height, font: { size: NOTE, color: MUTED } });
}

/** The base picture in pale grey: the colours on top then mean the map alone. */
async function jpegUrl({ width, height, channels, values }: Raster, target: number, live: boolean): Promise<string> {
  const grey: Pixels = { width, height, channels: 1, data: new Uint8ClampedArray(width * height) };
  for (let i = 0; i < grey.data.length; i++) {
    const [r, g, b] = [0, 1, 2].map((c) => values[channels * i + (channels === 3 ? c : 0)]);
    // the weights of brightness in sRGB (Rec. 709)
    grey.data[i] = PALE[0] + (PALE[1] - PALE[0]) * (0.2126 * r + 0.7152 * g + 0.0722 * b);
  }
  const factor = Math.min(1, target / width);
  const [w, h] = [width, height].map((n) => Math.max(1, Math.round(n * factor)));
  const canvas = createCanvas(w, h);
  canvas.getContext('2d').drawImage(pixelsToCanvas(grey), 0, 0, w, h);
  return `data:image/jpeg;base64,${(await canvas.encode('jpeg', live ? 72 : 92)).toString('base64')}`;
}
