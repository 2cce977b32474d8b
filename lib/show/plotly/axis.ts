import { plainText, type Trace } from './figure';

export interface Tick {
  readonly value: number;
  readonly label: string;
}

/** How data become positions along one axis. For a logarithmic axis `min` and `max` are powers of ten. */
export interface Axis {
  readonly ref: string;
  readonly type: 'linear' | 'log' | 'category';
  readonly min: number;
  readonly max: number;
  readonly categories: readonly string[];
  readonly title: string;
  readonly ticks: readonly Tick[];
  readonly settings: Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any
  /** 0 at the axis' start, 1 at its end; NaN where there is nothing to draw. */
  at(value: unknown): number;
}

/** What the traces on one axis need: their values, and whether bars must start at zero. */
export interface AxisData {
  readonly values: readonly unknown[];
  readonly fromZero: boolean;
  /** Heat maps and images fill the panel; points keep a little air. */
  readonly tight: boolean;
}

type Settings = Axis['settings'];

export function makeAxis(ref: string, data: AxisData, settings: Settings, tickTarget: number): Axis {
  const type = settings.type === 'log' ? 'log' : isCategory(data.values, settings) ? 'category' : 'linear';
  const categories = type === 'category' ? categoriesOf(data.values, settings) : [];
  const toNumber = (value: unknown): number => {
    if (value === null || value === undefined) return NaN;
    if (type === 'category') return typeof value === 'number' ? value : categories.indexOf(String(value));
    return type === 'log' ? Math.log10(Number(value)) : Number(value);
  };
  let [min, max] = extent(data, type, categories, toNumber);
  const range: unknown = settings.range;
  if (Array.isArray(range)) {
    if (range[0] !== null && range[0] !== undefined) min = Number(range[0]);
    if (range[1] !== null && range[1] !== undefined) max = Number(range[1]);
  }
  if (settings.rangemode === 'tozero') [min, max] = [Math.min(0, min), Math.max(0, max)];
  if (settings.autorange === 'reversed' && min < max) [min, max] = [max, min];
  if (min === max) [min, max] = [min - 0.5, max + 0.5];
  return {
    ref,
    type,
    min,
    max,
    categories,
    settings,
    title: plainText(settings.title),
    ticks: ticksOf(type, min, max, categories, settings, tickTarget),
    at: (value) => (toNumber(value) - min) / (max - min),
  };
}

function isCategory(values: readonly unknown[], settings: Settings): boolean {
  if (settings.type) return settings.type === 'category';
  const first = values.find((v) => v !== null && v !== undefined);
  return typeof first === 'string' && Number.isNaN(Number(first));
}

function categoriesOf(values: readonly unknown[], settings: Settings): string[] {
  const given = Array.isArray(settings.categoryarray) ? settings.categoryarray.map(String) : [];
  return [...new Set([...given, ...values.filter((v) => v !== null && v !== undefined).map(String)])];
}

function extent(
  data: AxisData,
  type: Axis['type'],
  categories: readonly string[],
  toNumber: (value: unknown) => number,
): [number, number] {
  if (type === 'category') return [-0.5, Math.max(1, categories.length) - 0.5];
  let min = Infinity;
  let max = -Infinity;
  for (const value of data.values) {
    const n = toNumber(value);
    if (!Number.isFinite(n)) continue;
    if (n < min) min = n;
    if (n > max) max = n;
  }
  if (min > max) return [0, 1];
  if (data.tight) return [min, max];
  if (min === max) return min === 0 ? [-1, 1] : [min - Math.abs(min) * 0.1, max + Math.abs(max) * 0.1];
  const air = (max - min) * 0.05;
  const [low, high] = [min - air, max + air];
  if (data.fromZero && type === 'linear') return [min >= 0 ? 0 : low, max <= 0 ? 0 : high];
  return [low, high];
}

function ticksOf(
  type: Axis['type'],
  min: number,
  max: number,
  categories: readonly string[],
  settings: Settings,
  target: number,
): Tick[] {
  if (settings.showticklabels === false || settings.visible === false) return [];
  const [low, high] = [Math.min(min, max), Math.max(min, max)];
  // 1e-9 here and below: a tick at the very edge must not be lost to rounding
  const inside = (tick: Tick) => tick.value >= low - 1e-9 * (high - low) && tick.value <= high + 1e-9 * (high - low);
  if (Array.isArray(settings.tickvals)) {
    const texts: readonly unknown[] = Array.isArray(settings.ticktext) ? settings.ticktext : settings.tickvals;
    return settings.tickvals
      .map((v: unknown, i: number): Tick => {
        const value =
          type === 'log'
            ? Math.log10(Number(v))
            : type === 'category' && typeof v === 'string'
              ? categories.indexOf(v)
              : Number(v);
        return { value, label: plainText(String(texts[i] ?? v)) };
      })
      .filter(inside);
  }
  if (type === 'category') return categories.map((label, value) => ({ value, label: plainText(label) })).filter(inside);
  const step = Number(settings.dtick) > 0 ? Number(settings.dtick) : niceStep((high - low) / target, type === 'log');
  const ticks: Tick[] = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) {
    const value = k * step;
    ticks.push({
      value,
      label: tickLabel(type === 'log' ? 10 ** value : value, type === 'log' ? 10 ** value : step, settings),
    });
  }
  return ticks;
}

/** 1, 2 or 5 times a power of ten, whichever is nearest: the steps people count in. */
export function niceStep(rough: number, whole = false): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const distance = (factor: number) => Math.abs(Math.log((factor * power) / rough));
  const step = power * [1, 2, 5, 10].reduce((best, factor) => (distance(factor) < distance(best) ? factor : best));
  return whole ? Math.max(1, Math.round(step)) : step;
}

function tickLabel(value: number, step: number, settings: Settings): string {
  const format = String(settings.tickformat ?? '');
  const decimals = /\.(\d+)[f%]/.exec(format);
  let label: string;
  if (format.endsWith('%')) label = `${(value * 100).toFixed(decimals ? Number(decimals[1]) : 0)}%`;
  else if (decimals) label = value.toFixed(Number(decimals[1]));
  else if (Math.abs(value) >= 1e6 || (value !== 0 && Math.abs(value) < 1e-4 && Math.abs(step) < 1e-4)) {
    label = value.toExponential(1).replace('.0e', 'e').replace('e+', 'e');
  } else label = value.toFixed(Math.max(0, -Math.floor(Math.log10(Math.abs(step)) + 1e-9)));
  if (Number(label) === 0) label = label.replace('-', '');
  return `${settings.tickprefix ?? ''}${label.replace(/-/g, '−')}${settings.ticksuffix ?? ''}`;
}

/** Bounds of the cells of a heat map along one axis: given are centres (or, one more than cells, the bounds). */
export function cellEdges(centres: readonly number[] | undefined, cells: number): number[] {
  if (!centres || centres.length === 0) return Array.from({ length: cells + 1 }, (_, i) => i - 0.5);
  if (centres.length === cells + 1) return [...centres];
  if (cells === 1) return [centres[0] - 0.5, centres[0] + 0.5];
  const edges = [centres[0] - (centres[1] - centres[0]) / 2];
  for (let i = 1; i < cells; i++) edges.push((centres[i - 1] + centres[i]) / 2);
  edges.push(centres[cells - 1] + (centres[cells - 1] - centres[cells - 2]) / 2);
  return edges;
}

/** Histogram of a trace as plotly would bin it: nice steps, or `xbins`, or about `nbinsx` bins. */
export function histogramBins(trace: Trace, key: 'x' | 'y'): { centres: number[]; counts: number[]; size: number } {
  const values = Array.from(trace[key] as ArrayLike<number>, Number).filter(Number.isFinite);
  const given = trace[`${key}bins`] ?? {};
  const [min, max] = values.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);
  const wanted =
    Number(trace[`nbins${key}`]) || Math.max(5, Math.min(60, Math.round(2 * Math.sqrt(values.length || 1))));
  const size = Number(given.size) || (max > min ? niceStep((max - min) / wanted) : 1);
  const start = given.start ?? Math.floor(min / size) * size;
  const count = values.length
    ? Math.max(1, Math.floor(((given.end ?? max) - start) / size + 1e-9) + (given.end === undefined ? 1 : 0))
    : 0;
  const counts = new Array<number>(count).fill(0);
  for (const value of values) {
    const bin = Math.floor((value - start) / size + 1e-9);
    if (bin >= 0 && bin < count) counts[bin]++;
  }
  const n = values.length;
  const units: Record<string, number> = {
    percent: n / 100,
    probability: n,
    density: size,
    'probability density': n * size,
  };
  const scale = units[String(trace.histnorm ?? '')] || 1;
  return { centres: counts.map((_, i) => start + (i + 0.5) * size), counts: counts.map((c) => c / scale), size };
}
