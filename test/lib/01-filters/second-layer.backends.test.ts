import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { expandedKernel, kernelInputs } from '../../../lib/01-filters/expanded';
import { neighbourCorrelation, smoothNoise } from '../../../lib/01-filters/smooth-noise';
import { startBackend, tf } from '../../../lib/tf/backend';
import { loadModel } from '../../../lib/model/networks/load';
import { randomGenerator } from '../../../lib/base/random';
import { failure, leakFree } from '../../helpers';

test.before(async () => {
  await startBackend();
});

test('展开的核与图的内积，就是去掉 ReLU、把最大池化换成平均之后 conv2 的输出', async () => {
  const model = await loadModel('alexnet');
  const [first, second] = ['conv1', 'conv2'].map((name) => model.network.getLayer(name).getWeights()[0] as tf.Tensor4D);
  const image = tf.randomNormal([1, 51, 51, 3], 0, 1, 'float32', 7) as tf.Tensor4D;
  const chain = tf.tidy(() => {
    const pooled = tf.avgPool(tf.conv2d(image, first, 4, 'valid') as tf.Tensor4D, 3, 2, 'valid');
    return tf.conv2d(pooled, second, 1, 'valid').dataSync();
  }) as unknown as Float32Array;
  assert.is(chain.length, 192);
  for (const filter of [0, 22, 191]) {
    const expanded = expandedKernel(model, { filter });
    assert.equal(expanded.shape, [51, 51, 3]);
    const inner = tf.tidy(() => tf.sum(tf.mul(expanded, tf.squeeze(image, [0]))).dataSync()[0]);
    assert.ok(
      Math.abs(inner - chain[filter]) < 1e-3 * (1 + Math.abs(chain[filter])),
      `${filter}：${inner}，${chain[filter]}`,
    );
    expanded.dispose();
  }
  await leakFree(() => expandedKernel(model, { filter: 3 }));
  assert.match((await failure(() => expandedKernel(model, { filter: 192 }))).message, /filter 应为 0 … 191/);
  assert.match((await failure(() => expandedKernel(model, { second: 'conv4' }))).message, /它们不相连/);
  assert.match(
    (await failure(() => expandedKernel(model, { first: 'conv2', second: 'conv3' }))).message,
    /不是 RGB 像素/,
  );
  image.dispose();
  model.dispose();
});

test('一个核的切片按能量从大到小，份额加起来是 1，数就是权值', async () => {
  const model = await loadModel('alexnet');
  const inputs = await kernelInputs(model, 'conv2', { filter: 5 });
  assert.is(inputs.length, 64);
  assert.ok(Math.abs(inputs.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-5);
  assert.ok(inputs.every(({ share }, i) => i === 0 || share <= inputs[i - 1].share));
  assert.is(new Set(inputs.map(({ channel }) => channel)).size, 64);
  const kernel = model.network.getLayer('conv2').getWeights()[0] as tf.Tensor4D;
  const [{ channel, values }] = inputs;
  const own = tf.tidy(() => tf.slice(kernel, [0, 0, channel, 5], [-1, -1, 1, 1]).dataSync()) as unknown as Float32Array;
  assert.equal(values, own);
  await leakFree(() => kernelInputs(model, 'conv2'));
  assert.match((await failure(() => kernelInputs(model, 'pool1'))).message, /pool1 层没有卷积核/);
  model.dispose();
});

test('相邻两格的相关：棋盘为 −1，渐变接近 1，白噪声约为 0', async () => {
  const board = Float32Array.from({ length: 36 }, (_, i) => ((i % 6) + Math.floor(i / 6)) % 2);
  assert.ok(Math.abs(neighbourCorrelation(board, [6, 6]) + 1) < 1e-6);
  const slope = Float32Array.from({ length: 400 }, (_, i) => i % 20);
  assert.ok(neighbourCorrelation(slope, [20, 20]) > 0.9);
  const random = randomGenerator(1);
  const white = Float32Array.from({ length: 10000 }, () => random.normal());
  assert.ok(Math.abs(neighbourCorrelation(white, [100, 100])) < 0.03);
  assert.match((await failure(() => neighbourCorrelation(board, [5, 5]))).message, /5×5 的核应有 25 个数，得到 36 个/);
});

test('一样平滑的随机核：平均的相关与给定的核相同，种子不同则核不同', async () => {
  const size = [9, 9] as const;
  const random = randomGenerator(2);
  const like = [0.05, 0.3, 0.6].map((slow) =>
    Array.from({ length: 81 }, (_, i) => Math.cos(slow * (i % 9)) + 0.1 * random.normal()),
  );
  const average = (v: readonly ArrayLike<number>[]) =>
    v.reduce((s, f) => s + neighbourCorrelation(f, size), 0) / v.length;
  const noise = smoothNoise(like, size, { count: 400, seed: 3 });
  assert.is(noise.length, 400);
  assert.ok(Math.abs(average(noise) - average(like)) < 0.03, `${average(noise)}，应为 ${average(like)}`);
  assert.equal(smoothNoise(like, size, { count: 2, seed: 3 })[1], smoothNoise(like, size, { count: 2, seed: 3 })[1]);
  assert.not.equal(smoothNoise(like, size, { seed: 3 })[0], smoothNoise(like, size, { seed: 4 })[0]);
  assert.match((await failure(() => smoothNoise([], size))).message, /like 是空的/);
});

test.run();
