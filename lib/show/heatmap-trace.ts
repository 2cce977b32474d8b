import { colorAt, css, overGrey, plotlyColorscale, type ColormapName } from './colormap';
import { escapeHtml } from './html';
import type { Range, Raster } from './picture';
import type { Trace } from './plotly/figure';
import { MUTED, NOTE } from './text';

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

/** Where a panel stands, as fractions of the whole figure. */
export interface Place {
  readonly ref: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The picture below is drawn in greys from here to there: what it adds to a colour on top stays small. */
export const PALE = [90, 243] as const;
/** More cells than this are averaged in the live plot: the notebook stays small, the eye sees no difference. */
const LIVE_CELLS = 80;

/** A map's cells; `step` is how many of the map's own cells one of them covers. */
interface Cells {
  readonly z: readonly number[][];
  readonly step: number;
}

/** A panel's map with its colour bar; `live`: the form that is stored for plotly. */
export function heatTraces(panel: HeatPanel, style: HeatStyle, place: Place, full: Size, live: boolean): Trace[] {
  const trace = heatTrace(live ? coarse(panel.raster) : cells(panel.raster), panel, style, place, full);
  const map = live ? { ...trace, z: packed(trace.z) } : trace;
  return style.base && style.opacity < 1 ? [{ ...map, showscale: false }, blendedBar(trace, style)] : [map];
}

function heatTrace(
  { z, step }: Cells,
  { raster, limits }: HeatPanel,
  { base, colours, opacity, unit }: HeatStyle,
  place: Place,
  full: Size,
): Trace {
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
