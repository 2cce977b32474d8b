/**
 * One axis of the geometry of change. A patch changes an interval of pixels; every layer widens it by its kernel
 * and thins it by its stride. Nothing outside the interval can differ from the clean image.
 */

/** How a layer reads one axis: output i sees the inputs i·stride − before … i·stride − before + size − 1. */
export interface Reach {
  readonly size: number;
  readonly stride: number;
  /** Padding in front of the first input. */
  readonly before: number;
  /** Lengths of the axis before and after the layer. */
  readonly input: number;
  readonly output: number;
}

/** Indices first … last; empty when last < first. */
export interface Interval {
  readonly first: number;
  readonly last: number;
}

export type ChangeRule = (change: Interval, reach: Reach) => Interval;

/** The outputs that see at least one changed input. */
export const changedOutputs: ChangeRule = ({ first, last }, { size, stride, before, output }) => ({
  first: Math.max(0, Math.ceil((first + before - size + 1) / stride)),
  last: Math.min(output - 1, Math.floor((last + before) / stride)),
});

/** Windows of one common length (so that they fit into one batch), each with its own start. */
export interface Windows {
  readonly starts: readonly number[];
  readonly length: number;
}

/** The shortest common windows inside 0 … extent − 1 that contain these intervals. */
export function covering(intervals: readonly Interval[], extent: number): Windows {
  const length = Math.min(extent, Math.max(1, ...intervals.map((i) => i.last - i.first + 1)));
  return { starts: intervals.map((i) => Math.min(i.first, extent - length)), length };
}

/** What a layer must read to compute these output windows; may stick out over both ends, where the padding is. */
export function needed({ starts, length }: Windows, { size, stride, before }: Reach): Windows {
  return { starts: starts.map((s) => s * stride - before), length: (length - 1) * stride + size };
}

export const sameWindows = (a: Windows, b: Windows) =>
  a.length === b.length && a.starts.every((start, i) => start === b.starts[i]);

export const coversAll = (w: Windows, extent: number) => w.length === extent;

/** Rows and columns of the windows of a block of positions: window (i, j) has row window i and column window j. */
export interface Placement {
  readonly rows: Windows;
  readonly cols: Windows;
}

/** Per layer of the chain: what it computes (`out`) and what it reads for that (`in`). */
export interface AxisPlan {
  readonly in: Windows;
  readonly out: Windows;
}

/**
 * Follows the changed intervals of several positions through the layers of a chain, along one axis.
 * `rule` is an argument so that a test can put a wrong one in its place.
 */
export function planAxis(
  patches: readonly Interval[],
  reaches: readonly Reach[],
  rule: ChangeRule = changedOutputs,
): AxisPlan[] {
  let changes = patches;
  let before: Windows | undefined;
  return reaches.map((reach) => {
    changes = changes.map((change) => rule(change, reach));
    // Size 1 and stride 1 (only padding): the same windows at shifted places, nothing to cut out anew.
    const shifted = before && reach.size === 1 && reach.stride === 1;
    const out = shifted
      ? { starts: before!.starts.map((s) => s + reach.before), length: before!.length }
      : covering(changes, reach.output);
    before = out;
    return { in: needed(out, reach), out };
  });
}
