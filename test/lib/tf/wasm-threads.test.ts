import * as vm from 'node:vm';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as tf from '@tensorflow/tfjs';
import { startBackend } from '../../../lib/tf/backend';
import { threadsFor } from '../../../lib/tf/threads';
import { registerThreadedWasm } from '../../../lib/tf/wasm-threads';

const wasmOf = () =>
  (tf.backend() as unknown as { wasm: { tfjs: { getThreadsCount(): number }; PThread?: { unusedWorkers: object[] } } })
    .wasm;

/** A convolution, a depthwise one, a matrix product, a pooling: everything that is shared out. */
async function numbers(): Promise<Float32Array> {
  const result = tf.tidy(() => {
    const x = tf.randomNormal([2, 37, 29, 16], 0, 1, 'float32', 1) as tf.Tensor4D;
    const conv = tf.conv2d(x, tf.randomNormal([3, 3, 16, 24], 0, 1, 'float32', 2) as tf.Tensor4D, 2, 'same');
    const depth = tf.depthwiseConv2d(x, tf.randomNormal([5, 5, 16, 1], 0, 1, 'float32', 3) as tf.Tensor4D, 1, 'same');
    const pool = tf.maxPool(depth as tf.Tensor4D, 3, 2, 'same');
    const product = tf.matMul(tf.reshape(conv, [-1, 24]), tf.randomNormal([24, 50], 0, 1, 'float32', 4) as tf.Tensor2D);
    return tf.concat([product, pool].map((t) => tf.reshape(t, [-1])));
  });
  const values = Float32Array.from(await result.data());
  result.dispose();
  return values;
}

/** Until the spare threads have been made ready. */
async function spare(count: number): Promise<void> {
  while (wasmOf().PThread!.unusedWorkers.length < count) await new Promise((resolve) => setTimeout(resolve, 10));
}

test('几个线程：核心数的一半，两核也用两个，最多八个', () => {
  assert.equal([1, 2, 3, 4, 8, 64].map(threadsFor), [1, 2, 2, 2, 4, 8]);
});

test('启动 wasm 之后，没有人接住的错误还是由原来的人处理', async () => {
  const events = ['uncaughtException', 'unhandledRejection'] as const;
  const before = events.map((event) => process.listenerCount(event));
  await startBackend('wasm');
  assert.equal(events.map((event) => process.listenerCount(event)), before); // prettier-ignore
});

test('两个线程与一个线程，每一位都相同；运算到一半被终止，换一队线程接着算', async () => {
  registerThreadedWasm(1);
  assert.ok(await tf.setBackend('wasm'));
  assert.is(wasmOf().tfjs.getThreadsCount(), 1);
  const alone = await numbers();

  registerThreadedWasm(2);
  assert.ok(await tf.setBackend('wasm'));
  assert.is(wasmOf().tfjs.getThreadsCount(), 2);
  assert.equal(await numbers(), alone);

  const x = tf.randomNormal([4, 64, 64, 64]) as tf.Tensor4D;
  const kernel = tf.randomNormal([3, 3, 64, 128]) as tf.Tensor4D;
  Object.assign(globalThis, { heavy: () => tf.tidy(() => void tf.conv2d(x, kernel, 1, 'same')) });
  for (let i = 0; i < 3; i++) {
    await spare(1);
    assert.throws(() => vm.runInThisContext('for (;;) heavy()', { timeout: 100 }), /timed out/);
    tf.engine().endScope();
    assert.equal(await numbers(), alone);
    assert.is(wasmOf().tfjs.getThreadsCount(), 2);
  }
  // with nobody in reserve: one thread, and nobody is waited for
  wasmOf().PThread!.unusedWorkers.length = 0;
  assert.throws(() => vm.runInThisContext('for (;;) heavy()', { timeout: 100 }), /timed out/);
  tf.engine().endScope();
  wasmOf().PThread!.unusedWorkers.length = 0;
  assert.equal(await numbers(), alone);
  delete (globalThis as { heavy?: unknown }).heavy;
  tf.dispose([x, kernel]);
});

test.run();
