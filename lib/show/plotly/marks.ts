import type { SKRSContext2D } from 'canvas';
import { colorAt, css, PALETTE, type ColormapName } from '../colormap';
import { isTyped, pick, type Trace } from './figure';

/** Colours of a trace's points: one colour, one each, or numbers through a colour scale. */
export function pointColor(trace: Trace, index: number, point: number): string {
  const marker = trace.marker ?? {};
  const color = pick<string | number | undefined>(marker.color, point, undefined);
  if (typeof color === 'number') {
    const [min, max] = colorRange(marker.color, marker.cmin, marker.cmax, marker.cmid);
    return scaleColor(marker.colorscale, (color - min) / (max - min));
  }
  return color ?? trace.line?.color ?? traceColor(trace, index);
}

/** The colour by which a trace is known in the legend. */
export function traceColor(trace: Trace, index: number): string {
  const marker = trace.marker?.color;
  const color = trace.line?.color ?? (isTyped(marker) ? undefined : marker);
  return typeof color === 'string' ? color : PALETTE[index % PALETTE.length];
}

export function colorRange(values: unknown, min?: number, max?: number, mid?: number): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  const visit = (value: unknown): void => {
    if (isTyped(value)) Array.from(value as ArrayLike<unknown>).forEach(visit);
    else if (typeof value === 'number' && Number.isFinite(value))
      [low, high] = [Math.min(low, value), Math.max(high, value)];
  };
  visit(values);
  if (mid !== undefined) {
    const reach = Math.max(Math.abs(high - mid), Math.abs(low - mid));
    [low, high] = [mid - reach, mid + reach];
  }
  [low, high] = [min ?? low, max ?? high];
  return low < high ? [low, high] : [low - 0.5, low + 0.5];
}

/** A plotly colour scale: a list of stops, or one of the names that have a near relative among ours. */
export function scaleColor(scale: unknown, t: number): string {
  if (Array.isArray(scale) && scale.length > 1) return interpolate(scale as [number, string][], t);
  const name = String(scale ?? '').toLowerCase();
  const map: ColormapName = /grey/.test(name)
    ? 'grey'
    : /rdbu|diverging|picnic|portland/.test(name)
      ? 'diverging'
      : 'sequential';
  return css(colorAt(map, t));
}

function interpolate(stops: readonly [number, string][], t: number): string {
  if (!Number.isFinite(t)) return 'rgb(200,200,200)';
  const at = Math.min(1, Math.max(0, t));
  const next = stops.findIndex(([position]) => position >= at);
  if (next <= 0) return stops[next === 0 ? 0 : stops.length - 1][1];
  const [[from, a], [to, b]] = [stops[next - 1], stops[next]];
  const [x, y] = [parseColor(a), parseColor(b)];
  const mix = to > from ? (at - from) / (to - from) : 0;
  const [r, g, blue, alpha] = x.map((v, i) => v + (y[i] - v) * mix);
  return `rgba(${Math.round(r)},${Math.round(g)},${Math.round(blue)},${alpha})`;
}

function parseColor(text: string): number[] {
  const hex = /^#([0-9a-f]{6})$/i.exec(text);
  if (hex) return [0, 2, 4].map((i) => parseInt(hex[1].slice(i, i + 2), 16)).concat(1);
  const numbers = (/\(([^)]*)\)/.exec(text)?.[1] ?? '').split(',').map(Number);
  if (numbers.length >= 3 && numbers.every(Number.isFinite)) return [...numbers.slice(0, 3), numbers[3] ?? 1];
  const named: Record<string, number[]> = { white: [255, 255, 255, 1], black: [0, 0, 0, 1] };
  return named[text] ?? [128, 128, 128, 1];
}

/** Pixels on and off, about as plotly draws them. */
const DASHES: Record<string, number[]> = { dash: [8, 5], dot: [2, 4], dashdot: [8, 4, 2, 4], longdash: [14, 6] };

export function setLine(context: SKRSContext2D, color: string, width: number, dash?: string): void {
  context.strokeStyle = color;
  context.lineWidth = width;
  context.lineJoin = 'round';
  context.setLineDash(DASHES[dash ?? ''] ?? []);
}

/** A plotly marker symbol of the given diameter. */
export function drawSymbol(context: SKRSContext2D, symbol: string, x: number, y: number, size: number): void {
  const r = size / 2;
  const corners = SYMBOLS[symbol.replace(/-(open|dot).*$/, '')];
  context.beginPath();
  if (!corners) context.arc(x, y, r, 0, 2 * Math.PI);
  else {
    corners.forEach(([dx, dy], i) =>
      i === 0 ? context.moveTo(x + dx * r, y + dy * r) : context.lineTo(x + dx * r, y + dy * r),
    );
    context.closePath();
  }
  if (symbol.includes('open')) context.stroke();
  else context.fill();
}

const polygon = (n: number, turn: number, inner = 1): [number, number][] =>
  Array.from({ length: n }, (_, i) => {
    const angle = turn + (2 * Math.PI * i) / n;
    const r = i % 2 === 1 ? inner : 1;
    return [r * Math.cos(angle), r * Math.sin(angle)];
  });

const cross = [
  [-1, -3],
  [1, -3],
  [1, -1],
  [3, -1],
  [3, 1],
  [1, 1],
  [1, 3],
  [-1, 3],
  [-1, 1],
  [-3, 1],
  [-3, -1],
  [-1, -1],
];
const SYMBOLS: Record<string, [number, number][]> = {
  square: polygon(4, Math.PI / 4),
  diamond: polygon(4, 0),
  'triangle-up': polygon(3, -Math.PI / 2),
  'triangle-down': polygon(3, Math.PI / 2),
  pentagon: polygon(5, -Math.PI / 2),
  hexagon: polygon(6, 0),
  star: polygon(10, -Math.PI / 2, 0.45),
  cross: cross.map(([x, y]): [number, number] => [x / 3, y / 3]),
  x: cross.map(([x, y]): [number, number] => [(x - y) / 4.2, (x + y) / 4.2]),
};
