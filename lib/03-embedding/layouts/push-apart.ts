/** Left and top edge of a square, in pixels. */
export type Corner = readonly [left: number, top: number];

/** Rounds in which all pairs are looked at; crowds of a few hundred come to rest in far fewer. */
const ROUNDS = 1000;
/** Pixels of overlap that nobody sees. */
const SLACK = 0.5;

/**
 * Moves squares apart until none overlaps another (or the rounds are used up), each pair by half of what it overlaps
 * along the axis where that is less: what lay side by side stays side by side, and nothing moves without need.
 */
export function pushApart(
  corners: readonly Corner[],
  { width, height, thumbnail }: { width: number; height: number; thumbnail: number },
): Corner[] {
  const x = Float64Array.from(corners, (c) => c[0]);
  const y = Float64Array.from(corners, (c) => c[1]);
  let moved = true;
  for (let round = 0; moved && round < ROUNDS; round++) {
    moved = false;
    for (let i = 0; i < x.length; i++) {
      for (let j = 0; j < i; j++) {
        const across = thumbnail - Math.abs(x[i] - x[j]);
        const down = thumbnail - Math.abs(y[i] - y[j]);
        if (across <= SLACK || down <= SLACK) continue;
        moved = true;
        if (across < down) part(x, i, j, across / 2, width - thumbnail);
        else part(y, i, j, down / 2, height - thumbnail);
      }
    }
  }
  return corners.map((_, i): Corner => [x[i], y[i]]);
}

/** Two at the same place part in a direction that their numbers decide; nobody leaves the sheet. */
function part(at: Float64Array, i: number, j: number, step: number, most: number): void {
  const way = at[i] > at[j] || (at[i] === at[j] && i % 2 === 0) ? step : -step;
  at[i] = Math.min(most, Math.max(0, at[i] + way));
  at[j] = Math.min(most, Math.max(0, at[j] - way));
}
