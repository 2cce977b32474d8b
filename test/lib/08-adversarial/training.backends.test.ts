import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SHAPES, shapeImages } from '../../../lib/08-adversarial/shapes';
import { attackBatch, batchAccuracy, lossGradients, trainShapes } from '../../../lib/08-adversarial/training';
import { startBackend, tf } from '../../../lib/tf/backend';
import { assertClose, failure, isSmall, leakFree } from '../../helpers';

test.before(async () => {
  await startBackend();
});

test('小图：类别轮流，数在 [0, 1] 之内，同一个种子同样的图；条纹只加振幅那么多', () => {
  const options = { seed: 2, noise: 0 };
  const [a, b, bare] = [
    shapeImages(10, options),
    shapeImages(10, options),
    shapeImages(10, { ...options, pattern: 0 }),
  ];
  assert.equal(a.images.shape, [10, 32, 32, 3]);
  assert.equal(a.labels, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
  assert.equal(a.images.dataSync(), b.images.dataSync());
  const [striped, plain] = [a.images.dataSync(), bare.images.dataSync()];
  assert.ok(striped.every((v, i) => v >= 0 && v <= 1 && Math.abs(Math.abs(v - plain[i]) - 0.04) < 1e-5));
  // The shapes are where the masks say: brighter than what is around them.
  const [inside, outside] = tf.tidy(() => {
    const grey = tf.mean(bare.images, 3);
    const rest = tf.sub(1, bare.masks);
    const mean = (m: tf.Tensor) => tf.div(tf.sum(tf.mul(grey, m), [1, 2]), tf.sum(m, [1, 2])).dataSync();
    return [mean(bare.masks), mean(rest)];
  }) as unknown as Float32Array[];
  inside.forEach((v, i) => assert.ok(v > outside[i] + 0.15, `${SHAPES[i % 5]}：${v}，周围 ${outside[i]}`));
  tf.dispose([a, b, bare].flatMap(({ images, masks }) => [images, masks]));
});

test('矛盾的条纹：形状是自己的，条纹是别的一类的', () => {
  const [own, other] = [shapeImages(20, { noise: 0 }), shapeImages(20, { noise: 0, agrees: 'other' })];
  const bare = shapeImages(20, { noise: 0, pattern: 0 });
  /** Every class has stripes of its own, which a corner of the difference to the bare picture tells apart. */
  const stripes = ({ images }: typeof own, i: number) =>
    tf.tidy(() => {
      const corner = (x: tf.Tensor4D) => tf.slice(x, [i, 0, 0, 0], [1, 4, 4, 1]);
      return tf
        .sign(tf.sub(corner(images), corner(bare.images)))
        .dataSync()
        .join();
    }) as unknown as string;
  const table = SHAPES.map((_, i) => stripes(own, i));
  assert.is(new Set(table).size, SHAPES.length);
  own.labels.forEach((label, i) => {
    assert.is(table.indexOf(stripes(own, i)), label);
    const said = table.indexOf(stripes(other, i));
    assert.ok(said >= 0 && said !== other.labels[i], `第 ${i} 幅的条纹是第 ${said} 类的`);
  });
  tf.dispose([own, other, bare].flatMap(({ images, masks }) => [images, masks]));
});

test('几步训练之后交叉熵下降；对抗训练也是', async () => {
  for (const epsilon of isSmall ? [0.05] : [0, 0.05]) {
    const { model, trace } = await trainShapes({ epsilon, steps: 30, batchSize: 20, attackSteps: 1 });
    const mean = (v: readonly number[]) => v.reduce((a, b) => a + b, 0) / v.length;
    assert.ok(mean(trace.slice(-5)) < 0.75 * mean(trace.slice(0, 3)), `ε = ${epsilon}：${trace.join(' ')}`);
    model.dispose();
  }
});

test('每幅图的梯度与一幅一幅算的相同，也与有限差分相同；攻击不出 ±ε 与 [0, 1]', async () => {
  const { model } = await trainShapes({ steps: 8, batchSize: 10 });
  const { images, masks, labels } = shapeImages(4, { seed: 6 });
  const gradients = lossGradients(model, images, labels);
  labels.forEach((label, i) => {
    const one = tf.slice(images, [i, 0, 0, 0], [1, -1, -1, -1]);
    const own = lossGradients(model, one, [label]);
    assertClose(
      own.dataSync(),
      tf.tidy(() => tf.slice(gradients, [i, 0, 0, 0], [1, -1, -1, -1]).dataSync()),
      1e-4,
    );
    tf.dispose([one, own]);
  });
  const loss = (x: tf.Tensor4D) =>
    tf.tidy(() => {
      const logits = model.activations(x) as tf.Tensor2D;
      const wanted = tf.oneHot(tf.tensor1d([...labels], 'int32'), SHAPES.length);
      return tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits), tf.cast(wanted, 'float32')))).dataSync()[0];
    });
  const step = 1e-3;
  const along = tf.tidy(() => tf.div(gradients, tf.norm(gradients)) as tf.Tensor4D);
  const [ahead, back] = [tf.add(images, tf.mul(along, step)), tf.sub(images, tf.mul(along, step))] as tf.Tensor4D[];
  const slope = (loss(ahead) - loss(back)) / (2 * step);
  const norm = tf.tidy(() => tf.norm(gradients).dataSync()[0]);
  assert.ok(Math.abs(slope / norm - 1) < 0.03, `有限差分 ${slope}，梯度 ${norm}`);
  const attacked = attackBatch(model, images, labels, { epsilon: 0.1, steps: 5 });
  const [x, y] = [images.dataSync(), attacked.dataSync()];
  assert.ok(y.every((v, i) => v >= 0 && v <= 1 && Math.abs(v - x[i]) < 0.1 + 1e-6));
  assert.ok(loss(attacked) > loss(images));
  tf.dispose([images, masks, gradients, along, ahead, back, attacked]);
  model.dispose();
});

test('认对的比例；不泄漏，中断与出错时也不', async () => {
  const { images, masks, labels } = shapeImages(5);
  const options = { steps: 2, batchSize: 5, epsilon: 0.05, attackSteps: 1 };
  const { model } = await trainShapes(options);
  const { right } = await batchAccuracy(model, images, labels);
  const wrong = await batchAccuracy(
    model,
    images,
    labels.map((l, i) => (right[i] ? (l + 1) % 5 : l)),
  );
  assert.is(wrong.rate, 0);
  await leakFree(() => lossGradients(model, images, labels));
  await leakFree(() => attackBatch(model, images, labels, { epsilon: 0.1, steps: 2 }));
  await leakFree(() => batchAccuracy(model, images, labels));
  const release = (result: unknown) => (result as { model?: { dispose(): void } }).model?.dispose();
  await leakFree(() => trainShapes(options), release);
  await leakFree(async () => {
    const stopped = await trainShapes({ ...options, signal: AbortSignal.abort() });
    assert.equal([stopped.stopped, stopped.trace.length], ['aborted', 0]);
    return stopped;
  }, release);
  await leakFree(() => failure(() => trainShapes({ ...options, onStep: () => { throw new Error('停'); } }))); // prettier-ignore
  assert.match((await failure(() => shapeImages(0))).message, /count 应为正整数/);
  assert.match((await failure(() => trainShapes({ steps: 0 }))).message, /steps 应为正整数/);
  assert.match((await failure(() => lossGradients(model, images, [0]))).message, /5 幅图，得到 1 个类别/);
  tf.dispose([images, masks]);
  model.dispose();
});

test.run();
