import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { dispose } from '../../../lib/base/dispose';
import { startBackend, tf } from '../../../lib/tf/backend';
import { tinyModel } from '../../helpers';

test.before(async () => {
  await startBackend();
});

test('张量藏在第几层都释放，只释放一次；别的东西不动', () => {
  const before = tf.memory().numTensors;
  const one = tf.scalar(1);
  const gone = tf.scalar(2);
  gone.dispose();
  const result = {
    map: one,
    again: one,
    gone,
    parts: [{ image: tf.scalar(3) }],
    byName: new Map([['a', tf.scalar(4)]]),
  };
  const others = { when: new Date(), bytes: new Uint8Array(3), name: '名', count: 5, nothing: undefined };
  dispose(result, [tf.scalar(5), [tf.scalar(6)]], undefined, null, others);
  assert.is(tf.memory().numTensors, before);
  dispose(result);
  assert.is(others.bytes.length, 3);
});

test('网络：直接给才释放，结果里提到的留着', () => {
  const model = tinyModel([2, 2], [{ kernel: [1, 1, 1], size: [1, 1], filters: 1 }]);
  const image = tf.fill([2, 2, 3], 0.5);
  dispose({ model, map: tf.scalar(1) });
  assert.is(
    tf.tidy(() => model.activations(image, 'c1').shape.join()),
    '2,2,1',
  );
  const before = tf.memory().numTensors;
  // Named by itself, it is released also where a result before it speaks of it.
  dispose({ model }, [model], image);
  assert.ok(tf.memory().numTensors < before - 1);
});

test('自己引用自己的结果；Promise、数与字符串说出错在哪里', () => {
  const ring: { self?: unknown; map: tf.Tensor } = { map: tf.scalar(1) };
  ring.self = ring;
  dispose(ring);
  assert.ok(ring.map.isDisposed);
  assert.throws(() => dispose(Promise.resolve()), /忘了 await/);
  assert.throws(() => dispose(3 as never), /得到 number（3）/);
});

test.run();
