import * as fs from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { assertImage, checkImage } from '../../../lib/image/check';
import { encodeJpeg, encodePng, loadImage, toPixels } from '../../../lib/image/image';
import { failure, leakFree } from '../../helpers';
import { folder, at, near } from './pictures';

test.before(async () => {
  await startBackend('cpu');
});

test.after(() => fs.rmSync(folder, { recursive: true, force: true }));

test('checkImage names what is wrong and how to mend it; assertImage says the same of the shape', async () => {
  const wrong = async (image: unknown) => {
    try {
      await checkImage(image as tf.Tensor);
    } catch (error) {
      return error as Error;
    } finally {
      tf.dispose(image as tf.Tensor);
    }
    return assert.unreachable('应当报错') as never;
  };
  assert.match((await wrong('panda.jpg')).message, /loadImage/);
  assert.match((await wrong(tf.zeros([1, 4, 4, 3]))).message, /squeeze/);
  assert.match((await wrong(tf.zeros([5, 4, 4, 3]))).message, /gather/);
  assert.match((await wrong(tf.zeros([4, 4]))).message, /stack/);
  assert.match((await wrong(tf.zeros([4, 4, 4]))).message, /透明/);
  assert.match((await wrong(tf.zeros([3, 5, 6]))).message, /transpose/);
  assert.match((await wrong(tf.zeros([4, 4, 3], 'int32'))).message, /int32.*toFloat/);
  assert.match((await wrong(tf.fill([4, 4, 3], 255))).message, /255.*div\(255\)/);
  assert.match((await wrong(tf.fill([4, 4, 3], -0.4))).message, /clipByValue/);
  assert.match((await wrong(tf.fill([4, 4, 3], NaN))).message, /NaN/);
  const gone = tf.zeros([2, 2, 3]);
  gone.dispose();
  assert.match((await wrong(gone)).message, /释放/);
  const good = tf.zeros([2, 2, 3]);
  await checkImage(good);
  assertImage(good);
  const batch = tf.zeros([1, 2, 2, 3]);
  assert.throws(() => assertImage(batch), /squeeze/);
  batch.dispose();
  good.dispose();
});

test('PNG keeps every 8-bit value, JPEG nearly; nothing leaks', async () => {
  await leakFree(async () => {
    const image = tf.tidy(() => tf.range(0, 256).tile([3]).reshape([16, 16, 3]).div(255)) as tf.Tensor3D;
    const back = await loadImage(await encodePng(image));
    assert.equal((await toPixels(back)).data, (await toPixels(image)).data);
    const smooth = tf.tidy(() => tf.linspace(0, 1, 64).reshape([1, 64, 1]).tile<tf.Tensor3D>([64, 1, 3]));
    const jpeg = await loadImage(await encodeJpeg(smooth, 95));
    assert.ok(tf.tidy(() => jpeg.sub(smooth).abs().max().dataSync()[0]) < 0.02);
    assert.match((await failure(() => encodeJpeg(smooth, 0))).message, /quality/);
    const batch = tf.zeros([1, 2, 2, 3]);
    assert.match((await failure(() => encodePng(batch as never))).message, /形状 \[1, 2, 2, 3\]/);
    return [image, back, smooth, jpeg, batch];
  });
});

test('PNG files are small: grey and few colours take one byte a pixel', async () => {
  const grey = await encodePng(tf.zeros<tf.Rank.R3>([64, 64, 3]));
  assert.is(grey[25], 0, '灰度');
  const two = await encodePng(tf.tensor3d([1, 0, 0, 0, 0, 1], [1, 2, 3]));
  const back = await loadImage(two);
  near(at(back, 0, 1), [0, 0, 1], 1e-6);
  back.dispose();
});

test.run();
