import { tf } from '../../tf/backend';
import type { Interval, Placement } from './geometry';

export interface FloatPixels {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly data: Float32Array;
}

/** What a patch covers with: `image` outside the patch, `filler` (of the same size) inside it. */
export interface Occluder {
  readonly image: FloatPixels;
  readonly filler: Float32Array;
}

/** Patches of a block: position (i, j) covers rows[i] x cols[j]. */
export interface Patches {
  readonly rows: readonly Interval[];
  readonly cols: readonly Interval[];
}

/** The windows `wanted` of the occluded pictures, straight from the pixels; outside the picture `padValue`. */
export function imageWindows(
  { image, filler }: Occluder,
  patches: Patches,
  { rows, cols }: Placement,
  padValue = 0,
): tf.Tensor4D {
  const { height, width, channels, data } = image;
  const count = rows.starts.length * cols.starts.length;
  const windows = new Float32Array(count * rows.length * cols.length * channels).fill(padValue);
  let window = 0;
  rows.starts.forEach((top, i) => {
    cols.starts.forEach((left, j) => {
      const [from, to] = [Math.max(left, 0), Math.min(left + cols.length, width)];
      const patchFrom = Math.max(patches.cols[j].first, from);
      const patchTo = Math.max(Math.min(patches.cols[j].last + 1, to), patchFrom);
      for (let y = Math.max(top, 0); y < Math.min(top + rows.length, height); y++) {
        const at = ((window * rows.length + y - top) * cols.length - left) * channels;
        const piece = (source: Float32Array, start: number, end: number) =>
          windows.set(
            source.subarray((y * width + start) * channels, (y * width + end) * channels),
            at + start * channels,
          );
        piece(data, from, to);
        if (y >= patches.rows[i].first && y <= patches.rows[i].last) piece(filler, patchFrom, patchTo);
      }
      window++;
    });
  });
  return tf.tensor4d(windows, [count, rows.length, cols.length, channels]);
}
