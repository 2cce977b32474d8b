/** Thumbnails pushed apart: nobody hides a third of anybody, nobody leaves the sheet, who is free stays. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { randomGenerator } from '../../../lib/base/random';
import { type Corner, pushApart } from '../../../lib/03-embedding/layouts/push-apart';

const sheet = { width: 1000, height: 1000, thumbnail: 30 };

/** The largest share of a square that the squares drawn after it hide, counted on a grid of its points. */
function mostHidden(corners: readonly Corner[], side: number): number {
  const points = Array.from({ length: side * side }, (_, k) => [(k % side) + 0.5, Math.floor(k / side) + 0.5]);
  const covers = ([left, top]: Corner, x: number, y: number) =>
    x > left && x < left + side && y > top && y < top + side;
  const hidden = corners.map(([left, top], i) => {
    const later = corners.slice(i + 1).filter(([l, t]) => Math.abs(l - left) < side && Math.abs(t - top) < side);
    return points.filter(([x, y]) => later.some((other) => covers(other, left + x, top + y))).length / points.length;
  });
  return Math.max(...hidden);
}

test('a crowd of 400 in clumps: at most a third of anyone is hidden, and all stay on the sheet', () => {
  const random = randomGenerator(1);
  const clumps = Array.from({ length: 8 }, () => [200 + 600 * random.uniform(), 200 + 600 * random.uniform()]);
  const corners = Array.from({ length: 400 }, (_, i): Corner => {
    const [x, y] = clumps[i % 8];
    return [x + 40 * random.normal(), y + 40 * random.normal()];
  });
  assert.ok(mostHidden(corners, 30) > 0.9, 'they do overlap at the start');
  const apart = pushApart(corners, sheet);
  assert.ok(mostHidden(apart, 30) <= 1 / 3, `${mostHidden(apart, 30)} hidden`);
  for (const [left, top] of apart) assert.ok(left >= 0 && top >= 0 && left <= 970 && top <= 970, `${left}, ${top}`);
});

test('whoever touches nobody does not move; two at one place part', () => {
  const free: Corner[] = [[0, 0], [100, 0], [500, 970]]; // prettier-ignore
  assert.equal(pushApart(free, sheet), free);
  const [[a], [b]] = pushApart([[300, 300], [300, 300]], sheet); // prettier-ignore
  const [[, c], [, d]] = pushApart([[300, 300], [300, 300]], sheet); // prettier-ignore
  assert.ok(Math.abs(a - b) >= 29.5 || Math.abs(c - d) >= 29.5);
});

test.run();
