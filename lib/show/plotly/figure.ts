/* eslint-disable @typescript-eslint/no-explicit-any -- plotly's figures are open objects, and so they stay */

/** plotly 图里的一组数据（trace）。 */
export interface Trace {
  /** 种类：'scatter'（默认）、'bar'、'histogram'、'heatmap'。 */
  type?: string;
  [key: string]: any;
}

/** plotly 图（figure）：`data` 是轨迹的数组，`layout` 是版面。 */
export interface Figure {
  /** 各条轨迹。 */
  data: readonly Trace[];
  /** 版面：标题、坐标轴、大小。 */
  layout?: Record<string, any>;
}

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** "x2" -> "xaxis2", "x" -> "xaxis". */
export const axisKey = (ref: string) => `${ref[0]}axis${ref.slice(1)}`;

/** plotly writes a title as a string or as { text }; its texts may hold a little HTML. */
export function plainText(title: unknown): string {
  const text = typeof title === 'string' ? title : ((title as { text?: string } | undefined)?.text ?? '');
  return String(text)
    .replace(/<br\s*\/?>/gi, '\n')
    .replace(/<\/?(b|i|em|strong|sub|sup|span)[^>]*>/gi, '')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
    .replace(/&amp;/g, '&');
}

export const isTyped = (value: unknown): value is ArrayLike<number> =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));

/** A column of a trace as a plain array; missing: 0, 1, 2 … */
export function column(values: unknown, length: number): (number | string | null)[] {
  return isTyped(values) ? Array.from(values as ArrayLike<number>) : Array.from({ length }, (_, i) => i);
}

/** Number of points of a trace. */
export function pointCount(trace: Trace): number {
  return Math.max(isTyped(trace.x) ? trace.x.length : 0, isTyped(trace.y) ? trace.y.length : 0);
}

/** Many points are a curve, few are points on it. */
export const scatterMode = (trace: Trace): string =>
  String(trace.mode ?? (pointCount(trace) < 20 ? 'lines+markers' : 'lines'));

/** `value` may be one for all points or an array with one each. */
export function pick<T>(value: T | readonly T[] | undefined, index: number, fallback: T): T {
  const one = isTyped(value) ? (value as readonly T[])[index] : (value as T | undefined);
  return one ?? fallback;
}

/** Fills what is missing in `given` from `defaults`, objects within objects too. */
export function withDefaults(given: any, defaults: any): any {
  if (given === undefined) return defaults;
  if (!isPlain(given) || !isPlain(defaults)) return given;
  const merged: Record<string, any> = { ...defaults };
  for (const [key, value] of Object.entries(given)) merged[key] = withDefaults(value, defaults[key]);
  return merged;
}

const isPlain = (value: unknown) => value !== null && typeof value === 'object' && !isTyped(value);

/** Whether plotly would draw a bar with the colours beside this trace. */
export const hasColorbar = (trace: Trace) =>
  trace.type === 'heatmap' ? trace.showscale !== false : trace.marker?.showscale === true;
