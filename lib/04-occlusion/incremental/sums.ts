import type { Placement } from './geometry';

/** Sums of a map over rectangles (summed-area table), in double precision: what a window would contribute unchanged. */
export class RectangleSums {
  private readonly table: Float64Array;

  /** @param data [height, width, channels], one map after the other in the last axis */
  constructor(
    data: ArrayLike<number>,
    readonly height: number,
    readonly width: number,
    readonly channels: number,
  ) {
    const row = (width + 1) * channels;
    this.table = new Float64Array((height + 1) * row);
    for (let y = 0; y < height; y++) {
      for (let i = 0; i < width * channels; i++) {
        const at = (y + 1) * row + channels + i;
        this.table[at] =
          data[y * width * channels + i] +
          this.table[at - channels] +
          this.table[at - row] -
          this.table[at - row - channels];
      }
    }
  }

  private corner(y: number, x: number): number {
    return (y * (this.width + 1) + x) * this.channels;
  }

  total(channel: number): number {
    return this.table[this.corner(this.height, this.width) + channel];
  }

  /** Per window of the placement and channel: the sum over everything OUTSIDE the window, [windows, channels]. */
  outside({ rows, cols }: Placement): Float32Array {
    const { table, channels } = this;
    const sums = new Float32Array(rows.starts.length * cols.starts.length * channels);
    const end = this.corner(this.height, this.width);
    let at = 0;
    for (const top of rows.starts) {
      for (const left of cols.starts) {
        const a = this.corner(top, left);
        const b = this.corner(top, left + cols.length);
        const c = this.corner(top + rows.length, left);
        const d = this.corner(top + rows.length, left + cols.length);
        for (let k = 0; k < channels; k++) {
          sums[at++] = table[end + k] - (table[d + k] - table[b + k] - table[c + k] + table[a + k]);
        }
      }
    }
    return sums;
  }
}
