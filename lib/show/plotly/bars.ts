import type { SKRSContext2D } from 'canvas';
import { histogramBins } from './axis';
import { column, pick, plainText, pointCount, type Trace } from './figure';
import { pointColor } from './marks';
import { type Panel, toX, toY } from './panel';
import { drawText, INK, LABEL } from '../text';

/** One bar, still in data units. */
export interface Bar {
  readonly trace: number;
  readonly point: number;
  /** Position on the category axis, and the part of its unit width that the bar takes. */
  readonly position: number | string | null;
  readonly from: number;
  readonly to: number;
  readonly shift: number;
  readonly width: number;
}

export interface BarSet {
  readonly bars: readonly Bar[];
  /** Bars that lie: positions on y. */
  readonly horizontal: boolean;
}

/** Bars and histograms of one panel, stacked or side by side as `layout.barmode` says. */
export function arrangeBars(
  traces: readonly { trace: Trace; index: number }[],
  barmode: string,
  bargap: number,
): BarSet {
  const horizontal = traces.some(
    ({ trace }) => trace.orientation === 'h' || (trace.type === 'histogram' && !trace.x && trace.y),
  );
  const bars: Bar[] = [];
  const stacks = new Map<string, [number, number]>();
  const side = barmode === 'group' ? Math.max(1, traces.length) : 1;
  traces.forEach(({ trace, index }, order) => {
    const { positions, lengths, unit, gap } = barColumns(trace, horizontal, bargap);
    positions.forEach((position, point) => {
      const length = Number(lengths[point] ?? 0);
      const stack = stacks.get(String(position)) ?? [0, 0];
      const base =
        barmode === 'stack' || barmode === 'relative' ? stack[length >= 0 ? 0 : 1] : Number(pick(trace.base, point, 0));
      stack[length >= 0 ? 0 : 1] = base + length;
      stacks.set(String(position), stack);
      const width = (Number(pick(trace.width, point, 0)) || unit * (1 - gap)) / side;
      bars.push({
        trace: index,
        point,
        position,
        from: base,
        to: base + length,
        width,
        shift: (order - (side - 1) / 2) * (side > 1 ? width : 0),
      });
    });
  });
  return { bars, horizontal };
}

function barColumns(trace: Trace, horizontal: boolean, bargap: number) {
  if (trace.type === 'histogram') {
    const { centres, counts, size } = histogramBins(trace, horizontal ? 'y' : 'x');
    return { positions: centres as (number | string | null)[], lengths: counts, unit: size, gap: 0.04 };
  }
  const n = pointCount(trace);
  const positions = column(horizontal ? trace.y : trace.x, n);
  const lengths = column(horizontal ? trace.x : trace.y, n);
  const numbers = positions.filter((p): p is number => typeof p === 'number').sort((a, b) => a - b);
  let unit = Infinity;
  for (let i = 1; i < numbers.length; i++)
    if (numbers[i] > numbers[i - 1]) unit = Math.min(unit, numbers[i] - numbers[i - 1]);
  return { positions, lengths, unit: Number.isFinite(unit) ? unit : 1, gap: bargap };
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
  const direction = axis.max < axis.min !== horizontal ? -1 : 1;
  for (const bar of bars) {
    const trace = traces[bar.trace];
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
    if (text && trace.textposition !== 'none') drawBarText(context, text, trace, { horizontal, centre, from, to });
  }
}

/** At a bar's end: beside it, or inside. */
function drawBarText(
  context: SKRSContext2D,
  text: string,
  { textfont, textposition }: Trace,
  { horizontal, centre, from, to }: { horizontal: boolean; centre: number; from: number; to: number },
): void {
  const inside = textposition === 'inside';
  const { size = LABEL, color = inside ? '#ffffff' : INK } = textfont ?? {};
  if (horizontal) {
    const out = to >= from ? 1 : -1;
    const align = out > 0 !== inside ? 'left' : 'right';
    drawText(context, text, to + (inside ? -6 : 6) * out, centre, { size, color, align, baseline: 'middle' });
  } else {
    const up = to <= from !== inside;
    const baseline = up ? 'bottom' : 'top';
    drawText(context, text, centre, to + (up ? -5 : 5), { size, color, align: 'center', baseline });
  }
}
