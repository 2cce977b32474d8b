import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { embed, jointProbabilities, klDivergence, type Point } from '../../../lib/03-embedding/embedding';
import { nearestRowsSync } from '../../../lib/03-embedding/nearest-rows';
import { affinities } from '../../../lib/03-embedding/layouts/affinities';
import { attraction } from '../../../lib/03-embedding/layouts/optimizer';
import { barnesHutRepulsion } from '../../../lib/03-embedding/layouts/repulsion-barnes-hut';
import { exactRepulsion } from '../../../lib/03-embedding/layouts/repulsion-exact';
import { randomGenerator } from '../../../lib/base/random';
import { assertClose, failure, requestInterrupt } from '../../helpers';

function cloud(count: number, columns: number, seed: number, centre = 0): number[][] {
  const random = randomGenerator(seed);
  return Array.from({ length: count }, () => Array.from({ length: columns }, () => centre + random.normal()));
}

const matrixOf = (rows: number[][]) => ({
  data: Float64Array.from(rows.flat()),
  rows: rows.length,
  columns: rows[0].length,
});

function forces(repulsion: typeof exactRepulsion, points: number[][]) {
  const [x, y] = [0, 1].map((axis) => Float64Array.from(points, (point) => point[axis]));
  const [fx, fy] = [new Float64Array(x.length), new Float64Array(x.length)];
  return { z: repulsion(x, y, fx, fy), all: [...fx, ...fy] };
}

test('P of three points, on paper', () => {
  // With two neighbours the entropy alone fixes the nearer one's share: a ln a + (1 − a) ln(1 − a) = −ln 1.5.
  let [low, high] = [0.5, 1];
  for (let i = 0; i < 60; i++) {
    const a = (low + high) / 2;
    if (-a * Math.log(a) - (1 - a) * Math.log(1 - a) > Math.log(1.5)) low = a;
    else high = a;
  }
  const a = low;
  const p = jointProbabilities([[0], [1], [3]], { perplexity: 1.5 });
  // Everybody's nearest is the middle point, whose own nearest is the first.
  assertClose([p[0][1], p[0][2], p[1][2]], [(2 * a) / 6, (2 * (1 - a)) / 6, 1 / 6], 1e-4);
  for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) assert.is(p[i][j], p[j][i]);
});

test('layouts of one matrix share its distances, and measure again what was written to', async () => {
  const options = { perplexity: 5, steps: 30, initialization: 'random' } as const;
  const features = matrixOf(cloud(40, 64, 8));
  const fresh = () => ({ ...features, data: features.data.slice() });
  await embed(features, { ...options, perplexity: 2 }); // other neighbours, the same distances
  assert.equal((await embed(features, options)).points, (await embed(fresh(), options)).points);
  features.data.fill(3, 0, 64); // the first row is elsewhere now
  const moved = await embed(features, options);
  assert.equal(moved.points, (await embed(fresh(), options)).points);
  // the same numbers as rows of another length are other points
  const folded = { data: features.data, rows: 80, columns: 32 };
  assert.equal((await embed(folded, options)).points, (await embed({ ...folded, data: fresh().data }, options)).points);
});

test('P sums to one, whatever the number of neighbours; far points keep theirs', () => {
  const points = [...cloud(40, 5, 1), [1e6, 0, 0, 0, 0]];
  for (const neighbours of [12, 40]) {
    const p = jointProbabilities(points, { perplexity: 4, neighbours });
    assertClose([p.flat().reduce((a, b) => a + b)], [1], 1e-12);
    // The outlier is nobody's neighbour, but has neighbours of its own: half of its row's 1 / n.
    assert.ok(p[40].reduce((a, b) => a + b) >= 0.5 / 41 - 1e-12);
  }
});

test('the gradient equals finite differences of KL', () => {
  const p = affinities(nearestRowsSync(matrixOf(cloud(20, 4, 2)), 12), 4);
  const dense = jointProbabilities(cloud(20, 4, 2), { perplexity: 4, neighbours: 12 });
  const points = cloud(20, 2, 3);
  const [x, y] = [0, 1].map((axis) => Float64Array.from(points, (point) => point[axis]));
  const [ax, ay] = [new Float64Array(20), new Float64Array(20)];
  attraction(p, x, y, ax, ay);
  const { z, all } = forces(exactRepulsion, points);
  const gradient = [...ax, ...ay].map((pull, i) => 4 * (pull - all[i] / z));
  const numeric = gradient.map((_, i) => {
    const shifted = (by: number) =>
      points.map((point, row) => point.map((value, axis) => (row + 20 * axis === i ? value + by : value)));
    return (klDivergence(dense, shifted(1e-5)) - klDivergence(dense, shifted(-1e-5))) / 2e-5;
  });
  assertClose(gradient, numeric, 1e-7);
});

test('Barnes-Hut: theta 0 is the exact sum, 0.4 is near it, equal points are no harm', () => {
  const clusters = [...cloud(60, 2, 4), ...cloud(60, 2, 5, 30), ...Array(20).fill([7, 7]), [7 + 1e-13, 7]];
  for (const points of [clusters, cloud(2, 2, 1), Array(10).fill([1, 2])]) {
    const exact = forces(exactRepulsion, points);
    const opened = forces(barnesHutRepulsion(0), points);
    assertClose([opened.z], [exact.z], 1e-9);
    if (exact.all.some((f) => f !== 0)) assertClose(opened.all, exact.all, 1e-9);
    else assert.ok(opened.all.every((f) => Math.abs(f) < 1e-9));
  }
  const exact = forces(exactRepulsion, clusters);
  const near = forces(barnesHutRepulsion(0.4), clusters);
  assertClose([near.z], [exact.z], 1e-2);
  assertClose(near.all, exact.all, 2e-2);
  assert.ok(near.z !== exact.z, 'theta 0.4 一点也没有合并，这个测试就什么也没测');
});

test('two clusters end apart, with every method', async () => {
  const data = [...cloud(30, 8, 6), ...cloud(30, 8, 7, 12)];
  for (const options of [
    { method: 'tsne', repulsion: 'exact' },
    { method: 'tsne', repulsion: 'barnes-hut', initialization: 'random' },
    { method: 'umap', iterations: 200 },
    { method: 'tsne-js' },
  ] as const) {
    const { points, stopped } = await embed(data, { perplexity: 8, ...options });
    assert.is(stopped, undefined);
    points.forEach((own, i) => {
      const [nearest] = points
        .map((point, j) => ({ j, d: j === i ? Infinity : Math.hypot(point[0] - own[0], point[1] - own[1]) }))
        .sort((a, b) => a.d - b.d);
      assert.is(nearest.j < 30, i < 30, JSON.stringify(options));
    });
  }
});

test('the reported loss is the true KL, and it falls', async () => {
  const data = cloud(60, 5, 8);
  const { points, loss, settings } = await embed(data, { perplexity: 10, steps: 600 });
  const p = jointProbabilities(data, { perplexity: 10, neighbours: settings.neighbours as number });
  assert.is(settings.neighbours, 30);
  assertClose([loss[loss.length - 1].kl], [klDivergence(p, points)], 1e-9);
  assert.is(loss[loss.length - 1].step, 600);
  const afterExaggeration = loss.find(({ step }) => step === 275)!;
  assert.ok(loss[loss.length - 1].kl < afterExaggeration.kl && afterExaggeration.kl < loss[0].kl);
});

test('one seed, identical bytes; another seed, another picture', async () => {
  const data = cloud(45, 4, 9);
  for (const options of [
    { repulsion: 'exact', initialization: 'random' },
    { repulsion: 'barnes-hut' },
    { method: 'umap', iterations: 60 },
    { method: 'tsne-js', initialization: 'random' },
  ] as const) {
    const run = (seed: number) => embed(data, { perplexity: 6, steps: 120, ...options, seed });
    const first = JSON.stringify(await run(3));
    assert.is(JSON.stringify(await run(3)), first, JSON.stringify(options));
    assert.is.not(JSON.stringify((await run(4)).points), JSON.stringify((await run(3)).points));
  }
});

test('equal points stay finite', async () => {
  const data = [...Array(150).fill([1, 2, 3]), ...cloud(150, 3, 10)];
  const everywhere = Array(40).fill([5, 5]);
  for (const repulsion of ['exact', 'barnes-hut'] as const) {
    const { points } = await embed(data, { repulsion, steps: 400 });
    assert.ok(points.flat().every(Number.isFinite));
    const spread = Math.max(...points.map(([x]) => x)) - Math.min(...points.map(([x]) => x));
    assert.ok(spread > 1, '点没有散开');
    const same = await embed(everywhere, { repulsion, perplexity: 5, steps: 300 });
    assert.ok(same.points.flat().every(Number.isFinite));
  }
});

test('abort and interrupt stop at once and keep what there is', async () => {
  const data = cloud(60, 4, 11);
  for (const method of ['tsne', 'umap', 'tsne-js'] as const) {
    const controller = new AbortController();
    const steps: number[] = [];
    const result = await embed(data, {
      method,
      perplexity: 6,
      steps: 1000,
      signal: controller.signal,
      onStep: ({ done }) => {
        steps.push(done);
        if (steps.length === 2) controller.abort();
      },
    });
    assert.is(result.stopped, 'aborted', method);
    assert.is(steps.length, 2, method);
    assert.is(result.points.length, 60);
    assert.ok(result.points.flat().every(Number.isFinite));
  }
  const interrupted = await embed(data, { perplexity: 6, onStep: () => requestInterrupt() });
  assert.is(interrupted.stopped, 'interrupted');
  assert.is(interrupted.loss.length, 1);
  const before = await embed(data, { perplexity: 6, signal: AbortSignal.abort() });
  assert.is(before.stopped, 'aborted');
  assert.is(before.points.length, 60);
});

test('onStep sees the points of its step; an error in it comes out', async () => {
  const data = cloud(30, 3, 12);
  let seen: Point[] = [];
  const result = await embed(data, {
    perplexity: 5,
    steps: 50,
    onStep: ({ points, total, kl }) => {
      seen = points;
      assert.is(total, 50);
      assert.ok(kl! > 0);
    },
  });
  assert.equal(seen, result.points);
  const error = await failure(() =>
    embed(data, {
      perplexity: 5,
      onStep: () => {
        throw new Error('mine');
      },
    }),
  );
  assert.is(error.message, 'mine');
});

test('tsne-js warns above 500 points, in the notes', async () => {
  const { notes, stopped } = await embed(cloud(501, 2, 13), { method: 'tsne-js', signal: AbortSignal.abort() });
  assert.is(stopped, 'aborted');
  assert.match(notes[0], /501/);
  const few = await embed(cloud(20, 2, 13), { method: 'tsne-js', perplexity: 3, signal: AbortSignal.abort() });
  assert.equal(few.notes, []);
});

test('wrong arguments: what, what was given, what is allowed', async () => {
  const data = cloud(30, 3, 14);
  const message = async (run: () => unknown) => {
    const error = await failure(run);
    assert.instance(error, RangeError);
    return error.message;
  };
  const wide = await message(() => embed(data, { perplexity: 10 }));
  assert.match(wide, /perplexity/);
  assert.match(wide, /30 个点/);
  assert.match(await message(() => embed(data)), /得到 30/);
  assert.match(await message(() => embed(data, { perplexity: 0.5 })), /0\.5/);
  assert.match(await message(() => embed(data, { perplexity: NaN })), /NaN/);
  assert.match(await message(() => embed(data, { method: 'tsn' as 'tsne', perplexity: 5 })), /最接近：tsne/);
  assert.match(await message(() => embed(data, { repulsion: 'fast' as 'exact', perplexity: 5 })), /exact/);
  assert.match(await message(() => embed(data, { initialization: 'zero' as 'pca', perplexity: 5 })), /random/);
  assert.match(await message(() => embed(data, { steps: 0, perplexity: 5 })), /步数（steps）应为正整数/);
  assert.match(await message(() => embed(data, { theta: 2, perplexity: 5 })), /theta/);
  assert.match(await message(() => embed(data, { neighbours: 0, perplexity: 5 })), /neighbours/);
  assert.match(await message(() => embed([[1, 2], [3]])), /长度/);
  assert.match(await message(() => embed([[1], [2]])), /至少/);
  assert.match(await message(() => embed({ data: new Float32Array(7), rows: 4, columns: 2 })), /4 × 2/);
  const holed = data.map((row, i) => (i === 4 ? [1, NaN, 2] : row));
  assert.match(await message(() => embed(holed, { perplexity: 5 })), /第 4 行第 1 列/);
  assert.match(await message(() => klDivergence([[0]], [[0, 0], [1, 1]])), /1 行/); // prettier-ignore
  assert.match(await message(() => jointProbabilities(data, { perplexity: 40 })), /29/);
});

test.run();
