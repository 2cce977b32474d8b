import { watchInterrupts, type InterruptWatch } from '../base/interrupt';

/** 稠密矩阵（matrix），逐行存放：`data[i * columns + j]`。 */
export interface Matrix {
  /** rows × columns 个数，逐行存放。 */
  readonly data: Float32Array | Float64Array;
  /** 行数。 */
  readonly rows: number;
  /** 列数。 */
  readonly columns: number;
}

/** For every row its k nearest other rows, nearest first: entries i * k … i * k + k − 1 belong to row i. */
export interface NeighbourTable {
  readonly k: number;
  readonly index: Int32Array;
  /** Squared Euclidean distances. */
  readonly squared: Float64Array;
}

/** Squared distance of two rows by differences: |a|² + |b|² − 2ab would cancel digits where rows nearly agree. */
export function squaredDistance({ data, columns }: Matrix, i: number, j: number): number {
  const a = i * columns;
  const b = j * columns;
  // Two sums: the second addition need not wait for the first.
  let even = 0;
  let odd = 0;
  let c = 0;
  for (; c + 1 < columns; c += 2) {
    const u = data[a + c] - data[b + c];
    const v = data[a + c + 1] - data[b + c + 1];
    even += u * u;
    odd += v * v;
  }
  if (c < columns) {
    const u = data[a + c] - data[b + c];
    even += u * u;
  }
  return even + odd;
}

/** Up to so many rows (4 MB of distances) and from so many columns on, distances are worth keeping. */
const MOST_KEPT_ROWS = 1000;
const FEWEST_KEPT_COLUMNS = 32;

interface Kept {
  readonly print: number;
  readonly squared: Float64Array;
}

const kept = new WeakMap<Matrix['data'], Kept>();

/** Changes with the numbers: a matrix that was written to in between is measured again. */
function fingerprint({ data, columns }: Matrix): number {
  const words = new Int32Array(data.buffer, data.byteOffset, data.byteLength / 4);
  let print = columns;
  for (let at = 0; at < words.length; at++) print = Math.imul(print ^ words[at], 0x01000193);
  return print;
}

/**
 * The squared distance of rows j < i, each measured once as long as the numbers stay: layouts of the same features with
 * other settings share them. With thousands of columns they take longer than the steps of a layout.
 */
function sharedDistances(matrix: Matrix): (i: number, j: number) => number {
  const { data, rows, columns } = matrix;
  if (rows > MOST_KEPT_ROWS || columns < FEWEST_KEPT_COLUMNS) return (i, j) => squaredDistance(matrix, i, j);
  const print = fingerprint(matrix);
  const known = kept.get(data);
  const squared = known?.print === print ? known.squared : new Float64Array((rows * (rows - 1)) / 2).fill(NaN);
  kept.set(data, { print, squared });
  return (i, j) => {
    const at = (i * (i - 1)) / 2 + j;
    if (Number.isNaN(squared[at])) squared[at] = squaredDistance(matrix, i, j);
    return squared[at];
  };
}

/** Puts (value, row) where the root of heap `i` was and lets it sink; `size` entries belong to the heap. */
function replaceRoot({ k, index, squared }: NeighbourTable, i: number, size: number, value: number, row: number): void {
  const base = i * k;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= size) break;
    if (child + 1 < size && squared[base + child + 1] > squared[base + child]) child++;
    if (squared[base + child] <= value) break;
    squared[base + at] = squared[base + child];
    index[base + at] = index[base + child];
    at = child;
  }
  squared[base + at] = value;
  index[base + at] = row;
}

/**
 * The k nearest rows of every row, exactly. Each pair is measured once; a row keeps its k best in a heap whose root is
 * the worst of them, so that most candidates are turned away by one comparison.
 */
function neighbourSearch(matrix: Matrix, k: number) {
  const { rows } = matrix;
  const distance = sharedDistances(matrix);
  const squared = new Float64Array(rows * k).fill(Infinity);
  const index = new Int32Array(rows * k).fill(-1);
  const table = { k, index, squared };

  return {
    /** Measures row i against all rows before it. */
    add(i: number): void {
      for (let j = 0; j < i; j++) {
        const d = distance(i, j);
        if (d < squared[i * k]) replaceRoot(table, i, k, d, j);
        if (d < squared[j * k]) replaceRoot(table, j, k, d, i);
      }
    },
    /** Heap order to ascending order, in place (the second half of heap sort). */
    table(): NeighbourTable {
      for (let i = 0; i < rows; i++) {
        for (let size = k - 1; size > 0; size--) {
          const last = i * k + size;
          const [d, row] = [squared[last], index[last]];
          [squared[last], index[last]] = [squared[i * k], index[i * k]];
          replaceRoot(table, i, size, d, row);
        }
      }
      return table;
    },
  };
}

/** The k nearest rows of every row; `undefined` when stopped before all pairs were measured. */
export async function nearestRows(
  matrix: Matrix,
  k: number,
  watch: InterruptWatch = watchInterrupts(),
): Promise<NeighbourTable | undefined> {
  const search = neighbourSearch(matrix, k);
  for (let i = 0; i < matrix.rows; i++) {
    if (watch.stopped) return undefined;
    search.add(i);
    await watch.breathe();
  }
  return search.table();
}

/** The same in one go, for callers that are not async. */
export function nearestRowsSync(matrix: Matrix, k: number): NeighbourTable {
  const search = neighbourSearch(matrix, k);
  for (let i = 0; i < matrix.rows; i++) search.add(i);
  return search.table();
}
