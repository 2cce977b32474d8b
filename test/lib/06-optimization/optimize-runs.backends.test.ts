import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tf } from '../../../lib/tf/backend';
import { diverse } from '../../../lib/06-optimization/diversity';
import { fourier } from '../../../lib/06-optimization/fourier';
import * as o from '../../../lib/06-optimization/objectives';
import { maximize, type MaximizeOptions, type Optimized } from '../../../lib/06-optimization/optimize';
import * as penalties from '../../../lib/06-optimization/penalties';
import * as projections from '../../../lib/06-optimization/projections';
import * as s from '../../../lib/06-optimization/steps';
import { jitter } from '../../../lib/06-optimization/transforms';
import { assertClose, failure, leakFree, relativeError, tinyModel, requestInterrupt } from '../../helpers';
import { NOTHING, model, release, run, start } from './small-network';

test.before(start);

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
    onStep: ({ done }) => done === 3 && controller.abort(),
  } as MaximizeOptions);
  assert.is(aborted.stopped, 'aborted');
  assert.is(aborted.trace.length, 4);
  const interrupted = await run(o.classScore(1), {
    onStep: ({ done }) => (done === 2 ? requestInterrupt() : undefined),
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
  const onStep = ({ done }: { done: number }) => {
    // The last evaluation takes no gradient.
    if (done < 2 || done === steps) return;
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

test.run();
