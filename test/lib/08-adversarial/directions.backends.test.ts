import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  alignment,
  attackGradient,
  blockGrowth,
  logitsAlong,
  signNoise,
  weightVector,
} from '../../../lib/08-adversarial/directions';
import { growthExponent, linearGrowth } from '../../../lib/08-adversarial/linear-growth';
import { startBackend, tf } from '../../../lib/tf/backend';
import { linear, D, L1, grey } from './linear-network';

test.before(async () => {
  await startBackend();
});

test('沿任何方向，线性网络的得分是直线；斜率是权重与方向的内积', async () => {
  const [model, image] = [linear(4, [0, 0]), grey(4)];
  const weights = weightVector(model, image, { away: { class: 0 }, to: { class: 1 } });
  const direction = tf.sign(weights);
  const epsilons = Array.from({ length: 19 }, (_, i) => (i - 9) / 50);
  const [z0, z1] = await logitsAlong(model, image, direction, epsilons, [{ class: 0 }, { class: 1 }]);
  const change = z1.map((v, i) => v - z0[i]);
  assert.is(change.length, 19);
  epsilons.forEach((e, i) => assert.ok(Math.abs(change[i] - change[9] - e * L1) < 1e-5));
  tf.dispose([image, weights, direction]);
  model.dispose();
});

test('对齐：符号扰动与 w 的余弦是 ||w||₁ / (√n·||w||₂)，随机符号的接近 0，范数相同', async () => {
  const [model, image] = [linear(16, [0, 0]), grey(16)];
  const weights = weightVector(model, image, { away: { class: 0 }, to: { class: 1 } });
  const aligned = tf.mul(tf.sign(weights), 0.01) as tf.Tensor3D;
  const noise = signNoise(image, 0.01, { seed: 2 });
  const [a, b] = [await alignment(aligned, weights), await alignment(noise, weights)];
  assert.ok(Math.abs(a.cosine - L1 / (Math.sqrt(3) * Math.hypot(...D))) < 1e-5);
  assert.ok(Math.abs(a.inner - 0.01 * L1) < 1e-6);
  assert.ok(Math.abs(b.cosine) < 0.15 && Math.abs(b.cosine) > 0, `${b.cosine}`);
  assert.ok(Math.abs(a.l2 - b.l2) < 1e-6);
  assert.ok(noise.dataSync().every((v) => Math.abs(Math.abs(v) - 0.01) < 1e-7));
  tf.dispose([image, weights, aligned, noise]);
  model.dispose();
});

test('攻击的梯度与有限差分一致', () => {
  const [model, image] = [linear(4, [1, 0]), grey(4)];
  for (const loss of ['crossEntropy', 'margin'] as const) {
    const gradient = attackGradient(model, image, { to: { class: 1 } }, loss);
    const value = (x: tf.Tensor3D) => {
      const [z] = tf.tidy(() => [model.activations(x).dataSync()]);
      return loss === 'margin' ? z[1] - z[0] : z[1] - Math.log(Math.exp(z[0]) + Math.exp(z[1]));
    };
    const step = tf.oneHot(tf.scalar(5, 'int32'), 48).toFloat().reshape([4, 4, 3]).mul(0.1) as tf.Tensor3D;
    const slope = (value(tf.add(image, step)) - value(tf.sub(image, step))) / 0.2;
    const [, got] = [null, gradient.dataSync()[5]];
    assert.ok(Math.abs(got - slope) < 1e-3 * Math.abs(slope) + 1e-5, `${loss} ${got} 与 ${slope}`);
    gradient.dispose();
  }
  image.dispose();
  model.dispose();
});

test('小块越小，同样的 ε 引起的变化越大：手算的 4×4', async () => {
  const values = Float32Array.from({ length: 48 }, (_, i) => (i % 3 === 0 ? (Math.floor(i / 3) % 2 ? -1 : 2) : 0));
  const weights = tf.tensor3d(values, [4, 4, 3]);
  const rows = await blockGrowth(weights, [1, 2, 3, 4]);
  // Columns alternate 2, −1: a block of 2 × 2 sums to 2, the whole to 8.
  assert.equal(
    rows.map((r) => r.perEpsilon),
    [24, 8, rows[2].perEpsilon, 8],
  );
  assert.equal(
    rows.map((r) => r.dimension),
    [48, 12, 12, 3],
  );
  assert.ok(rows[2].perEpsilon >= 8 && rows[2].perEpsilon <= 24);
  weights.dispose();
});

test('线性模型：对齐的扰动与 n 成正比，噪声和图像内容与 √n 成正比', () => {
  const rows = linearGrowth([10, 100, 1000, 10000], { epsilon: 0.01, samples: 60, seed: 1 });
  const n = rows.map((r) => r.dimension);
  for (const r of rows) assert.ok(Math.abs(r.signChange / r.predicted - 1) < 1e-9);
  const near = (name: 'signChange' | 'noiseChange' | 'content', expected: number) => {
    const slope = growthExponent(n, rows.map((r) => r[name])); // prettier-ignore
    assert.ok(Math.abs(slope - expected) < 0.1, `${name} 的指数 ${slope}`);
  };
  near('signChange', 1);
  near('noiseChange', 0.5);
  near('content', 0.5);
  assert.equal(rows, linearGrowth([10, 100, 1000, 10000], { epsilon: 0.01, samples: 60, seed: 1 }));
});

test.run();
