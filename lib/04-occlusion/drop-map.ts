import type { PatchGrid } from './positions';

/**
 * From positions to pixels: each pixel gets the mean drop (clean − value) over all patches that covered it. Positions that were not
 * computed (NaN) are left out; a pixel that no computed patch covered gets 0.
 */
export function dropMap(
  { rows, cols }: PatchGrid,
  [height, width]: readonly [number, number],
  values: ArrayLike<number>,
  clean: number,
): Float32Array {
  // Each patch adds its drop to a rectangle: four corners now, two running sums at the end.
  const line = width + 1;
  const drops = new Float64Array((height + 1) * line);
  const counts = new Float64Array((height + 1) * line);
  rows.forEach((r, i) => {
    cols.forEach((c, j) => {
      const value = values[i * cols.length + j];
      if (Number.isNaN(value)) return;
      for (const [y, x, sign] of [
        [r.first, c.first, 1],
        [r.first, c.last + 1, -1],
        [r.last + 1, c.first, -1],
        [r.last + 1, c.last + 1, 1],
      ]) {
        drops[y * line + x] += sign * (clean - value);
        counts[y * line + x] += sign;
      }
    });
  });
  const map = new Float32Array(height * width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * line + x;
      for (const sums of [drops, counts]) {
        sums[at] += (x ? sums[at - 1] : 0) + (y ? sums[at - line] : 0) - (x && y ? sums[at - line - 1] : 0);
      }
      // counts are whole numbers, but for the rounding of the running sums
      map[y * width + x] = counts[at] > 0.5 ? drops[at] / counts[at] : 0;
    }
  }
  return map;
}
