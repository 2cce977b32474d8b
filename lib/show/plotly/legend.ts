import type { SKRSContext2D } from 'canvas';
import { hasColorbar, plainText, scatterMode, type Trace } from './figure';
import { niceStep } from './axis';
import { formatNumber } from '../html';
import { colorRange, drawSymbol, scaleColor, setLine, traceColor } from './marks';
import type { FilledPanel } from './panels';
import { drawText, INK, LABEL as SIZE, MUTED, NOTE, shorten, textWidth } from '../text';
import { heatmapRange } from './heatmap';

type Layout = Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any

interface Entry {
  readonly trace: Trace;
  readonly index: number;
  readonly name: string;
}

/** Pixels: a line of text with air. */
const ROW = 26;

function entries(traces: readonly Trace[], layout: Layout): Entry[] {
  const named = traces
    .map((trace, index) => ({ trace, index, name: plainText(trace.name ?? '') }))
    .filter(
      ({ trace, name }) => name && trace.showlegend !== false && trace.type !== 'heatmap' && trace.visible !== false,
    );
  const groups = new Set<unknown>();
  const unique = named.filter(({ trace }) => {
    if (!trace.legendgroup) return true;
    const seen = groups.has(trace.legendgroup);
    groups.add(trace.legendgroup);
    return !seen;
  });
  if (layout.showlegend === false) return [];
  return unique.length > 1 || layout.showlegend === true || unique.some(({ trace }) => trace.showlegend === true)
    ? unique
    : [];
}

/** Many entries stand in a column on the right, few in a row above the panel. */
const isColumn = (list: readonly Entry[], layout: Layout) =>
  layout.legend?.orientation ? layout.legend.orientation === 'v' : list.length > 6;

export function legendWidth(context: SKRSContext2D, traces: readonly Trace[], layout: Layout): number {
  const list = entries(traces, layout);
  if (list.length === 0 || !isColumn(list, layout)) return 0;
  return 48 + Math.min(220, Math.max(...list.map((e) => textWidth(context, e.name, SIZE))));
}

export function legendHeight(context: SKRSContext2D, traces: readonly Trace[], layout: Layout, width: number): number {
  const list = entries(traces, layout);
  if (list.length === 0 || isColumn(list, layout)) return 0;
  return rows(context, list, width - 120).length * ROW + 8;
}

function rows(context: SKRSContext2D, list: readonly Entry[], width: number): Entry[][] {
  const result: Entry[][] = [[]];
  let used = 0;
  for (const entry of list) {
    const need = textWidth(context, entry.name, SIZE) + 54;
    if (used + need > width && result[result.length - 1].length > 0) {
      result.push([]);
      used = 0;
    }
    result[result.length - 1].push(entry);
    used += need;
  }
  return result;
}

export function drawLegend(
  context: SKRSContext2D,
  traces: readonly Trace[],
  layout: Layout,
  panels: readonly FilledPanel[],
  width: number,
): void {
  const list = entries(traces, layout);
  if (list.length === 0) return;
  if (isColumn(list, layout)) {
    const x = width - legendWidth(context, traces, layout) + 8;
    const top = Math.min(...panels.map((p) => p.rect.y)) + 8;
    list.forEach((entry, i) => drawEntry(context, entry, x, top + i * 24, 200));
    return;
  }
  const left = Math.min(...panels.map((p) => p.rect.x));
  const top = plainText(layout.title) ? 46 : 16;
  rows(context, list, width - 120).forEach((row, i) => {
    let x = left;
    for (const entry of row) {
      drawEntry(context, entry, x, top + 10 + i * ROW, width);
      x += textWidth(context, entry.name, SIZE) + 54;
    }
  });
}

function drawEntry(context: SKRSContext2D, { trace, index, name }: Entry, x: number, y: number, width: number): void {
  const color = traceColor(trace, index);
  const mode = scatterMode(trace);
  const line = (trace.type ?? 'scatter').startsWith('scatter') && mode.includes('lines');
  if (line) {
    setLine(context, color, trace.line?.width ?? 2, trace.line?.dash);
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x + 26, y);
    context.stroke();
    context.setLineDash([]);
  }
  context.fillStyle = color;
  context.strokeStyle = color;
  if (trace.type === 'bar' || trace.type === 'histogram') context.fillRect(x + 6, y - 7, 16, 14);
  else if (!line || mode.includes('markers')) {
    const symbol = typeof trace.marker?.symbol === 'string' ? trace.marker.symbol : 'circle';
    drawSymbol(context, symbol, x + 13, y, 9);
  }
  drawText(context, shorten(context, name, width, SIZE), x + 33, y, { size: SIZE, color: INK, baseline: 'middle' });
}

/** A bar with the colours and their values right of each panel that needs one. */
export function drawColorbars(context: SKRSContext2D, panels: readonly FilledPanel[]): void {
  for (const { rect, traces } of panels) {
    const trace = traces.map((t) => t.trace).find(hasColorbar);
    if (!trace) continue;
    const isMap = trace.type === 'heatmap';
    const [min, max] = isMap
      ? heatmapRange(trace)
      : colorRange(trace.marker.color, trace.marker.cmin, trace.marker.cmax, trace.marker.cmid);
    const settings = (isMap ? trace.colorbar : trace.marker.colorbar) ?? {};
    drawColorbar(context, rect.x + rect.width + 14, rect.y, rect.height, {
      min,
      max,
      title: plainText(settings.title),
      color: (t) => scaleColor(isMap ? trace.colorscale : trace.marker.colorscale, t),
    });
  }
}

export interface Colorbar {
  readonly min: number;
  readonly max: number;
  readonly title?: string;
  /** Position from 0 to 1 -> CSS colour. */
  readonly color: (t: number) => string;
}

function drawColorbar(
  context: SKRSContext2D,
  x: number,
  y: number,
  height: number,
  { min, max, title, color }: Colorbar,
): void {
  const top = title ? y + 24 : y;
  const length = height - (top - y);
  for (let i = 0; i < length; i++) {
    context.fillStyle = color(1 - i / Math.max(1, length - 1));
    context.fillRect(x, top + i, 16, 1);
  }
  if (title) drawText(context, title, x, y + 13, { size: NOTE, color: MUTED });
  const step = niceStep((max - min) / Math.max(2, Math.round(length / 45)));
  for (let k = Math.ceil(min / step - 1e-9); k * step <= max + 1e-9 * step; k++) {
    const at = top + (1 - (k * step - min) / (max - min)) * length;
    drawText(
      context,
      formatNumber(Number((k * step).toPrecision(6)), 4),
      x + 23,
      Math.min(Math.max(at, top + 6), top + length - 6),
      { size: NOTE, color: MUTED, baseline: 'middle' },
    );
  }
}
