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

export const coversAll = (w: Windows, extent: number) => w.length === extent && w.starts.every((start) => start === 0);

/** Rows and columns of the windows of a block of positions: window (i, j) has row window i and column window j. */
export interface Placement {
  readonly rows: Windows;
  readonly cols: Windows;
}

/** How a layer reads both axes. */
export interface Reaches {
  readonly rows: Reach;
  readonly cols: Reach;
}

/** Per step of the chain: what it computes (`out`), what it reads for that (`in`), and whether it spreads its input. */
export interface StepPlan {
  readonly in: Placement;
  readonly out: Placement;
  readonly spread: boolean;
}

/** The windows of all outputs that see one of these inputs, also outside the map; stride 1. */
const grown = ({ starts, length }: Windows, { size, before }: Reach): Windows => ({
  starts: starts.map((s) => s + before - size + 1),
  length: length + size - 1,
});

export interface Planning {
  /** Only a test replaces it, by a wrong one. */
  readonly rule?: ChangeRule;
  /** Whether step `index` spreads what changes at these windows (see spread.ts). */
  readonly spreads?: (index: number, at: Placement) => boolean;
}

/** Follows the changed intervals of several positions through the steps of a chain. */
export function planSteps(
  patches: { readonly rows: readonly Interval[]; readonly cols: readonly Interval[] },
  steps: readonly Reaches[],
  { rule = changedOutputs, spreads = () => false }: Planning = {},
): StepPlan[] {
  let changes = patches;
  let at: Placement | undefined;
  return steps.map((step, index) => {
    const follow = (from: 'rows' | 'cols') => changes[from].map((change) => rule(change, step[from]));
    changes = { rows: follow('rows'), cols: follow('cols') };
    const before = at;
    // Where the whole map has changed, nothing around it has to be put together.
    const whole = before && before.rows.length >= step.rows.input && before.cols.length >= step.cols.input;
    const spread = before !== undefined && !whole && spreads(index, before);
    const axis = (from: 'rows' | 'cols') => {
      const reach = step[from];
      if (spread) return { in: before[from], out: grown(before[from], reach) };
      // Size 1 and stride 1 (only padding): the same windows at shifted places, nothing to cut out anew.
      const shifted = before && reach.size === 1 && reach.stride === 1;
      const out = shifted
        ? { starts: before[from].starts.map((s) => s + reach.before), length: before[from].length }
        : covering(changes[from], reach.output);
      return { in: needed(out, reach), out };
    };
    const [rows, cols] = [axis('rows'), axis('cols')];
    at = { rows: rows.out, cols: cols.out };
    return { in: { rows: rows.in, cols: cols.in }, out: at, spread };
  });
}
