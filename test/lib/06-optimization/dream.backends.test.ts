import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tf } from '../../../lib/tf/backend';
import * as o from '../../../lib/06-optimization/objectives';
import { randomGenerator } from '../../../lib/base/random';
import { dream, tileStarts } from '../../../lib/06-optimization/dream';
import { failure, leakFree } from '../../helpers';
import { model, start } from './small-network';

test.before(start);

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
  assert.equal(sizes, [
    [42, 33],
    [50, 40],
  ]);
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

test.run();
