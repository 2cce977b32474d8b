import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  classOf,
  firstMaximum,
  fixTarget,
  resolveTarget,
  seedGradient,
  targetValue,
  targetValues,
} from '../../../lib/model/target';
import { startBackend, tf } from '../../../lib/tf/backend';
import { failure, leakFree, tinyModel } from '../../helpers';

// Two 1x1 filters that copy red and green.
const copies = () => tinyModel([3, 4], [{ kernel: [1, 0, 0, 1, 0, 0], size: [1, 1], filters: 2, relu: false }]);
const RED = [0, 0.1, 0.2, 0.3, 0.9, 0.2, 0.9, 0.1, 0, 0.9, 0.4, 0.4];
const picture = () =>
  tf.tensor3d(
    RED.flatMap((r) => [r, 0.5, 0]),
    [3, 4, 3],
  );

test.before(async () => {
  await startBackend();
});

test('firstMaximum：平局只取第一个，梯度为 0', async () => {
  const rows = tf.tensor2d([[1, 3, 3, 2], [0, 0, 0, 0], [-2, -5, -2, -2]]); // prettier-ignore
  const mask = firstMaximum(rows);
  assert.equal(await mask.array(), [[0, 1, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]]); // prettier-ignore
  const single = firstMaximum(tf.tidy(() => tf.slice(rows, [0, 0], [3, 1])));
  assert.equal(await single.array(), [[1], [1], [1]]);
  // As a constant, the mask picks the gradient of one entry a row.
  const gradient = tf.grad((x) => tf.sum(tf.mul(x, firstMaximum(x as tf.Tensor2D))))(rows);
  assert.equal(await gradient.array(), await mask.array());
  tf.dispose([mask, single, gradient, rows]);
});

test('每种位置的种子与值，手算', async () => {
  const [model, image] = [copies(), picture()];
  const at = (place: 'max' | 'center' | 'sum' | [number, number], channel = 0) => ({ layer: 'c1', channel, at: place });
  assert.ok(Math.abs((await targetValue(model, image, at('max'))) - 0.9) < 1e-6);
  assert.ok(Math.abs((await targetValue(model, image, at('center'))) - 0.9) < 1e-6);
  assert.ok(Math.abs((await targetValue(model, image, at([0, 3]))) - 0.3) < 1e-6);
  assert.ok(Math.abs((await targetValue(model, image, at('sum', 1))) - 6) < 1e-5);
  assert.equal(await fixTarget(model, image, at('max')), at([1, 0]));
  assert.equal(await fixTarget(model, image, at('center', 1)), at([1, 2], 1));
  assert.equal(await fixTarget(model, image, at('sum')), at('sum'));
  const batch = tf.stack([image, image]) as tf.Tensor4D;
  const mixed = [resolveTarget(model, at('max')), resolveTarget(model, at([2, 1], 1))];
  const seed = tf.tidy(() => seedGradient(model.activations(batch, 'c1'), mixed));
  const ones = Array.from(await seed.data()).flatMap((v, i) => (v === 1 ? [i] : v === 0 ? [] : [NaN]));
  assert.equal(ones, [(1 * 4 + 0) * 2 + 0, 24 + (2 * 4 + 1) * 2 + 1]);
  await leakFree(() => targetValues(model, batch, at('max')));
  await leakFree(() => fixTarget(model, image, at('max')));
  tf.dispose([seed, batch, image]);
  model.dispose();
});

test('光给一个数：说出该怎样写；神经元不能当类别', async () => {
  const [model, image] = [
    tinyModel([2, 2], [{ kernel: [1, 1, 1, 1, 1, 1], size: [1, 1], filters: 2 }]),
    tf.zeros([2, 2, 3]),
  ];
  const bare = await failure(() => targetValue(model, image as tf.Tensor3D, 281 as never));
  assert.instance(bare, TypeError);
  assert.match(bare.message, /得到 281；类别 281 写成 \{ class: 281 \}/);
  for (const wrong of [undefined, null, '鸵鸟', {}]) {
    assert.match(
      (await failure(() => resolveTarget(model, wrong as never))).message,
      /target 应写成 \{ class: 编号 \}/,
    );
  }
  assert.match(
    (await failure(() => classOf(model, { layer: 'c1', channel: 0 } as never, 'away'))).message,
    /^away 应为一个类别/,
  );
  image.dispose();
  model.dispose();
});

test.run();
