import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { coherence, energyShare, fieldMask, objectMask } from '../../../lib/05-deconv/clarity';
import { pixelNoise } from '../../../lib/05-deconv/pixel-noise';
import { failure, leakFree, tinyModel } from '../../helpers';

test.before(async () => void (await startBackend()));

test('灰底上的物体，手算', async () => {
  const image = tf.tidy(() => tf.pad(tf.ones([1, 2, 3]), [[1, 1], [1, 0], [0, 0]], 0.5)) as tf.Tensor3D; // prettier-ignore
  const mask = objectMask(image);
  assert.equal(await mask.array(), [[0, 0, 0], [0, 1, 1], [0, 0, 0]]); // prettier-ignore
  mask.dispose();
  await leakFree(() => objectMask(image));
  image.dispose();
});

test('感受野占哪些像素；伸到图外的部分没有', async () => {
  const model = tinyModel([6, 6], [{ size: [3, 3], filters: 1, kernel: Array(27).fill(1) }]);
  const mask = fieldMask(model, 'c1', [3, 0]);
  const rows = (await mask.array()).map((row) => row.join(''));
  assert.equal(rows, ['000000', '000000', '000000', '111000', '111000', '111000']);
  mask.dispose();
  await leakFree(() => fieldMask(model, 'c1', [0, 0]));
  assert.match((await failure(() => fieldMask(model, 'c9', [0, 0]))).message, /c9/);
  model.dispose();
});

test('能量的比例与相邻像素的相似度，手算', async () => {
  const map = tf.tensor3d([2, 0, 0, -1, 0, 0, 1, 0, 0, 0, 1, 1], [2, 2, 3]); // energies 4, 1, 1, 2
  const mask = tf.tensor2d([[1, 0], [0, 1]]); // prettier-ignore
  assert.is(await energyShare(map, mask), 6 / 8);
  // left column (2,0,0), (1,0,0); right column (−1,0,0), (0,1,1)
  assert.ok(Math.abs((await coherence(map)) - -2 / Math.sqrt(5 * 3)) < 1e-6);
  const zeros = tf.zeros([2, 2, 3]) as tf.Tensor3D;
  assert.ok(Number.isNaN(await energyShare(zeros, mask)));
  assert.is(await coherence(zeros), 0);
  await leakFree(() => energyShare(map, mask));
  await leakFree(() => coherence(map));
  tf.dispose([map, mask, zeros]);
});

test('像素噪声：线性的单元，变化是 σ·|权值|·E|z|；不看的像素没有影响', async () => {
  const model = tinyModel([2, 2], [{ size: [1, 1], filters: 1, kernel: [2, 0, 0] }]);
  const image = tf.fill([2, 2, 3], 0.5) as tf.Tensor3D; // the unit's value is 1
  const target = { layer: 'c1', channel: 0, at: [0, 1] as const };
  const change = await pixelNoise(model, image, target, [1], { sigma: 0.1, samples: 2000, seed: 3 });
  assert.ok(Math.abs(change / (0.2 * Math.sqrt(2 / Math.PI)) - 1) < 0.06, `${change}`);
  assert.is(await pixelNoise(model, image, target, [0, 2, 3]), 0);
  // 'max' is one place, whatever the noise makes larger: noise elsewhere changes nothing.
  assert.is(await pixelNoise(model, image, { ...target, at: 'max' }, [1, 2, 3]), 0);
  await leakFree(() => pixelNoise(model, image, target, [1]));
  assert.match((await failure(() => pixelNoise(model, image, target, [4]))).message, /像素编号应为 0 … 3/);
  const black = tf.zeros([2, 2, 3]) as tf.Tensor3D;
  assert.match((await failure(() => pixelNoise(model, black, target, [1]))).message, /值是 0/);
  tf.dispose([image, black]);
  model.dispose();
});

test.run();
