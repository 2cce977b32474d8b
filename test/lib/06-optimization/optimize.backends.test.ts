import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { diverse } from '../../../lib/06-optimization/diversity';
import { fourier } from '../../../lib/06-optimization/fourier';
import { requestInterrupt } from '../../../lib/base/interrupt';
import type { ImageModel } from '../../../lib/model/model';
import { loadModel, type NetworkId } from '../../../lib/model/networks/load';
import * as o from '../../../lib/06-optimization/objectives';
import { maximize, type MaximizeOptions, type Optimized } from '../../../lib/06-optimization/optimize';
import { simonyanPreset, yosinskiPresets } from '../../../lib/06-optimization/presets';
import { randomGenerator } from '../../../lib/base/random';
import { dream, tileStarts } from '../../../lib/06-optimization/dream';
import { pixels } from '../../../lib/06-optimization/parametrization';
import * as penalties from '../../../lib/06-optimization/penalties';
import * as projections from '../../../lib/06-optimization/projections';
import * as s from '../../../lib/06-optimization/steps';
import { jitter, pad, rotate, scale } from '../../../lib/06-optimization/transforms';
import { assertClose, failure, leakFree, longTest, relativeError, tinyModel, withNetworks } from '../../helpers';

const SIZE: [number, number] = [32, 32];
const STEPS = process.env.CONVSCOPE_TESTS === 'small' ? 4 : 12;
/** Gradient ascent on the pixels, without any prior. */
const NOTHING: MaximizeOptions = { parametrization: pixels() };

/** Random weights of both signs; a linear second layer, so that no score starts dead. */
function network(): ImageModel {
  const random = randomGenerator(3);
  const weights = (n: number) => Array.from({ length: n }, () => random.normal() / 3);
  return tinyModel(SIZE, [
    { kernel: weights(3 * 3 * 3 * 4), size: [3, 3], filters: 4, bias: [0.1, 0.1, 0.1, 0.1] },
    { kernel: weights(3 * 3 * 4 * 5), size: [3, 3], filters: 5, relu: false },
  ]);
}

let model: ImageModel;
test.before(async () => {
  await startBackend();
  model = network();
});

const rise = ({ trace }: Optimized) => trace[trace.length - 1] - trace[0];
const release = (result: Optimized) => tf.dispose([result.image, result.best]);

async function run(objective: o.Objective, options: MaximizeOptions = {}, on = model): Promise<Optimized> {
  const result = await maximize(on, objective, { steps: STEPS, ...options });
  release(result);
  return result;
}

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
  for (const { name, options } of [...yosinskiPresets, simonyanPreset]) {
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
      return tf.sub(value((layer) => outputs[layers.indexOf(layer)]), penalties.l2(1e-3)(image, { mean })).dataSync()[0]; // prettier-ignore
    });
  const at = [1601, 1634, 777];
  const expected = at.map((i) => {
    const bump = (by: number) =>
      tf.tidy(() => total(tf.tensor3d(Float32Array.from(start.dataSync(), (v, j) => (j === i ? v + by : v)), [32, 32, 3]))); // prettier-ignore
    return (bump(0.02) - bump(-0.02)) / 0.04;
  });
  assertClose(at.map((i) => gradient[i]), expected, 0.02, '梯度'); // prettier-ignore
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

test('the seed decides: equal seeds give equal pictures, others do not', async () => {
  const trace = async (seed: number) => (await run(o.classScore(2), { seed })).trace;
  const [first, again, other] = [await trace(1), await trace(1), await trace(2)];
  // A graphics card adds up in any order what arrives at one pixel: the last digit may differ there.
  if (tf.getBackend() === 'webgpu') assertClose(again, first, 1e-6);
  else assert.equal(first, again);
  assert.not.equal(first, other);
  assert.ok(relativeError(other, first) > 1e-3);
});

test('a resumed run is the uninterrupted run', async () => {
  const cases: Record<string, MaximizeOptions> = {
    defaults: {},
    momentum: { ...NOTHING, step: s.momentum(1), penalties: [penalties.l2(1e-4)] },
    'fourier, adam': { parametrization: fourier(), step: s.adam(0.05), transforms: [jitter(2)] },
  };
  for (const [name, options] of Object.entries(cases)) {
    const whole = await run(o.classScore(1), { ...options, steps: 10, seed: 4 });
    const half = await run(o.classScore(1), { ...options, steps: 5, seed: 4 });
    const rest = await run(o.classScore(1), { ...options, steps: 5, resume: half });
    assertClose(rest.trace, whole.trace, 1e-6, name);
    assert.is(rest.bestStep, whole.bestStep, name);
    assert.equal(rest.settings, whole.settings, name);
  }
});

test('abort, interrupt and until stop within one step and keep what there is', async () => {
  const controller = new AbortController();
  const aborted = await run(o.classScore(1), {
    signal: controller.signal,
    onStep: ({ step }) => step === 3 && controller.abort(),
  } as MaximizeOptions);
  assert.is(aborted.stopped, 'aborted');
  assert.is(aborted.trace.length, 4);
  const interrupted = await run(o.classScore(1), {
    onStep: ({ step }) => (step === 2 ? requestInterrupt() : undefined),
  });
  assert.is(interrupted.stopped, 'interrupted');
  assert.is(interrupted.trace.length, 3);
  const reached = await run(o.classScore(1), { ...NOTHING, until: ({ value, trace }) => value > trace[0] });
  assert.is(reached.stopped, 'reached');
  assert.ok(reached.trace.length < 13);
});

test('a dead unit is noticed: more noise, another seed, a note; a hopeless one is an error', async () => {
  // Fires only where red exceeds 0.9: nowhere in a grey picture with little noise.
  const dead = tinyModel([8, 8], [{ kernel: [1, 0, 0], size: [1, 1], filters: 1, bias: [-0.9] }]);
  const start = tf.fill([8, 8, 3], 0.5) as tf.Tensor3D;
  const result = await maximize(dead, o.channel('relu1', 0), { ...NOTHING, start, steps: 5 });
  assert.ok(result.notes[0].includes('死神经元'), String(result.notes));
  assert.ok(result.settings.seed > 0);
  assert.ok(result.trace[5] > 0);
  release(result);
  const never = tinyModel([8, 8], [{ kernel: [1, 0, 0], size: [1, 1], filters: 1, bias: [-50] }]);
  const before = tf.memory().numTensors;
  const error = await failure(() => maximize(never, o.channel('relu1', 0), { steps: 3 }));
  assert.instance(error, RangeError);
  assert.ok(error.message.includes('ReLU 之前'));
  assert.is(tf.memory().numTensors, before);
  start.dispose();
  dead.dispose();
  never.dispose();
});

test('the noise that wakes a dead unit does not stay in the picture', async () => {
  // Fires where red is high; the loud noise is in all colours and everywhere.
  const dead = tinyModel([32, 32], [{ kernel: [1, 0, 0], size: [1, 1], filters: 1, bias: [-0.7] }]);
  const start = tf.fill([32, 32, 3], 0.5) as tf.Tensor3D;
  const options = { parametrization: fourier({ colours: 'rgb' }), transforms: [], start, steps: 1 };
  const result = await maximize(dead, o.channel('relu1', 0), options);
  assert.ok(
    result.notes.some((note) => note.includes('又减去了')),
    String(result.notes),
  );
  assert.ok(result.trace[0] > 0);
  const { variance } = tf.moments(result.image, [0, 1]);
  const [, green, blue] = await tf.sqrt(variance).data();
  assert.ok(green < 0.01 && blue < 0.01, `${green}, ${blue}`);
  tf.dispose(variance);
  release(result);
  await leakFree(() => maximize(dead, o.channel('relu1', 0), options), (x) => release(x as Optimized)); // prettier-ignore
  tf.dispose([start]);
  dead.dispose();
});

test('no leak: a run, the Fourier parametrisation, an abort, an error in a callback or an objective', async () => {
  await leakFree(() => maximize(model, o.classScore(1), { steps: 3 }), (x) => release(x as Optimized)); // prettier-ignore
  await leakFree(
    () => maximize(model, o.classScore(1), { ...NOTHING, steps: 3 }),
    (x) => release(x as Optimized),
  );
  await leakFree(() => diverse(model, o.classScore(1), { steps: 2, count: 2, weight: 1 }), (x) => (x as Optimized[]).forEach(release)); // prettier-ignore
  const boom = () => {
    throw new Error('boom');
  };
  await leakFree(() => failure(() => maximize(model, o.classScore(1), { steps: 3, onStep: boom })));
  await leakFree(() => failure(() => maximize(model, () => ({ layers: ['c2'], value: boom }), { steps: 3 })));
  await leakFree(() => failure(() => maximize(model, o.classScore(1), { steps: 3, penalties: [boom] })));
});

test('memory is flat over 2000 steps', async () => {
  const steps = tf.getBackend() === 'webgpu' ? 100 : 2000;
  const tiny = tinyModel([4, 4], [{ kernel: [1, 1, 1], size: [1, 1], filters: 1, relu: false }]);
  let most = 0;
  let least = Infinity;
  const onStep = ({ step }: { step: number }) => {
    // The last evaluation takes no gradient.
    if (step < 2 || step === steps) return;
    most = Math.max(most, tf.memory().numTensors);
    least = Math.min(least, tf.memory().numTensors);
  };
  release(await maximize(tiny, o.classScore(0), { ...NOTHING, steps, onStep, verdict: false }));
  assert.is(most, least);
  tiny.dispose();
});

test('wrong arguments say what is allowed', async () => {
  const wrong: [o.Objective, MaximizeOptions, RegExp][] = [
    [o.classScore(5), {}, /0 到 4/],
    [o.classScore(-1), {}, /类别编号/],
    [o.neuron('c9', 0), {}, /没有名为"c9"的层/],
    [o.neuron('c2', 5), {}, /通道/],
    [o.neuron('c2', 0, [0, 99]), {}, /列/],
    [o.direction('c2', [1, 2]), {}, /5 个数/],
    [o.classScore(0), { steps: 0 }, /steps/],
    [o.classScore(0), { seed: NaN }, /seed/],
    [o.classScore(0), { learningRate: -1 }, /学习率/],
    [o.classScore(0), { learningRate: 0.1, step: s.plain(1) }, /只能给一个/],
    [o.classScore(0), { projections: [projections.decay(0.1)] }, /pixels\(\)/],
    [o.classScore(0), { start: tf.zeros([8, 8]) as unknown as tf.Tensor3D }, /起点/],
    [o.classScore(0), { ...NOTHING, step: s.plain(1e38), penalties: [penalties.l2(1e38)] }, /学习率或惩罚系数太大/],
  ];
  const before = tf.memory().numTensors;
  for (const [objective, options, message] of wrong) {
    const error = await failure(() => maximize(model, objective, { steps: 3, ...options }));
    assert.match(error.message, message);
    assert.ok(error instanceof RangeError || error instanceof TypeError, error.name);
  }
  assert.is(tf.memory().numTensors, before);
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
  const image = tf.tensor3d(red.flatMap((v) => [v, 0, 0]), [4, 4, 3]); // prettier-ignore
  const { layers, value } = o.neuron('c1', 0, 'max')(flat);
  const f = (x: tf.Tensor) => value(() => flat.forward(tf.expandDims(x, 0) as tf.Tensor4D, layers)[0]);
  const { value: largest, grad } = tf.valueAndGrad(f)(image);
  const mean = tf.tidy(() => flat.activations(image, 'c1').dataSync()[6]);
  assertClose([largest.dataSync()[0]], [mean], 1e-5);
  const moved = Array.from(grad.dataSync(), (v, i) => ({ v, pixel: Math.floor(i / 3) })).filter(({ v }) => v !== 0);
  assert.equal(moved.map(({ pixel }) => pixel), [6]); // prettier-ignore
  tf.dispose([image, largest, grad]);
  await leakFree(() => maximize(flat, o.neuron('c1', 0, 'max'), { steps: 2, verdict: false }), (x) => release(x as Optimized)); // prettier-ignore
  flat.dispose();
});

test('dream: the tiles cover the picture, the energy rises on a picture larger than the input, it stops and leaks nothing', async () => {
  assert.equal(tileStarts(32, 32), [0]);
  assert.equal(tileStarts(50, 32), [0, 18]);
  assert.equal(tileStarts(70, 32), [0, 19, 38]);
  const random = randomGenerator(5);
  const photo = tf.tensor3d(Float32Array.from({ length: 50 * 40 * 3 }, random.uniform), [50, 40, 3]);
  const objective = o.energy('relu1');
  const energyOf = (x: tf.Tensor3D) =>
    tf.tidy(() => tf.mean(tf.square(model.activations(tf.slice(x, [9, 4, 0], [32, 32, 3]), 'relu1'))).dataSync()[0]);
  const { image, sizes, stopped } = await dream(model, photo, { objective, octaves: 3, ratio: 1.2, steps: 6 });
  assert.equal(sizes, [[42, 33], [50, 40]]); // prettier-ignore
  assert.equal(image.shape, [50, 40, 3]);
  assert.is(stopped, undefined);
  assert.ok(energyOf(image) > 1.05 * energyOf(photo), `${energyOf(photo)} → ${energyOf(image)}`);
  const controller = new AbortController();
  const steps: number[] = [];
  const onStep = ({ done }: { done: number }) => {
    steps.push(done);
    if (done === 2) controller.abort();
  };
  const half = await dream(model, photo, { objective, steps: 6, signal: controller.signal, onStep });
  assert.equal([half.stopped, steps.length, half.image.shape], ['aborted', 2, [50, 40, 3]]);
  const boom = () => {
    throw new Error('boom');
  };
  await leakFree(() => dream(model, photo, { objective, steps: 2 }));
  await leakFree(() => failure(() => dream(model, photo, { objective, steps: 2, onStep: boom })));
  await leakFree(() => failure(() => dream(model, photo, { objective: () => ({ layers: ['c2'], value: boom }) })));
  const small = tf.zeros([20, 40, 3]) as tf.Tensor3D;
  assert.match((await failure(() => dream(model, small))).message, /32×32/);
  assert.match((await failure(() => dream(model, photo, { octaves: 0 }))).message, /octaves/);
  tf.dispose([photo, image, half.image, small]);
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
