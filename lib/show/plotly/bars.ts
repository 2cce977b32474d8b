import { column, pick, pointCount, type Trace } from './figure';
import { histogramBins } from './axis';

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
