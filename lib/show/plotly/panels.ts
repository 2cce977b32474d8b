import { makeAxis, type Axis, type AxisData } from './axis';
import { arrangeBars, type BarSet } from './bars';
import { axisKey, column, pointCount, scatterMode, type Rect, type Trace } from './figure';
import { heatmapEdges } from './heatmap';
import type { Panel } from './panel';

type Layout = Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any

export interface FilledPanel extends Panel {
  readonly traces: readonly { readonly trace: Trace; readonly index: number }[];
  readonly bars: BarSet;
}

const isBar = (trace: Trace) => trace.type === 'bar' || trace.type === 'histogram';

/** One panel for each pair of axes that a trace or a picture uses. */
export function makePanels(traces: readonly Trace[], layout: Layout, inner: Rect): FilledPanel[] {
  const groups = new Map<string, { trace: Trace; index: number }[]>();
  const add = (x: unknown, y: unknown) => {
    const key = `${x ?? 'x'} ${y ?? 'y'}`;
    if (!groups.has(key)) groups.set(key, []);
    return groups.get(key)!;
  };
  traces.forEach((trace, index) => {
    if (trace.visible !== false) add(trace.xaxis, trace.yaxis).push({ trace, index });
  });
  for (const image of layout.images ?? []) if (image.xref !== 'paper') add(image.xref, image.yref);
  if (groups.size === 0) add('x', 'y');
  const sets = [...groups.values()].map((group) =>
    arrangeBars(
      group.filter(({ trace }) => isBar(trace)),
      layout.barmode ?? 'group',
      layout.bargap ?? 0.2,
    ),
  );
  const keys = [...groups.keys()].map((key) => key.split(' '));
  const axes = new Map<string, Axis>();
  const axis = (ref: string, direction: 0 | 1, length: number) => {
    if (!axes.has(ref)) {
      const parts = keys.map((pair, i) =>
        pair[direction] === ref ? dataFor(direction, [...groups.values()][i], sets[i], layout, pair) : [],
      );
      const data = merge(parts.flat());
      axes.set(
        ref,
        makeAxis(ref, data, layout[axisKey(ref)] ?? {}, Math.max(3, Math.round(length / (direction ? 55 : 100)))),
      );
    }
    return axes.get(ref)!;
  };
  return [...groups.values()].map((group, i) => {
    const [xRef, yRef] = keys[i];
    const rect = place(xRef, yRef, layout, inner);
    const panel = { x: axis(xRef, 0, rect.width), y: axis(yRef, 1, rect.height), rect, traces: group, bars: sets[i] };
    return { ...panel, rect: keepAspect(panel, layout) };
  });
}

function place(xRef: string, yRef: string, layout: Layout, inner: Rect): Rect {
  const [[x0, x1], [y0, y1]] = [axisDomain(xRef, layout), axisDomain(yRef, layout)];
  return {
    x: inner.x + x0 * inner.width,
    y: inner.y + (1 - y1) * inner.height,
    width: (x1 - x0) * inner.width,
    height: (y1 - y0) * inner.height,
  };
}

/** The part of the whole area that an axis spans, from 0 to 1. */
export function axisDomain(ref: string, layout: Layout): readonly number[] {
  const settings = layout[axisKey(ref)] ?? {};
  const over = settings.overlaying ? (layout[axisKey(settings.overlaying)] ?? {}) : {};
  return settings.domain ?? over.domain ?? gridDomain(ref, layout) ?? [0, 1];
}

/** `layout.grid`: equal panels, row by row from the top. */
function gridDomain(ref: string, { grid }: Layout): number[] | undefined {
  if (!grid?.rows || !grid?.columns) return undefined;
  const number = Number(ref.slice(1) || 1) - 1;
  const independent = grid.pattern === 'independent';
  const isX = ref[0] === 'x';
  const cells = isX ? grid.columns : grid.rows;
  const at = isX
    ? independent
      ? number % grid.columns
      : number
    : independent
      ? Math.floor(number / grid.columns)
      : number;
  const gap = Number((isX ? grid.xgap : grid.ygap) ?? (independent ? 0.2 : 0.1));
  const size = 1 / (cells - gap);
  const start = at * size;
  return isX ? [start, start + size * (1 - gap)] : [1 - start - size * (1 - gap), 1 - start];
}

/** `scaleanchor`: one unit is as long on both axes, so that circles and pictures keep their shape. */
function keepAspect({ rect, x, y }: Panel, layout: Layout): Rect {
  const anchored = [x, y].some((axis) => (layout[axisKey(axis.ref)] ?? {}).scaleanchor);
  if (!anchored || x.type === 'category' || y.type === 'category') return rect;
  const unit = Math.min(rect.width / Math.abs(x.max - x.min), rect.height / Math.abs(y.max - y.min));
  const [width, height] = [Math.abs(x.max - x.min) * unit, Math.abs(y.max - y.min) * unit];
  return { x: rect.x + (rect.width - width) / 2, y: rect.y + (rect.height - height) / 2, width, height };
}

function dataFor(
  direction: 0 | 1,
  group: FilledPanel['traces'],
  set: BarSet,
  layout: Layout,
  [xRef, yRef]: string[],
): AxisData[] {
  const parts: AxisData[] = [];
  for (const { trace } of group) {
    if (isBar(trace)) continue;
    if (trace.type === 'heatmap') {
      const labels = direction ? trace.y : trace.x;
      const named = labels && typeof labels[0] === 'string';
      parts.push({
        values: named ? Array.from(labels) : heatmapEdges(trace)[direction ? 'y' : 'x'],
        fromZero: false,
        tight: true,
      });
    } else {
      // A curve runs from edge to edge; points and heights keep a little air.
      const tight = direction === 0 && scatterMode(trace) === 'lines';
      parts.push({ values: column(direction ? trace.y : trace.x, pointCount(trace)), fromZero: false, tight });
    }
  }
  if (set.bars.length > 0) {
    const alongPositions = set.horizontal === (direction === 1);
    const numeric = set.bars.some((b) => typeof b.position === 'number');
    const ends = (b: BarSet['bars'][number]) =>
      numeric ? [Number(b.position) - b.width / 2 + b.shift, Number(b.position) + b.width / 2 + b.shift] : [b.position];
    parts.push({
      values: set.bars.flatMap((b) => (alongPositions ? ends(b) : [b.from, b.to])),
      fromZero: !alongPositions,
      tight: false,
    });
  }
  for (const image of layout.images ?? []) {
    if ((image.xref ?? 'paper') !== xRef || (image.yref ?? 'paper') !== yRef) continue;
    const start = Number((direction ? image.y : image.x) ?? 0);
    const size = Number((direction ? image.sizey : image.sizex) ?? 1);
    if (group.length === 0) parts.push({ values: [start, start + size], fromZero: false, tight: true });
  }
  return parts;
}

const merge = (parts: readonly AxisData[]): AxisData => ({
  values: parts.flatMap((p) => p.values),
  fromZero: parts.some((p) => p.fromZero),
  tight: parts.length > 0 && parts.every((p) => p.tight),
});
