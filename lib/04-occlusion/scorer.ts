import type { Block } from './positions';

/** What the network says with the patch at row `row`, column `col` of the grid of positions. */
export interface Scored {
  readonly row: number;
  readonly col: number;
  readonly logits: Float32Array;
  /** Sum of the watched feature map. */
  readonly mapSum?: number;
}

/** A way to compute the scores of blocks of positions: the plain one and the incremental one give the same numbers. */
export interface Scorer {
  readonly incremental: boolean;
  /** Yields after every forward pass, possibly nothing yet; leaving the loop early releases everything. */
  score(blocks: readonly Block[]): AsyncGenerator<Scored[]>;
  dispose(): void;
}

/** One feature map to watch while the patch moves. */
export interface WatchedMap {
  readonly layer: string;
  readonly channel: number;
}

/** Splits results [n, classes] (the block's begin at row `offset`) into its positions. */
export function perPosition(
  { rows, cols }: Block,
  logits: Float32Array,
  classes: number,
  { offset = 0, mapSums }: { offset?: number; mapSums?: ArrayLike<number> } = {},
): Scored[] {
  return Array.from({ length: rows.length * cols.length }, (_, i) => ({
    row: rows[Math.floor(i / cols.length)],
    col: cols[i % cols.length],
    logits: logits.subarray((offset + i) * classes, (offset + i + 1) * classes),
    mapSum: mapSums?.[i],
  }));
}
