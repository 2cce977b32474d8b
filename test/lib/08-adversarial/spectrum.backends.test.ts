import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { frequencyBand, powerSpectrum } from '../../../lib/08-adversarial/spectrum';
import { startBackend, tf } from '../../../lib/tf/backend';
import { randomGenerator } from '../../../lib/base/random';
import { assertClose, failure, leakFree } from '../../helpers';

test.before(async () => {
  await startBackend();
});

const [HEIGHT, WIDTH] = [24, 40];
/** A wave of the given cycles per pixel across and down, the same in all three colours. */
const wave = (across: number, down: number) =>
  tf.tensor3d(
    Float32Array.from({ length: HEIGHT * WIDTH * 3 }, (_, i) => {
      const p = Math.floor(i / 3);
      return Math.cos(2 * Math.PI * (across * (p % WIDTH) + down * Math.floor(p / WIDTH)));
    }),
    [HEIGHT, WIDTH, 3],
  );

test('一个波的能量全在它自己的频率上', async () => {
  for (const [across, down] of [
    [0.1, 0],
    [0, 0.25],
    [0.3, 0.375],
    [0.5, 0],
  ]) {
    const signal = wave(across, down);
    const { frequency, density, highShare } = await powerSpectrum(signal, { rings: 10 });
    const f = Math.hypot(across, down);
    const largest = density.indexOf(Math.max(...density));
    assert.ok(Math.abs(frequency[largest] - f) <= 0.0251, `${f} 落在 ${frequency[largest]}`);
    assert.ok(Math.abs(highShare - Number(f >= 0.25)) < 1e-4, `${f} 的高频份额 ${highShare}`);
    signal.dispose();
  }
});

test('平均值不算在内；白噪声的谱是平的', async () => {
  const random = randomGenerator(3);
  const noise = tf.tensor3d(
    Float32Array.from({ length: 48 * 48 * 3 }, () => 7 + random.normal()),
    [48, 48, 3],
  );
  const { density } = await powerSpectrum(noise, { rings: 5 });
  assert.ok(
    density.every((d) => Math.abs(d - 1) < 0.25),
    density.join(),
  );
  noise.dispose();
});

test('各段频率加起来就是原来的信号，每段只含自己的波', async () => {
  const [slow, fast] = [wave(0.05, 0), wave(0.3, 0.375)];
  const both = tf.add(slow, fast) as tf.Tensor3D;
  const [low, high] = [frequencyBand(both, { to: 0.2 }), frequencyBand(both, { from: 0.2 })];
  assertClose(low.dataSync(), slow.dataSync(), 1e-5);
  assertClose(high.dataSync(), fast.dataSync(), 1e-5);
  tf.dispose([slow, fast, both, low, high]);
});

test('不泄漏；参数不对时说清楚', async () => {
  const signal = wave(0.1, 0);
  const flat = tf.zeros([8, 8, 1]) as tf.Tensor3D;
  await leakFree(() => powerSpectrum(signal));
  await leakFree(() => frequencyBand(signal, { to: 0.2 }));
  assert.match((await failure(() => powerSpectrum(flat))).message, /信号应为 \[h, w, 3\]，得到 \[8, 8, 1\]/);
  assert.match((await failure(() => powerSpectrum(signal, { rings: 0 }))).message, /rings 应为正整数/);
  assert.match((await failure(() => frequencyBand(signal, { from: 0.3, to: 0.3 }))).message, /from 应小于 to/);
  tf.dispose([signal, flat]);
});

test.run();
