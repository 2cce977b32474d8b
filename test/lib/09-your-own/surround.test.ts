import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { swapSurround } from '../../../lib/09-your-own/surround';
import { failure, leakFree } from '../../helpers';

test.before(async () => {
  await startBackend();
});

test('椭圆里是前一幅，外面是后一幅；面积是 π/4·radius²', async () => {
  const [front, back] = [tf.ones([40, 60, 3]) as tf.Tensor3D, tf.zeros([40, 60, 3]) as tf.Tensor3D];
  for (const radius of [0, 0.5, 0.75, 1]) {
    const mixed = swapSurround(front, back, { radius });
    const values = (await mixed.data()) as Float32Array;
    const share = values.reduce((a, b) => a + b, 0) / values.length;
    assert.ok(Math.abs(share - (Math.PI / 4) * radius ** 2) < 0.01, `${radius}：${share}`);
    assert.is(values[0], 0);
    if (radius) assert.is(values[(20 * 60 + 30) * 3], 1);
    mixed.dispose();
  }
  await leakFree(() => swapSurround(front, back));
  const small = tf.zeros([40, 40, 3]) as tf.Tensor3D;
  assert.match((await failure(() => swapSurround(front, small))).message, /同样大小/);
  assert.instance(await failure(() => swapSurround(front, back, { radius: 2 })), RangeError);
  tf.dispose([front, back, small]);
});

test.run();
