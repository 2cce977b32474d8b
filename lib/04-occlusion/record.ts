import { tf } from '../tf/backend';
import { type OutputKind, probabilityAt } from '../model/output';
import { dropMap } from './drop-map';
import type { PatchGrid } from './positions';
import type { Scored } from './scorer';

/** Probability, score and margin (over the best of the others) of one class, and the class with the highest score. */
export function readScores(logits: ArrayLike<number>, classIndex: number, output: OutputKind = 'logits') {
  let best = 0;
  // A single unit has no rival but "not this": its score is 0.
  let rival = logits.length > 1 ? -Infinity : 0;
  for (let i = 0; i < logits.length; i++) {
    if (logits[i] > logits[best]) best = i;
    if (i !== classIndex && logits[i] > rival) rival = logits[i];
  }
  const logit = logits[classIndex];
  return { probability: probabilityAt(logits, classIndex, output), logit, margin: logit - rival, best };
}

/** What has been measured so far, row by row in the order of the positions; NaN (class −1) where nothing has. */
export class OcclusionRecord {
  readonly probability: Float32Array;
  readonly logit: Float32Array;
  readonly margin: Float32Array;
  readonly mapSum: Float32Array;
  readonly bestClass: Int32Array;
  readonly total: number;
  done = 0;

  constructor(
    readonly grid: PatchGrid,
    private readonly classIndex: number,
    private readonly output: OutputKind = 'logits',
  ) {
    this.total = grid.rows.length * grid.cols.length;
    const unknown = () => new Float32Array(this.total).fill(NaN);
    [this.probability, this.logit, this.margin, this.mapSum] = [unknown(), unknown(), unknown(), unknown()];
    this.bestClass = new Int32Array(this.total).fill(-1);
  }

  add({ row, col, logits, mapSum }: Scored): void {
    const at = row * this.grid.cols.length + col;
    const { probability, logit, margin, best } = readScores(logits, this.classIndex, this.output);
    this.probability[at] = probability;
    this.logit[at] = logit;
    this.margin[at] = margin;
    this.bestClass[at] = best;
    if (mapSum !== undefined) this.mapSum[at] = mapSum;
    this.done++;
  }

  /** [rows, cols]. */
  matrix(values: Float32Array | Int32Array): tf.Tensor2D {
    const { rows, cols } = this.grid;
    return tf.tensor2d(values, [rows.length, cols.length], values instanceof Int32Array ? 'int32' : 'float32');
  }

  /** [h, w]: mean drop of these values below the clean one, over the patches that covered a pixel. */
  map([height, width]: readonly [number, number], values: Float32Array, clean: number): tf.Tensor2D {
    return tf.tensor2d(dropMap(this.grid, [height, width], values, clean), [height, width]);
  }

  positions(): { row: number; col: number }[] {
    return this.grid.rows.flatMap((r) => this.grid.cols.map((c) => ({ row: r.first, col: c.first })));
  }
}
