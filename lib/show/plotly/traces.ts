import { createCanvas, type Image, type SKRSContext2D } from 'canvas';
import type { Axis } from './axis';
import { cellEdges } from './axis';
import type { BarSet } from './bars';
import { column, isTyped, pick, plainText, pointCount, scatterMode, type Rect, type Trace } from './figure';
import { colorRange, drawSymbol, pointColor, scaleColor, setLine, traceColor } from './marks';
import { drawText, INK, LABEL } from '../text';

/** A panel: where data become pixels. */
export interface Panel {
  readonly rect: Rect;
  readonly x: Axis;
  readonly y: Axis;
}

export const toX = ({ rect, x }: Panel, value: unknown) => rect.x + x.at(value) * rect.width;
export const toY = ({ rect, y }: Panel, value: unknown) => rect.y + (1 - y.at(value)) * rect.height;

export function drawScatter(context: SKRSContext2D, panel: Panel, trace: Trace, index: number): void {
  const n = pointCount(trace);
  const mode = scatterMode(trace);
  const xs = column(trace.x, n).map((v) => toX(panel, v));
  const ys = column(trace.y, n).map((v) => toY(panel, v));
  context.globalAlpha = trace.opacity ?? 1;
  if (trace.fill && trace.fill !== 'none') fillBelow(context, panel, trace, index, xs, ys);
  if (trace.error_y?.array) errorBars(context, panel, trace, index, xs);
  if (mode.includes('lines') && trace.line?.width !== 0) {
    setLine(context, traceColor(trace, index), trace.line?.width ?? 2, trace.line?.dash);
    context.beginPath();
    let pen = false;
    for (let i = 0; i < n; i++) {
      if (!Number.isFinite(xs[i]) || !Number.isFinite(ys[i])) {
        pen = false;
        continue;
      }
      if (pen && String(trace.line?.shape) === 'hv') context.lineTo(xs[i], ys[i - 1]);
      if (pen) context.lineTo(xs[i], ys[i]);
      else context.moveTo(xs[i], ys[i]);
      pen = true;
    }
    context.stroke();
    context.setLineDash([]);
  }
  if (mode.includes('markers')) drawMarkers(context, trace, index, xs, ys);
  context.globalAlpha = 1;
  if (mode.includes('text')) drawLabels(context, trace, xs, ys);
}

function drawMarkers(context: SKRSContext2D, trace: Trace, index: number, xs: number[], ys: number[]): void {
  const marker = trace.marker ?? {};
  for (let i = 0; i < xs.length; i++) {
    if (!Number.isFinite(xs[i]) || !Number.isFinite(ys[i])) continue;
    context.globalAlpha = (trace.opacity ?? 1) * pick(marker.opacity, i, 1);
    context.fillStyle = pointColor(trace, index, i);
    setLine(context, context.fillStyle as string, 1.5);
    drawSymbol(context, String(pick(marker.symbol, i, 'circle')), xs[i], ys[i], pick(marker.size, i, 6));
    if (marker.line?.width) {
      setLine(context, pick(marker.line.color, i, '#ffffff'), pick(marker.line.width, i, 1));
      context.stroke();
    }
  }
}

function drawLabels(context: SKRSContext2D, trace: Trace, xs: number[], ys: number[]): void {
  for (let i = 0; i < xs.length; i++) {
    const text = plainText(pick(trace.text, i, ''));
    if (!text || !Number.isFinite(xs[i]) || !Number.isFinite(ys[i])) continue;
    const place = String(pick(trace.textposition, i, 'middle center'));
    const far = scatterMode(trace).includes('markers') ? pick(trace.marker?.size, i, 6) / 2 + 3 : 0;
    const align = place.includes('left') ? 'right' : place.includes('right') ? 'left' : 'center';
    const baseline = place.includes('top') ? 'bottom' : place.includes('bottom') ? 'top' : 'middle';
    const dx = align === 'left' ? far : align === 'right' ? -far : 0;
    const dy = baseline === 'top' ? far : baseline === 'bottom' ? -far : 0;
    const { size = LABEL, color = INK } = trace.textfont ?? {};
    drawText(context, text, xs[i] + dx, ys[i] + dy, { size, color, align, baseline, halo: true });
  }
}

function fillBelow(
  context: SKRSContext2D,
  panel: Panel,
  trace: Trace,
  index: number,
  xs: number[],
  ys: number[],
): void {
  const base = trace.fill === 'toself' ? NaN : toY(panel, Math.max(0, Math.min(panel.y.min, panel.y.max)));
  context.save();
  context.fillStyle = trace.fillcolor ?? traceColor(trace, index);
  if (!trace.fillcolor) context.globalAlpha *= 0.18;
  context.beginPath();
  xs.forEach((x, i) => (i === 0 ? context.moveTo(x, ys[i]) : context.lineTo(x, ys[i])));
  if (Number.isFinite(base)) {
    context.lineTo(xs[xs.length - 1], base);
    context.lineTo(xs[0], base);
  }
  context.closePath();
  context.fill();
  context.restore();
}

function errorBars(context: SKRSContext2D, panel: Panel, trace: Trace, index: number, xs: number[]): void {
  setLine(context, traceColor(trace, index), 1.5);
  xs.forEach((x, i) => {
    const [y, error] = [Number(trace.y[i]), Number(trace.error_y.array[i])];
    const [top, bottom] = [toY(panel, y + error), toY(panel, y - error)];
    context.beginPath();
    context.moveTo(x, top);
    context.lineTo(x, bottom);
    for (const end of [top, bottom]) {
      context.moveTo(x - 4, end);
      context.lineTo(x + 4, end);
    }
    context.stroke();
  });
}

export function drawBars(
  context: SKRSContext2D,
  panel: Panel,
  { bars, horizontal }: BarSet,
  traces: readonly Trace[],
): void {
  const along = horizontal ? panel.rect.height : panel.rect.width;
  const axis = horizontal ? panel.y : panel.x;
  const perUnit = along / Math.abs(axis.max - axis.min);
  for (const bar of bars) {
    const trace = traces[bar.trace];
    const direction = axis.max < axis.min !== horizontal ? -1 : 1;
    const centre = (horizontal ? toY(panel, bar.position) : toX(panel, bar.position)) + direction * bar.shift * perUnit;
    const size = Math.max(1, bar.width * perUnit);
    const [from, to] = [bar.from, bar.to].map((v) => (horizontal ? toX(panel, v) : toY(panel, v)));
    if (![centre, from, to].every(Number.isFinite)) continue;
    const [start, length] = [Math.min(from, to), Math.abs(to - from)];
    context.globalAlpha = (trace.opacity ?? 1) * pick(trace.marker?.opacity, bar.point, 1);
    context.fillStyle = pointColor(trace, bar.trace, bar.point);
    if (horizontal) context.fillRect(start, centre - size / 2, length, size);
    else context.fillRect(centre - size / 2, start, size, length);
    context.globalAlpha = 1;
    const text = plainText(pick(trace.text, bar.point, ''));
    if (!text || trace.textposition === 'none') continue;
    const { size: fontSize = LABEL, color } = trace.textfont ?? {};
    const inside = trace.textposition === 'inside';
    const style = { size: fontSize, color: color ?? (inside ? '#ffffff' : INK) };
    const out = to >= from ? 1 : -1;
    if (horizontal) {
      const align = out > 0 !== inside ? 'left' : 'right';
      drawText(context, text, to + (inside ? -6 : 6) * out, centre, { ...style, align, baseline: 'middle' });
    } else {
      const up = to <= from !== inside;
      drawText(context, text, centre, to + (up ? -5 : 5), {
        ...style,
        align: 'center',
        baseline: up ? 'bottom' : 'top',
      });
    }
  }
}

/** The cells' bounds along both axes, in data units. */
export function heatmapEdges(trace: Trace): { x: number[]; y: number[] } {
  const rows = trace.z.length;
  const columns = Math.max(0, ...Array.from(trace.z as ArrayLike<unknown>[], (row) => row.length));
  const edges = (values: unknown, start: unknown, step: unknown, cells: number) => {
    const centres = isTyped(values) && typeof values[0] === 'number' ? (Array.from(values) as number[]) : undefined;
    if (centres || step === undefined) return cellEdges(centres, cells);
    return Array.from({ length: cells + 1 }, (_, i) => Number(start ?? 0) + (i - 0.5) * Number(step));
  };
  return { x: edges(trace.x, trace.x0, trace.dx, columns), y: edges(trace.y, trace.y0, trace.dy, rows) };
}

/** Colour limits of a heat map. */
export const heatmapRange = (trace: Trace) => colorRange(trace.z, trace.zmin, trace.zmax, trace.zmid);

export function drawHeatmap(context: SKRSContext2D, panel: Panel, trace: Trace): void {
  const [min, max] = heatmapRange(trace);
  const edges = heatmapEdges(trace);
  const xs = edges.x.map((v) => toX(panel, v));
  const ys = edges.y.map((v) => toY(panel, v));
  // Cells go onto a canvas of their own: with opacity, overlapping edges would show as a net.
  const layer = createCanvas(context.canvas.width, context.canvas.height);
  const paint = layer.getContext('2d');
  Array.from(trace.z as ArrayLike<ArrayLike<number | null>>).forEach((row, i) => {
    const [top, bottom] = [Math.round(Math.min(ys[i], ys[i + 1])), Math.round(Math.max(ys[i], ys[i + 1]))];
    Array.from(row).forEach((value, j) => {
      if (value === null || !Number.isFinite(value)) return;
      const [left, right] = [Math.round(Math.min(xs[j], xs[j + 1])), Math.round(Math.max(xs[j], xs[j + 1]))];
      paint.fillStyle = scaleColor(trace.colorscale, (value - min) / (max - min));
      paint.fillRect(left, top, Math.max(1, right - left), Math.max(1, bottom - top));
    });
  });
  context.globalAlpha = trace.opacity ?? 1;
  context.drawImage(layer, 0, 0);
  context.globalAlpha = 1;
}

/** A picture of `layout.images`, already decoded. */
export interface PlacedImage {
  readonly image: Image;
  readonly settings: Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any
}

export function drawPlacedImage(context: SKRSContext2D, panel: Panel, { image, settings }: PlacedImage): void {
  const {
    x = 0,
    y = 0,
    sizex = 1,
    sizey = 1,
    xanchor = 'left',
    yanchor = 'top',
    sizing = 'contain',
    opacity = 1,
  } = settings;
  const width = Math.abs(toX(panel, Number(x) + Number(sizex)) - toX(panel, x));
  const height = Math.abs(toY(panel, Number(y) + Number(sizey)) - toY(panel, y));
  const factor = Math.min(width / image.width, height / image.height);
  const [w, h] = sizing === 'stretch' ? [width, height] : [image.width * factor, image.height * factor];
  const shift = { left: 0, center: 0.5, right: 1, top: 0, middle: 0.5, bottom: 1 } as Record<string, number>;
  context.globalAlpha = opacity;
  context.imageSmoothingEnabled = image.width > 64 || w < image.width;
  context.drawImage(image, toX(panel, x) - shift[xanchor] * w, toY(panel, y) - shift[yanchor] * h, w, h);
  context.globalAlpha = 1;
}
