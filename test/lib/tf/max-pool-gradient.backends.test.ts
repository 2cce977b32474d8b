import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { scatterToMaxima } from '../../../lib/tf/max-pool-switches';
import { isCompiledIn } from '../../../lib/tf/native-max-pool-grad';
import { leakFree, root } from '../../helpers';

/** [images, height, width, channels, window, stride, pad]: overlapping, side by side, with gaps, over the border. */
const POOLS: [number, number, number, number, number, number, 'same' | 'valid'][] = [
  [1, 13, 13, 8, 3, 2, 'valid'],
  [1, 12, 15, 7, 3, 2, 'same'],
  [2, 9, 8, 5, 2, 2, 'valid'],
  [1, 7, 7, 3, 3, 1, 'same'],
  [3, 11, 10, 4, 2, 3, 'valid'],
  [1, 6, 6, 1, 5, 2, 'same'],
  [20, 8, 8, 6, 3, 2, 'valid'],
];

test.before(async () => {
  await startBackend();
});

for (const [images, height, width, channels, size, stride, pad] of POOLS) {
  const name = `${images} 张 ${height}×${width}×${channels}，窗口 ${size}，步幅 ${stride}，${pad}`;
  test(`最大池化的梯度：第一个最大值得到全部，重叠处相加（${name}）`, async () => {
    const shape: [number, number, number, number] = [images, height, width, channels];
    // Few different values: ties everywhere.
    const x = tf.tensor4d(Float32Array.from({ length: images * height * width * channels }, (_, i) => Math.floor(3 * Math.sin(i * i) ** 2)), shape); // prettier-ignore
    const y = tf.maxPool(x, size, stride, pad);
    const above = tf.tensor4d(
      Float32Array.from({ length: y.size }, (_, i) => Math.sin(i + 1)),
      y.shape,
    );
    const gradient = () => tf.grad((input: tf.Tensor) => tf.maxPool(input as tf.Tensor4D, size, stride, pad))(x, above);
    const expected = new Float32Array(x.size);
    const info = tf.backend_util.computePool2DInfo(shape, size, stride, 1, pad);
    scatterToMaxima(x.dataSync<'float32'>(), y.dataSync<'float32'>(), above.dataSync<'float32'>(), expected, info);
    const got = gradient();
    assert.equal(got.shape, shape);
    const worst = got
      .dataSync<'float32'>()
      .reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0);
    assert.ok(worst < 1e-6, `差 ${worst}`);
    await leakFree(gradient);
    tf.dispose([x, y, above, got]);
  });
}

test('本机编译的原生后端带有自己的最大池化梯度', () => {
  if (tf.getBackend() !== 'tensorflow') return;
  const binding = path.join(root, 'node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node');
  const { kind, gpu } = JSON.parse(fs.readFileSync(path.join(path.dirname(fs.realpathSync(binding)), 'ready.json'), 'utf8')); // prettier-ignore
  assert.is(isCompiledIn(), kind === 'build', `绑定的来历：${kind}，GPU：${gpu}`);
});

test.run();
