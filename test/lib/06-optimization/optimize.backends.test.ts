import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { diverse } from '../../../lib/06-optimization/diversity';
import { fourier } from '../../../lib/06-optimization/fourier';
import { loadModel, type NetworkId } from '../../../lib/model/networks/load';
import * as o from '../../../lib/06-optimization/objectives';
import { maximize, type Optimized } from '../../../lib/06-optimization/optimize';
import { yosinskiPresets } from '../../../lib/06-optimization/presets';
import { randomGenerator } from '../../../lib/base/random';
import * as penalties from '../../../lib/06-optimization/penalties';
import * as projections from '../../../lib/06-optimization/projections';
import * as s from '../../../lib/06-optimization/steps';
import { jitter, pad, rotate, scale } from '../../../lib/06-optimization/transforms';
import { assertClose, leakFree, longTest, tinyModel, withNetworks } from '../../helpers';
import { NOTHING, model, release, run, start } from './small-network';

test.before(start);

const rise = ({ trace }: Optimized) => trace[trace.length - 1] - trace[0];

/** A code that some picture has. */
const codeOf = (layer: string) =>
  tf.tidy(() => {
    const random = randomGenerator(8);
    const image = tf.tensor3d(Float32Array.from({ length: 32 * 32 * 3 }, random.uniform), [32, 32, 3]);
    return model.activations(image, layer);
  });

test('every objective rises', async () => {
  const code = codeOf('c2');
  const objectives: Record<string, o.Objective> = {
    classScore: o.classScore(1),
    classProbability: o.classProbability(1),
    'classProbability, no log': o.classProbability(1, { log: false }),
    'neuron at the centre': o.neuron('c2', 2),
    'neuron at the maximum': o.neuron('c2', 2, 'max'),
    'neuron at a place': o.neuron('relu1', 1, [3, 5]),
    channel: o.channel('relu1', 0),
    direction: o.direction('c2', [1, -2, 0, 0.5, 1]),
    energy: o.energy('relu1'),
    negative: o.negative(o.channel('c2', 0)),
    sum: o.sum(o.channel('c2', 0), o.scaled(o.channel('relu1', 2), 2)),
    'distance falls': o.negative(o.featureDistance('c2', code)),
  };
  for (const [name, objective] of Object.entries(objectives)) {
    const result = await run(objective, NOTHING);
    assert.ok(rise(result) > 1e-4, `${name}: ${result.trace}`);
  }
  code.dispose();
});

test('every step rule raises the objective', async () => {
  const rules = [s.plain(5), s.normalized(0.02), s.momentum(2), s.byProgress(0.05, 100), s.sign(0.02), s.adam(0.02)];
  for (const step of rules) assert.ok(rise(await run(o.classScore(1), { ...NOTHING, step })) > 1e-3, step.name);
});

test('the objective minus every penalty rises', async () => {
  for (const penalty of [
    penalties.l2(1e-4),
    penalties.totalVariation(1e-4),
    penalties.totalVariation(1e-4, 1),
    penalties.alphaNorm(1e-4),
  ]) {
    const result = await run(o.classScore(1), { ...NOTHING, penalties: [penalty], learningRate: 0.01 });
    const totals = result.trace.map((value, k) => value - result.penalty[k]);
    assert.ok(totals[totals.length - 1] > totals[0] + 1e-4, penalty.name);
    assert.is(result.settings.penalties[0], penalty.name);
  }
});

test('the objective rises under every projection and transform', async () => {
  const each = [
    projections.decay(0.01),
    projections.blur(0.5, 2),
    projections.clipNorm(20),
    projections.clipContribution(20),
  ];
  for (const projection of each) {
    const result = await run(o.classScore(1), { ...NOTHING, projections: [projection] });
    assert.ok(rise(result) > 1e-3, projection.name);
  }
  for (const transform of [jitter(3), scale([0.9, 1.1]), rotate(10), pad(4)]) {
    const result = await run(o.classScore(1), { ...NOTHING, transforms: [transform] });
    assert.ok(rise(result) > 1e-3, transform.name);
  }
});

longTest(test, 'the objective rises with every preset, and with the Fourier parametrisation', async () => {
  // Clipping and decay alone lower this score: the presets' steps must win against them.
  const score = o.scaled(o.classScore(1), 1000);
  const last = ({ trace }: Optimized) => trace[trace.length - 1];
  for (const { name, options } of yosinskiPresets) {
    const result = await run(score, { ...options, steps: 12 });
    const still = await run(score, { ...options, steps: 12, step: s.plain(0) });
    assert.ok(last(result) > last(still) + 1e-3, `${name}: ${last(result)}, ${last(still)}`);
  }
  const result = await run(o.classScore(1), { parametrization: fourier(), step: s.adam(0.05), transforms: [] });
  assert.ok(rise(result) > 1e-3);
});

test('the first step is the gradient, by finite differences', async () => {
  const target = o.sum(o.channel('c2', 1), o.neuron('c2', 0));
  const options = { ...NOTHING, start: 'mean' as const, noise: 0, penalties: [penalties.l2(1e-3)] };
  const start = tf.fill([32, 32, 3], 0.4) as tf.Tensor3D;
  const result = await maximize(model, target, { ...options, start, steps: 1, step: s.plain(1e-3) });
  const moved = tf.tidy(() => tf.div(tf.sub(result.image, start), 1e-3));
  const gradient = await moved.data();
  const { layers, value } = target(model);
  const total = (image: tf.Tensor3D) =>
    tf.tidy(() => {
      const outputs = model.forward(tf.expandDims(image, 0) as tf.Tensor4D, layers);
      const mean = tf.tensor1d([...model.mean]);
      return tf
        .sub(
          value((layer) => outputs[layers.indexOf(layer)]),
          penalties.l2(1e-3)(image, { mean }),
        )
        .dataSync()[0];
    });
  const at = [1601, 1634, 777];
  const expected = at.map((i) => {
    const bump = (by: number) =>
      tf.tidy(() =>
        total(
          tf.tensor3d(
            Float32Array.from(start.dataSync(), (v, j) => (j === i ? v + by : v)),
            [32, 32, 3],
          ),
        ),
      );
    return (bump(0.02) - bump(-0.02)) / 0.04;
  });
  assertClose(
    at.map((i) => gradient[i]),
    expected,
    0.02,
    '梯度',
  );
  release(result);
  tf.dispose([start, moved]);
});

test('the trace starts at the start, ends at the result, and best is its largest', async () => {
  const result = await maximize(model, o.classScore(1), { ...NOTHING, steps: 7 });
  assert.is(result.trace.length, 8);
  const score = (image: tf.Tensor3D) => tf.tidy(() => model.activations(image).dataSync()[1]);
  assertClose([score(result.image)], [result.trace[7]], 1e-5);
  assertClose([score(result.best)], [Math.max(...result.trace)], 1e-5);
  assert.is(result.trace[result.bestStep], Math.max(...result.trace));
  assert.is(result.settings.steps, 7);
  assert.is(result.verdict.length, 5);
  assert.is(result.stopped, undefined);
  release(result);
});

test('a run that asks for diversity yields pictures further apart', async () => {
  const distance = async (weight: number) => {
    const results = await diverse(model, o.classScore(1), { ...NOTHING, steps: 15, count: 2, weight, layer: 'relu1' });
    const codes = results.map((x) => model.activations(x.best, 'relu1'));
    const { layers, value } = o.similarity('relu1', [codes[0]])(model);
    const alike = tf.tidy(() => value(() => tf.expandDims(codes[1], 0)).dataSync()[0]);
    tf.dispose(codes);
    results.forEach(release);
    assert.is(layers[0], 'relu1');
    return alike;
  };
  assert.ok((await distance(20)) < (await distance(0)) - 1e-3);
});

test("'max' asks for one place: of two that tie, only the first gets a gradient, and the value is its value", async () => {
  const flat = tinyModel([4, 4], [{ kernel: [1, 0, 0], size: [1, 1], filters: 1, relu: false }]);
  const red = Array.from({ length: 16 }, (_, i) => (i === 6 || i === 9 ? 0.8 : 0.1));
  const image = tf.tensor3d(
    red.flatMap((v) => [v, 0, 0]),
    [4, 4, 3],
  );
  const { layers, value } = o.neuron('c1', 0, 'max')(flat);
  const f = (x: tf.Tensor) => value(() => flat.forward(tf.expandDims(x, 0) as tf.Tensor4D, layers)[0]);
  const { value: largest, grad } = tf.valueAndGrad(f)(image);
  const mean = tf.tidy(() => flat.activations(image, 'c1').dataSync()[6]);
  assertClose([largest.dataSync()[0]], [mean], 1e-5);
  const moved = Array.from(grad.dataSync(), (v, i) => ({ v, pixel: Math.floor(i / 3) })).filter(({ v }) => v !== 0);
  assert.equal(
    moved.map(({ pixel }) => pixel),
    [6],
  );
  tf.dispose([image, largest, grad]);
  await leakFree(
    () => maximize(flat, o.neuron('c1', 0, 'max'), { steps: 2, verdict: false }),
    (x) => release(x as Optimized),
  );
  flat.dispose();
});

/** The defaults raise the score, and memory stays flat. */
async function raises(id: NetworkId, target: o.Objective, steps: number) {
  const real = await loadModel(id);
  const counts: number[] = [];
  const onStep = () => void counts.push(tf.memory().numTensors);
  const result = await maximize(real, target, { steps, onStep });
  assert.is(new Set(counts.slice(1, -1)).size, 1);
  const { trace, verdict } = result;
  release(result);
  real.dispose();
  return { first: trace[0], last: trace[steps], verdict };
}

const manySteps = async () => ((await startBackend()).name === 'tensorflow' ? 50 : 10);

longTest(test, 'AlexNet: the defaults raise a channel of conv5, memory is flat', async () => {
  const { first, last } = await raises('alexnet', o.channel('conv5', 10), await manySteps());
  assert.ok(last > first + 2, `${first} → ${last}`);
});

withNetworks(test, ['googlenet'], 'GoogLeNet: the defaults raise the score, memory is flat', async () => {
  const steps = await manySteps();
  const { first, last, verdict } = await raises('googlenet', o.classScore(130), steps);
  assert.ok(last > first + 5, `${first} → ${last}`);
  if (steps === 50) assert.is(verdict[0].index, 130);
});

test.run();
