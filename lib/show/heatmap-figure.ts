import { createCanvas } from 'canvas';
import { pixelsToCanvas } from '../image/encode';
import type { Pixels } from '../image/image';
import { colorAt, css, overGrey, plotlyColorscale, type ColormapName } from './colormap';
import type { Figure, Trace } from './plotly/figure';
import { escapeHtml } from './html';
import { describeRange, type Range, type Raster } from './picture';
import { INK, LABEL, MUTED, NOTE } from './text';

/** One heat map, ready to be drawn. */
export interface HeatPanel {
  readonly raster: Raster;
  readonly title: string;
  /** The map's own smallest and largest value. */
  readonly own: Range;
  /** Values at the two ends of the colour bar. */
  readonly limits: Range;
  /** A picture of its own below the map, instead of the common one. */
  readonly base?: Raster;
}

export interface HeatStyle {
  readonly title: string;
  readonly unit: string;
  readonly colours: ColormapName;
  readonly opacity: number;
  /** The picture below the maps. */
  readonly base?: Raster;
}

const MARGIN = 16;
const BAR_ROOM = 96;
const TITLE_ROOM = 30;
const NOTE_ROOM = 36;
/** The picture below is drawn in greys from here to there: what it adds to a colour on top stays small. */
const PALE = [90, 243] as const;
/** More cells than this are averaged in the live plot: the notebook stays small, the eye sees no difference. */
const LIVE_CELLS = 80;

/**
 * The maps as a plotly figure, side by side, at most three in a row (four: two by two); coordinates are the base picture's pixels (or the
 * map's cells). `live`: the form that is stored for plotly, with few cells and digits.
 */
export async function heatFigure(panels: readonly HeatPanel[], style: HeatStyle, live: boolean): Promise<Figure> {
  const { title } = style;
  const columns = panels.length === 4 ? 2 : Math.min(panels.length, 3);
  const first = panels[0].base ?? style.base ?? panels[0].raster;
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
    annotations: [],
  };
  if (title) {
    const note = { xref: 'paper', yref: 'paper', xanchor: 'left', yanchor: 'bottom', showarrow: false };
    const text = `<b>${escapeHtml(title)}</b>`;
    layout.annotations.push({
      ...note,
      text,
      x: MARGIN / full.width,
      y: 1 - 34 / full.height,
      font: { size: 19, color: INK },
    });
  }
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
    const trace = heatTrace(live ? coarse(panel.raster) : cells(panel.raster), panel, { ...style, base }, place, full);
    const map = live ? { ...trace, z: packed(trace.z) } : trace;
    return base && style.opacity < 1 ? [{ ...map, showscale: false }, blendedBar(trace, style)] : [map];
  });
  return { data, layout };
}

interface Layout extends Record<string, unknown> {
  images: object[];
  annotations: object[];
}

/** Where a panel stands, as fractions of the whole figure. */
interface Place {
  readonly ref: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
}

interface Size {
  readonly width: number;
  readonly height: number;
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
  const note = { xref: 'paper', yref: 'paper', x: x[0], xanchor: 'left', yanchor: 'bottom', showarrow: false };
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

/** A map's cells; `step` is how many of the map's own cells one of them covers. */
interface Cells {
  readonly z: readonly number[][];
  readonly step: number;
}

function heatTrace(
  { z, step }: Cells,
  { raster, limits }: HeatPanel,
  style: HeatStyle,
  place: Place,
  full: Size,
): Trace {
  const { base, colours, opacity, unit } = style;
  const dx = (base ? base.width / raster.width : 1) * step;
  const dy = (base ? base.height / raster.height : 1) * step;
  return {
    type: 'heatmap',
    z,
    x0: dx / 2,
    dx,
    y0: dy / 2,
    dy,
    xaxis: `x${place.ref}`,
    yaxis: `y${place.ref}`,
    zmin: limits[0],
    zmax: limits[1],
    colorscale: plotlyColorscale(colours),
    opacity,
    colorbar: {
      title: { text: escapeHtml(unit), font: { size: NOTE, color: MUTED } },
      thickness: 16,
      outlinewidth: 0,
      x: place.x[1] + 14 / full.width,
      y: (place.y[0] + place.y[1]) / 2,
      len: place.y[1] - place.y[0],
      xpad: 0,
      ypad: 0,
      tickfont: { size: NOTE, color: MUTED },
    },
    hovertemplate: '行 %{y:.0f}，列 %{x:.0f}<br>%{z:.3g}<extra></extra>',
  };
}

/** The colour bar as the colours look over the picture's middle grey: an unseen map that brings only its bar. */
function blendedBar({ xaxis, yaxis, zmin, zmax, colorbar }: Trace, { colours, opacity }: HeatStyle): Trace {
  const grey = (PALE[0] + PALE[1]) / 2;
  const colorscale = plotlyColorscale(colours).map(([at]) => [at, css(overGrey(colorAt(colours, at), opacity, grey))]);
  return {
    type: 'heatmap',
    z: [[zmin]],
    opacity: 0,
    xaxis,
    yaxis,
    zmin,
    zmax,
    colorscale,
    colorbar,
    hoverinfo: 'skip',
  };
}

function cells({ width, height, values }: Raster): Cells {
  const row = (y: number) => Array.from(values.subarray(y * width, (y + 1) * width));
  return { z: Array.from({ length: height }, (_, y) => row(y)), step: 1 };
}

/** plotly's own form of numbers: less than half as long as text, and one line of the notebook file instead of thousands. */
function packed(rows: readonly (readonly number[])[]) {
  const { buffer } = Float32Array.from(rows.flat());
  const shape = `${rows.length}, ${rows[0].length}`;
  return { dtype: 'f4', bdata: Buffer.from(buffer).toString('base64'), shape };
}

/** Means over blocks. */
function coarse(raster: Raster): Cells {
  const step = Math.ceil(Math.max(raster.width, raster.height) / LIVE_CELLS);
  if (step === 1) return cells(raster);
  const [width, height] = [Math.ceil(raster.width / step), Math.ceil(raster.height / step)];
  const row = (y: number) => Array.from({ length: width }, (_, x) => blockMean(raster, x * step, y * step, step));
  return { z: Array.from({ length: height }, (_, y) => row(y)), step };
}

function blockMean({ width, height, values }: Raster, x0: number, y0: number, size: number): number {
  let sum = 0;
  let count = 0;
  for (let y = y0; y < Math.min(y0 + size, height); y++) {
    for (let x = x0; x < Math.min(x0 + size, width); x++, count++) sum += values[y * width + x];
  }
  return sum / count;
}

/** The base picture in pale grey: the colours on top then mean the map alone. */
async function jpegUrl({ width, height, channels, values }: Raster, target: number, live: boolean): Promise<string> {
  const grey: Pixels = { width, height, channels: 1, data: new Uint8ClampedArray(width * height) };
  for (let i = 0; i < grey.data.length; i++) {
    const [r, g, b] = [0, 1, 2].map((c) => values[channels * i + (channels === 3 ? c : 0)]);
    grey.data[i] = PALE[0] + (PALE[1] - PALE[0]) * (0.2126 * r + 0.7152 * g + 0.0722 * b);
  }
  const factor = Math.min(1, target / width);
  const [w, h] = [width, height].map((n) => Math.max(1, Math.round(n * factor)));
  const canvas = createCanvas(w, h);
  canvas.getContext('2d').drawImage(pixelsToCanvas(grey), 0, 0, w, h);
  return `data:image/jpeg;base64,${(await canvas.encode('jpeg', live ? 72 : 92)).toString('base64')}`;
}
