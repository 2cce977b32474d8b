import type { Interval } from './incremental/geometry';

/** Where the patch goes, coarse to fine: first every fourth position per axis, then every second, then all. */

export interface PatchGrid {
  readonly size: number;
  readonly stride: number;
  /** Pixels that the patch covers, per row and per column of positions; the last ones end at the border. */
  readonly rows: readonly Interval[];
  readonly cols: readonly Interval[];
}

/** Positions of one forward pass: all pairs of these rows and columns of the grid. */
export interface Block {
  readonly rows: readonly number[];
  readonly cols: readonly number[];
}

function axis(length: number, size: number, stride: number): Interval[] {
  const count = Math.ceil((length - size) / stride) + 1;
  return Array.from({ length: count }, (_, i) => ({
    first: i * stride,
    last: Math.min(length, i * stride + size) - 1,
  }));
}

/** ⌈(length − size) / stride⌉ + 1 positions per axis: the last patch is clipped where the stride does not divide. */
export function patchGrid(height: number, width: number, size: number, stride: number): PatchGrid {
  return { size, stride, rows: axis(height, size, stride), cols: axis(width, size, stride) };
}

/** Every `spacing`-th index, and always the last one, so that a coarse map reaches the border too. */
const every = (count: number, spacing: number) =>
  Array.from({ length: count }, (_, i) => i).filter((i) => i % spacing === 0 || i === count - 1);

function split(indices: readonly number[], side: number): number[][] {
  const parts = Math.ceil(indices.length / side);
  const cut = (part: number) => Math.round((part * indices.length) / parts);
  return Array.from({ length: parts }, (_, part) => indices.slice(cut(part), cut(part + 1)));
}

/** Blocks of at most `limit` positions, as square as possible: neighbours share the size of their windows. */
function blocksOf(rows: readonly number[], cols: readonly number[], limit: number): Block[] {
  const side = Math.max(1, Math.floor(Math.sqrt(limit)));
  const rowSide = Math.min(rows.length, Math.max(side, Math.floor(limit / cols.length)));
  const colSide = Math.max(1, Math.floor(limit / rowSide));
  return split(rows, rowSide).flatMap((r) => split(cols, colSide).map((c) => ({ rows: r, cols: c })));
}

/** The stages of the computation; each position occurs once. `limit`: positions per block. */
export function coarseToFine({ rows, cols, size, stride }: PatchGrid, limit: number): Block[][] {
  // While the spacing is at most the patch, even the coarse patches cover every pixel.
  const spacings = [4, 2, 1].filter((spacing) => spacing === 1 || spacing * stride <= size);
  let doneRows: number[] = [];
  let doneCols: number[] = [];
  return spacings.map((spacing) => {
    const allRows = every(rows.length, spacing);
    const newRows = allRows.filter((i) => !doneRows.includes(i));
    const newCols = every(cols.length, spacing).filter((j) => !doneCols.includes(j));
    const blocks: Block[] = [];
    if (newCols.length) blocks.push(...blocksOf(allRows, newCols, limit));
    if (newRows.length && doneCols.length) blocks.push(...blocksOf(newRows, doneCols, limit));
    [doneRows, doneCols] = [allRows, [...doneCols, ...newCols].sort((a, b) => a - b)];
    return blocks;
  });
}
