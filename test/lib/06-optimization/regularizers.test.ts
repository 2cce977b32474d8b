import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { randomGenerator } from '../../../lib/base/random';
import * as penalties from '../../../lib/06-optimization/penalties';
import * as projections from '../../../lib/06-optimization/projections';
import { assertClose, failure, leakFree } from '../../helpers';

const [H, W] = [5, 4];
const MEAN = [0.3, 0.5, 0.4];

let image: tf.Tensor3D;
let values: Float32Array;
let mean: tf.Tensor1D;

test.before(async () => {
  await startBackend();
  const random = randomGenerator(2);
  values = Float32Array.from({ length: H * W * 3 }, () => random.uniform());
  image = tf.tensor3d(values, [H, W, 3]);
  mean = tf.tensor1d(MEAN);
});

const at = (x: ArrayLike<number>, row: number, col: number, c: number) => x[(row * W + col) * 3 + c];

/** The definitions, written down once more with loops and numbers. */
function expected(kind: string, x: ArrayLike<number>, parameter: number): number {
  let total = 0;
  for (let row = 0; row < H; row++) {
    for (let col = 0; col < W; col++) {
      for (let c = 0; c < 3; c++) {
        const v = at(x, row, col, c);
        const right = col + 1 < W ? at(x, row, col + 1, c) - v : 0;
        const down = row + 1 < H ? at(x, row + 1, col, c) - v : 0;
        if (kind === 'l2') total += (v - MEAN[c]) ** 2;
        if (kind === 'alpha') total += Math.abs(v - MEAN[c]) ** parameter;
        if (kind === 'tv') total += (right ** 2 + down ** 2) ** (parameter / 2);
      }
    }
  }
  return total;
}

const PENALTIES: [string, number, penalties.Penalty][] = [
  ['l2', 0, penalties.l2(0.7)],
  ['alpha', 6, penalties.alphaNorm(0.7)],
  ['alpha', 3, penalties.alphaNorm(0.7, 3)],
  ['tv', 2, penalties.totalVariation(0.7)],
  ['tv', 1.5, penalties.totalVariation(0.7, 1.5)],
  ['tv', 1, penalties.totalVariation(0.7, 1)],
];

test('penalties are their definitions', async () => {
  for (const [kind, parameter, penalty] of PENALTIES) {
    const [value] = tf.tidy(() => penalty(image, { mean }).dataSync());
    assertClose([value], [0.7 * expected(kind, values, parameter)], 1e-4, penalty.name);
  }
});

test("the penalties' gradients are finite differences of their definitions", async () => {
  for (const [kind, parameter, penalty] of PENALTIES) {
    const gradient = tf.tidy(() =>
      tf
        .grad((x) => penalty(x as tf.Tensor3D, { mean }))(image)
        .dataSync(),
    );
    const numeric = Array.from(values, (_, i) => {
      const bumped = (by: number) => Float64Array.from(values, (v, j) => (j === i ? v + by : v));
      return (0.7 * (expected(kind, bumped(1e-5), parameter) - expected(kind, bumped(-1e-5), parameter))) / 2e-5;
    });
    assertClose(gradient, numeric, 2e-3, penalty.name);
  }
});

test('a flat picture in the mean colour costs nothing and pulls nowhere', async () => {
  const flat = tf.tidy(() => tf.add(tf.zeros([H, W, 3]), mean) as tf.Tensor3D);
  for (const [, parameter, penalty] of PENALTIES) {
    const gradient = tf.tidy(() =>
      tf
        .grad((x) => penalty(x as tf.Tensor3D, { mean }))(flat)
        .dataSync(),
    );
    const [value] = tf.tidy(() => penalty(flat, { mean }).dataSync());
    // The root of a total variation with beta below 2 is rounded off at 0.
    assert.ok(Math.abs(value) < (parameter < 2 ? 0.01 : 1e-6), penalty.name);
    assert.ok(
      gradient.every((g) => Math.abs(g) < 1e-3),
      penalty.name,
    );
  }
  flat.dispose();
});

/** Applies a projection and gives the deviation from the mean, before and after. */
function projected(projection: projections.Projection, step = 1, gradient = tf.onesLike(image)) {
  const after = tf.tidy(() => projection(image, { step, gradient, mean }).dataSync());
  gradient.dispose();
  const deviation = (x: ArrayLike<number>) => Array.from(x, (v, i) => v - MEAN[i % 3]);
  return { before: deviation(values), after: deviation(after) };
}

test('decay shrinks towards the mean', async () => {
  const { before, after } = projected(projections.decay(0.3));
  assertClose(
    after,
    before.map((v) => 0.7 * v),
    1e-5,
  );
});

test('blur is a normalised Gaussian with mirrored borders, at every so many steps', async () => {
  const skipped = projected(projections.blur(1, 4), 3);
  assertClose(skipped.after, skipped.before, 1e-6);
  const sigma = 0.6;
  const { before, after } = projected(projections.blur(sigma, 4), 8);
  const radius = Math.max(1, Math.floor(4 * sigma + 0.5));
  const weight = (d: number) => Math.exp(-(d * d) / (2 * sigma * sigma));
  const inside = (i: number, n: number) => (i < 0 ? -1 - i : i >= n ? 2 * n - 1 - i : i);
  const sum = before.map((_, i) => {
    const [row, col, c] = [Math.floor(i / (3 * W)), Math.floor(i / 3) % W, i % 3];
    let [total, weights] = [0, 0];
    for (let dy = -radius; dy <= radius; dy++) {
      for (let dx = -radius; dx <= radius; dx++) {
        const w = weight(dy) * weight(dx);
        total += w * at(before, inside(row + dy, H), inside(col + dx, W), c);
        weights += w;
      }
    }
    return total / weights;
  });
  assertClose(after, sum, 1e-4);
});

const pixelsOf = (x: number[]) => Array.from({ length: H * W }, (_, p) => x.slice(3 * p, 3 * p + 3));
const zero = (pixel: number[]) => pixel.every((v) => Math.abs(v) < 1e-6);

test('clipNorm sets the pixels with the smallest norms to the mean, no others', async () => {
  const { before, after } = projected(projections.clipNorm(40));
  const norms = pixelsOf(before).map((p) => Math.hypot(...p));
  const order = [...norms.keys()].sort((a, b) => norms[a] - norms[b]);
  const gone = new Set(order.slice(0, (H * W * 40) / 100));
  pixelsOf(after).forEach((pixel, p) => assert.is(zero(pixel), gone.has(p), `pixel ${p}`));
});

test('clipContribution looks at |sum of x times gradient|', async () => {
  const random = randomGenerator(5);
  const gradient = tf.tensor3d(
    Float32Array.from({ length: H * W * 3 }, () => random.normal()),
    [H, W, 3],
  );
  const g = Array.from(gradient.dataSync());
  const { before, after } = projected(projections.clipContribution(75), 1, gradient);
  const size = pixelsOf(before).map((p, i) => Math.abs(p.reduce((sum, v, c) => sum + v * g[3 * i + c], 0)));
  const order = [...size.keys()].sort((a, b) => size[a] - size[b]);
  const gone = new Set(order.slice(0, (H * W * 75) / 100));
  pixelsOf(after).forEach((pixel, p) => assert.is(zero(pixel), gone.has(p), `pixel ${p}`));
});

test('bounds clip, nothing leaks, wrong parameters are refused', async () => {
  const wide = tf.tensor3d([-1, 0.5, 2], [1, 1, 3]);
  assert.equal(
    [...tf.tidy(() => projections.bounds()(wide, { step: 1, gradient: wide, mean }).dataSync())],
    [0, 0.5, 1],
  );
  for (const projection of [
    projections.decay(0.1),
    projections.blur(0.5),
    projections.clipNorm(50),
    projections.clipContribution(50),
    projections.bounds(),
  ]) {
    await leakFree(() => projection(image, { step: 1, gradient: image, mean }));
  }
  for (const [, , penalty] of PENALTIES) await leakFree(() => penalty(image, { mean }));
  wide.dispose();
  const wrong = [() => penalties.l2(-1), () => penalties.totalVariation(1, 0), () => penalties.alphaNorm(NaN), () => projections.decay(2), () => projections.blur(0), () => projections.blur(1, 0), () => projections.clipNorm(101)]; // prettier-ignore
  for (const make of wrong) assert.instance(await failure(make), RangeError);
});

test.run();
