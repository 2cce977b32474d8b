import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  allNeighbours,
  embed,
  gridLayout,
  nearestNeighbours,
  neighbourPurity,
  pca,
} from '../../../lib/03-embedding/embedding';
import { nearestRowsSync } from '../../../lib/03-embedding/nearest-rows';
import { randomGenerator } from '../../../lib/base/random';
import { assertClose, failure, requestInterrupt } from '../../helpers';

function cloud(count: number, columns: number, seed: number): number[][] {
  const random = randomGenerator(seed);
  return Array.from({ length: count }, () => Array.from({ length: columns }, () => random.normal()));
}

test('PCA of points on a line, and of an axis-parallel cross', async () => {
  const line = await pca([[0, 0], [3, 4], [6, 8], [9, 12]]); // prettier-ignore
  assertClose(line.explained, [1, 0], 1e-9);
  assertClose(
    [0, 1, 2, 3].map((i) => Math.abs(line.scores.data[2 * i])),
    [7.5, 2.5, 2.5, 7.5],
    1e-9,
  );
  const cross = await pca([[2, 0, 5], [-2, 0, 5], [0, 1, 5], [0, -1, 5]], 2); // prettier-ignore
  assertClose(cross.explained, [0.8, 0.2], 1e-9);
  assertClose(Array.from(cross.scores.data, Math.abs), [2, 0, 2, 0, 0, 1, 0, 1], 1e-6);
});

test('PCA: both ways round (more rows, more columns) keep distances when all components are taken', async () => {
  for (const [rows, columns] of [
    [30, 6],
    [6, 30],
  ]) {
    const data = cloud(rows, columns, 1);
    const { scores, explained } = await pca(data, rows < columns ? rows - 1 : columns);
    assertClose([explained.reduce((a, b) => a + b)], [1], 1e-6);
    assert.equal(
      [...explained].sort((a, b) => b - a),
      explained,
    );
    const distance = (i: number, j: number) => Math.hypot(...data[i].map((value, c) => value - data[j][c]));
    const reduced = (i: number, j: number) => {
      const row = (r: number) => [...scores.data.subarray(r * scores.columns, (r + 1) * scores.columns)];
      return Math.hypot(...row(i).map((value, c) => value - row(j)[c]));
    };
    for (let i = 1; i < rows; i++) assertClose([reduced(0, i)], [distance(0, i)], 1e-4);
  }
});

test('PCA of equal points is zero, of too few or too many components an error; abort stops it', async () => {
  const flat = await pca(Array(5).fill([1, 2]));
  assert.ok([...flat.scores.data, ...flat.explained].every((value) => value === 0));
  assert.match((await failure(() => pca(cloud(4, 3, 1), 4))).message, /1 到 3/);
  assert.match((await failure(() => pca(cloud(4, 3, 1), 0))).message, /得到 0/);
  assert.is((await pca(cloud(9, 5, 1), 2, { signal: AbortSignal.abort() })).stopped, 'aborted');
});

test('nearest rows agree with sorting all distances, also among ties', () => {
  const data = [...cloud(50, 3, 2), ...cloud(5, 3, 2)];
  const { index, squared } = nearestRowsSync({ data: Float64Array.from(data.flat()), rows: 55, columns: 3 }, 7);
  data.forEach((row, i) => {
    const wanted = data
      .map((other) => Math.hypot(...other.map((value, c) => value - row[c])) ** 2)
      .filter((_, j) => j !== i)
      .sort((a, b) => a - b)
      .slice(0, 7);
    const got = [...squared.subarray(7 * i, 7 * i + 7)];
    got.forEach((value, k) => assert.ok(Math.abs(value - wanted[k]) < 1e-12));
    assert.is(new Set(index.subarray(7 * i, 7 * i + 7)).size, 7);
    assert.not.ok(index.subarray(7 * i, 7 * i + 7).includes(i));
  });
});

test('nearestNeighbours: order, distances, errors', async () => {
  const line = [[0], [1], [3], [7]];
  assert.equal(nearestNeighbours(line, 2, 3), [
    { index: 1, distance: 2 },
    { index: 0, distance: 3 },
    { index: 3, distance: 4 },
  ]);
  const data = cloud(30, 4, 7);
  allNeighbours(data, 3).forEach((own, i) => assert.equal(own, nearestNeighbours(data, i, 3)));
  assert.match((await failure(() => nearestNeighbours(line, 4, 1))).message, /0 到 3/);
  assert.match((await failure(() => nearestNeighbours(line, 0, 4))).message, /1 到 3/);
});

test('purity on paper: two groups of three on a line, one of them with a stranger', () => {
  const line = [[0], [1], [2], [10], [11], [12]];
  const whole = neighbourPurity(line, ['a', 'a', 'a', 'b', 'b', 'a'], { neighbours: 2 });
  // Rows 0-2 see only a; row 3 and 4 see one b and the stranger each; the stranger sees two b.
  assert.is(whole.purity, (3 * 1 + 2 * 0.5 + 0) / 6);
  assert.equal(whole.shares, [1, 1, 1, 0.5, 0.5, 0]);
  assert.equal(whole.byLabel, { a: { count: 4, purity: 0.75 }, b: { count: 2, purity: 0.5 } });
  const right = neighbourPurity(line, ['a', 'a', 'a', 'b', 'b', 'a'], { neighbours: 1, subset: (row) => row > 1 });
  // Within rows 2-5: 2 -> 3 (b), 3 -> 4 (b), 4 -> 3 or 5 (a tie, the earlier or later), 5 -> 4.
  assert.is(right.count, 4);
  assert.ok(right.purity === 0.25 || right.purity === 0.5);
});

test('purity of shuffled labels is the chance of drawing the same label', () => {
  const data = cloud(200, 3, 3);
  const labels = data.map((_, i) => (i % 4 === 0 ? 'a' : 'b'));
  const { control, controlSpread } = neighbourPurity(data, labels, { shuffles: 50 });
  // 50 of 200 are a: (50 · 49 + 150 · 149) / (200 · 199)
  assert.ok(Math.abs(control - 24800 / 39800) < 0.02, String(control));
  assert.ok(controlSpread > 0 && controlSpread < 0.05);
  const again = neighbourPurity(data, labels, { shuffles: 50 });
  assert.is(again.control, control);
});

test('purity: wrong labels and too small subsets are errors', async () => {
  const data = cloud(6, 2, 4);
  assert.match((await failure(() => neighbourPurity(data, ['a']))).message, /6 行，得到 1/);
  const labels = Array(6).fill('a');
  assert.match((await failure(() => neighbourPurity(data, labels, { subset: (row) => row < 5 }))).message, /共 5 个/);
});

test('the grid is the best of all assignments (brute force), every cell at most once', () => {
  const cost = (
    points: number[][],
    cells: readonly { row: number; column: number }[],
    columns: number,
    rows: number,
  ) => {
    const scaled = (values: number[], size: number) => {
      const [low, high] = [Math.min(...values), Math.max(...values)];
      return values.map((value) => ((value - low) / (high - low)) * (size - 1));
    };
    const x = scaled(
      points.map((p) => p[0]),
      columns,
    );
    const y = scaled(
      points.map((p) => -p[1]),
      rows,
    );
    return cells.reduce((sum, cell, i) => sum + (x[i] - cell.column) ** 2 + (y[i] - cell.row) ** 2, 0);
  };
  const permutations = (list: number[]): number[][] =>
    list.length < 2
      ? [list]
      : list.flatMap((v, i) => permutations([...list.slice(0, i), ...list.slice(i + 1)]).map((r) => [v, ...r]));
  for (let seed = 0; seed < 6; seed++) {
    const points = cloud(5 + (seed % 2), 2, seed);
    const cells = Array.from({ length: 6 }, (_, c) => ({ row: Math.floor(c / 3), column: c % 3 }));
    const best = Math.min(
      ...permutations([0, 1, 2, 3, 4, 5]).map((order) =>
        cost(
          points,
          points.map((_, i) => cells[order[i]]),
          3,
          2,
        ),
      ),
    );
    const found = gridLayout(points, { columns: 3, rows: 2 });
    assert.ok(Math.abs(cost(points, found, 3, 2) - best) < 1e-12);
    assert.is(new Set(found.map((cell) => `${cell.row},${cell.column}`)).size, points.length);
  }
});

test('the grid: up is up, 416 points fit 21 × 20, equal points and too few cells', async () => {
  const corners = gridLayout([[0, 1], [1, 1], [0, 0], [1, 0]]); // prettier-ignore
  assert.equal(corners, [
    { row: 0, column: 0 },
    { row: 0, column: 1 },
    { row: 1, column: 0 },
    { row: 1, column: 1 },
  ]);
  const many = gridLayout(cloud(416, 2, 5), { columns: 21, rows: 20 });
  assert.is(new Set(many.map((cell) => cell.row * 21 + cell.column)).size, 416);
  assert.is(gridLayout(Array(7).fill([3, 3])).length, 7);
  assert.match((await failure(() => gridLayout(cloud(10, 2, 1), { columns: 3, rows: 3 }))).message, /10 个点/);
  assert.match((await failure(() => gridLayout([[0, NaN]]))).message, /有限/);
});

test('an interrupt while neighbours are searched leaves the start', async () => {
  const running = embed(cloud(1500, 200, 6), { perplexity: 20 });
  setImmediate(requestInterrupt);
  const { stopped, points, loss } = await running;
  assert.is(stopped, 'interrupted');
  assert.is(points.length, 1500);
  assert.is(loss.length, 0);
});

test.run();
