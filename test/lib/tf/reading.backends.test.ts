import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { failure } from '../../helpers';

test.before(async () => {
  await startBackend();
});

/** Computed by the backend, so that the values lie where it keeps them. */
const TENSORS: Record<string, () => tf.Tensor> = {
  float32: () => tf.square(tf.tensor2d([1, 2, 3, 4.5, 0, -1], [2, 3])),
  int32: () => tf.add(tf.tensor1d([1, -2, 3], 'int32'), tf.scalar(4, 'int32')),
  bool: () => tf.greater(tf.tensor1d([1, 2, 3]), 2),
  'many of them': () => tf.square(tf.range(0, 100_003)),
};

for (const [name, make] of Object.entries(TENSORS)) {
  test(`立刻读与等着读，得到同样的数：${name}`, async () => {
    const [now, later] = [make(), make()];
    assert.equal(now.dataSync(), await later.data());
    // and as long as the first reading is still under way
    const third = make();
    const waiting = third.data();
    assert.equal(third.dataSync(), await waiting);
    tf.dispose([now, later, third]);
  });
}

test('五个轴的颠倒，与逐个计数相同', async () => {
  const shape: [number, number, number, number, number] = [2, 3, 4, 2, 3];
  const x = tf.reshape(tf.range(0, 144), shape) as tf.Tensor5D;
  for (const axes of [[0, 1], [4, 0, 3], [-2]]) {
    const turned = axes.map((axis) => (axis + 5) % 5);
    const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
    const expected = Array.from({ length: 144 }, (_, i) =>
      strides.reduce((sum, stride, axis) => {
        const at = Math.floor(i / stride) % shape[axis];
        return sum + stride * (turned.includes(axis) ? shape[axis] - 1 - at : at);
      }, 0),
    );
    const got = tf.reverse(x, axes);
    assert.equal(Array.from(await got.data()), expected, `轴 ${axes}`);
    got.dispose();
  }
  x.dispose();
});

/** Buffers that the backend has in use; the others do not tell. */
const buffers = () => (tf.memory() as { numBytesInGPU?: number }).numBytesInGPU;

test('一百个梯度之后，张量与显存都没有多', async () => {
  const [x, kernel] = [tf.randomNormal([1, 17, 17, 3]), tf.randomNormal([3, 3, 3, 4])] as [tf.Tensor4D, tf.Tensor4D];
  const score = (image: tf.Tensor) =>
    tf.sum(tf.maxPool(tf.relu(tf.conv2d(image as tf.Tensor4D, kernel, 1, 'same')), 3, 2, 'valid'));
  const step = async () => {
    const gradient = tf.grad(score)(x);
    await gradient.data();
    gradient.dispose();
  };
  await step();
  const before = [tf.memory().numTensors, buffers()];
  for (let i = 0; i < 100; i++) await step();
  assert.equal([tf.memory().numTensors, buffers()], before);
  tf.dispose([x, kernel]);
});

test('许多不同的大小：用过的显存不会一直留着', async () => {
  if (tf.getBackend() !== 'webgpu') return;
  const allocated = () => (tf.memory() as { numBytesAllocatedInGPU?: number }).numBytesAllocatedInGPU!;
  for (let i = 0; i < 14; i++) {
    const mean = tf.tidy(() => tf.mean(tf.fill([12_000_000 + 1000 * i], 2)));
    assert.is((await mean.data())[0], 2);
    mean.dispose();
  }
  assert.ok(allocated() < 600e6, `${allocated() / 1e6} MB`); // 14 times 48 MB were asked for
});

test('显卡拒绝的一步是错误，不是零；下一步照常', async () => {
  if (tf.getBackend() !== 'webgpu') return;
  const { device } = tf.backend() as unknown as { device: { limits: { maxBufferSize: number } } };
  const huge = tf.fill([device.limits.maxBufferSize / 4 + 1024], 1);
  for (const how of ['data', 'dataSync'] as const) {
    const sum = tf.sum(huge);
    assert.match((await failure(() => sum[how]())).message, /显卡拒绝了一步计算，结果不可用：/, how);
    sum.dispose();
    const nine = tf.square(3);
    assert.is((await nine.data())[0], 9);
    nine.dispose();
  }
  huge.dispose();
});

test.run();
