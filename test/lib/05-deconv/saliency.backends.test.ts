import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { smoothGrad } from '../../../lib/05-deconv/smooth-grad';
import { startBackend, tf } from '../../../lib/tf/backend';
import { strongestUnits } from '../../../lib/05-deconv/feature-map-gradients';
import { gradCam, guidedGradCam } from '../../../lib/05-deconv/grad-cam';
import { inputGradient, type Target } from '../../../lib/05-deconv/gradients';
import { loadImage } from '../../../lib/image/image';
import { integratedGradients } from '../../../lib/05-deconv/integrated-gradients';
import { loadModel, type NetworkId } from '../../../lib/model/networks/load';
import { photo as coursePhoto } from '../../../lib/image/photos';
import { finish, magnitudeOf, saliency, signedDisplay, unitScale } from '../../../lib/05-deconv/saliency';
import { targetValue } from '../../../lib/model/target';
import { assertClose, failure, leakFree, longTest, madeUpImage, tinyModel, withNetworks } from '../../helpers';

const map = () => tf.tensor3d([1, -4, 2, 0, 0, -1], [1, 2, 3]);
const numbers = (t: tf.Tensor) => {
  const values = Array.from(t.dataSync());
  t.dispose();
  return values;
};

/** Two convolutions, two classes; image 5 x 4 of smooth numbers. */
const model = () =>
  tinyModel(
    [5, 4],
    [
      { size: [2, 2], filters: 6, kernel: Array.from({ length: 72 }, (_, i) => Math.sin(i * 1.3)) },
      { size: [2, 2], filters: 2, kernel: Array.from({ length: 48 }, (_, i) => Math.cos(i * 2.1) + 0.3), relu: false },
    ],
  );
const photo = () => madeUpImage(5, 4);

test.before(async () => {
  await startBackend();
});

test('整理函数，手算的数', async () => {
  const m = map();
  assert.equal(numbers(saliency(m)), [4, 1]);
  const image = tf.tensor3d([1, 0.5, 0, 1, 1, 0.25], [1, 2, 3]);
  assert.equal(numbers(signedDisplay({ limit: 4 })(m)), [0.625, 0, 0.75, 0.5, 0.5, 0.375]);
  assert.equal(numbers(finish(m, saliency, unitScale({ limit: 8 }))), [0.5, 0.125]);
  // Their own scale is the percentile 99.5 of the absolute values: between 2 and 4, at 4.975 of 0 … 5.
  assertClose(
    numbers(signedDisplay()(m)),
    [1, -4, 2, 0, 0, -1].map((v) => Math.max(0, 0.5 + v / 3.95 / 2)),
    1e-6,
  );
  assert.is(await magnitudeOf(m, 100), 4);
  assert.is(await magnitudeOf(image, 50), 0.75);
  assert.is(await magnitudeOf([m, image], 50), 1);
  tf.dispose([m, image]);
});

test('处处为 0 的图：中灰与黑，没有 NaN', async () => {
  const zero = tf.zeros([2, 2, 3]);
  assert.is(await magnitudeOf(zero, 100), 0);
  assert.equal(new Set(numbers(signedDisplay()(zero))), new Set([0.5]));
  assert.equal(new Set(numbers(finish(zero, saliency, unitScale()))), new Set([0]));
  zero.dispose();
});

test('整理函数不漏张量，不动参数', async () => {
  const m = map();
  for (const step of [saliency, signedDisplay(), unitScale()]) await leakFree(() => step(m));
  await leakFree(() => finish(m, saliency, unitScale()));
  assert.equal(Array.from(m.dataSync()), [1, -4, 2, 0, 0, -1]);
  assert.instance(await failure(() => magnitudeOf(m, 0)), RangeError);
  m.dispose();
});

test('积分梯度：各像素之和等于得分之差', async () => {
  const [net, image] = [model(), photo()];
  for (const baseline of ['mean', 'black'] as const) {
    const {
      map: m,
      completeness,
      stopped,
    } = await integratedGradients(net, image, { class: 1 }, { baseline, steps: 8 });
    const scores = tf.tidy(() => {
      const empty = tf.zerosLike(image);
      return [net.activations(image), net.activations(empty)].map((s) => s.dataSync()[1]);
    }) as unknown as number[];
    assert.ok(Math.abs(completeness.difference - (scores[0] - scores[1])) < 1e-4);
    assert.ok(completeness.error < 0.01, `误差 ${completeness.error}`);
    const sum = numbers(m).reduce((a, b) => a + b, 0);
    assert.ok(Math.abs(sum - completeness.difference) < 0.011 * Math.abs(completeness.difference));
    assert.is(stopped, undefined);
  }
  tf.dispose(image);
  net.dispose();
});

async function completeness(id: NetworkId, layer?: string) {
  const net = await loadModel(id, { offline: true });
  const { path, crop, imagenet } = coursePhoto('dog');
  const image = await loadImage(path, { size: net.inputSize, crop });
  const unit = layer && (await strongestUnits(net, image, layer, { count: 1 }))[0];
  const target: Target = unit ? { layer, channel: unit.channel, at: 'max' } : { class: imagenet!.index };
  const { map: m, completeness } = await integratedGradients(net, image, target, { steps: 8 });
  const sum = numbers(m).reduce((a, b) => a + b, 0);
  const grey = tf.tidy(() => tf.add(tf.zerosLike(image), tf.tensor1d([...net.mean])) as tf.Tensor3D);
  const place = unit ? { layer, channel: unit.channel, at: unit.at } : target;
  const difference = (await targetValue(net, image, place)) - (await targetValue(net, grey, place));
  assert.ok(Math.abs(difference) > 1, `${id}：得分之差 ${difference}`);
  assert.ok(Math.abs(sum / difference - 1) < 0.01, `${id}：${sum} 与 ${difference}`);
  assert.ok(Math.abs(sum - completeness.sum) < 1e-3 * Math.abs(sum));
  tf.dispose([image, grey]);
  net.dispose();
}

longTest(test, '积分梯度的完备性，AlexNet 一个 conv5 的神经元', () => completeness('alexnet', 'conv5'));

withNetworks(test, ['googlenet'], '积分梯度的完备性，GoogLeNet 的类别得分', () => completeness('googlenet'));

test('积分梯度在一段直线上是梯度乘以差', async () => {
  const linear = tinyModel([1, 1], [{ size: [1, 1], filters: 1, kernel: [2, -3, 4], relu: false }]);
  const image = tf.tensor3d([1, 0.5, 0.25], [1, 1, 3]);
  const half = tf.fill([1, 1, 3], 0.5) as tf.Tensor3D;
  const { map: m, steps } = await integratedGradients(linear, image, { class: 0 }, { baseline: half, steps: 2 });
  assertClose(numbers(m), [1, 0, -1], 1e-6);
  assert.is(steps, 2);
  await leakFree(() => integratedGradients(linear, image, { class: 0 }));
  await leakFree(async () => {
    const stop = new AbortController();
    stop.abort();
    const result = await integratedGradients(linear, image, { class: 0 }, { signal: stop.signal, batchSize: 1 });
    assert.is(result.stopped, 'aborted');
    return result;
  });
  await leakFree(async () => {
    let calls = 0;
    const onStep = () => {
      if (++calls === 3) throw new Error('听众');
    };
    const options = { onStep, batchSize: 2, steps: 8 };
    assert.is((await failure(() => integratedGradients(linear, image, { class: 0 }, options))).message, '听众');
  });
  await leakFree(async () => {
    const small = tf.zeros([1, 2, 3]) as tf.Tensor3D;
    assert.instance(
      await failure(() => integratedGradients(linear, image, { class: 0 }, { baseline: small })),
      RangeError,
    );
    assert.instance(await failure(() => integratedGradients(linear, image, { class: 1 })), RangeError);
    small.dispose();
  });
  tf.dispose([image, half]);
  linear.dispose();
});

test('平滑梯度：没有噪声时就是梯度本身，种子决定结果，中断交出已有的', async () => {
  const [net, image] = [model(), photo()];
  const gradient = (x: tf.Tensor3D) => inputGradient(net, x, { class: 0 });
  const plain = numbers(gradient(image));
  const still = await smoothGrad(gradient, image, { samples: 3, noise: 0 });
  assertClose(numbers(still.map), plain, 1e-6);
  const run = async (seed: number) =>
    numbers((await smoothGrad(gradient, image, { samples: 4, noise: 0.3, seed })).map);
  const [a, b, c] = [await run(1), await run(1), await run(2)];
  assert.equal(a, b);
  assert.not.equal(a, c);
  await leakFree(() => smoothGrad(gradient, image, { samples: 2 }));
  await leakFree(async () => {
    const stop = new AbortController();
    const cut = await smoothGrad(gradient, image, { samples: 9, signal: stop.signal, onStep: () => stop.abort() });
    assert.equal([cut.samples, cut.stopped], [1, 'aborted']);
    return cut;
  });
  await leakFree(async () => {
    const broken = () => {
      throw new Error('坏的方法');
    };
    assert.is((await failure(() => smoothGrad(broken, image))).message, '坏的方法');
  });
  image.dispose();
  net.dispose();
});

test('Grad-CAM：平均梯度加权的特征图，手算', async () => {
  // Two maps are the red and the blue channel, the class score is mean(2 red - blue).
  const net = tinyModel(
    [2, 2],
    [
      { size: [1, 1], filters: 2, kernel: [1, 0, 0, 0, 0, 1] },
      { size: [1, 1], filters: 1, kernel: [2, -1], relu: false },
    ],
  );
  const image = tf.tensor3d([1, 0, 0, 0, 0, 1, 0.5, 0, 0.5, 0, 0, 0], [2, 2, 3]);
  // Weights: d score / d map, averaged over 4 places: 2/4 and -1/4.
  const { map: m, coarse, layer } = gradCam(net, image, { class: 0 }, { layer: 'relu1' });
  assert.is(layer, 'relu1');
  assertClose(numbers(coarse), [0.5, 0, 0.125, 0], 1e-6);
  assert.equal(m.shape, [2, 2]);
  m.dispose();
  const product = guidedGradCam(net, image, { class: 0 }, { layer: 'relu1' });
  const expected = [0.5 * 0.5, 0, 0, 0, 0, 0, 0.125 * 0.5, 0, 0, 0, 0, 0];
  assertClose(numbers(product), expected, 1e-6);
  await leakFree(() => gradCam(net, image, { class: 0 }, { layer: 'relu1' }));
  await leakFree(() => guidedGradCam(net, image, { class: 0 }, { layer: 'c2' }));
  await leakFree(async () => {
    for (const [target, layer] of [
      [{ class: 0 }, 'scores'],
      [{ layer: 'c1', channel: 0 }, 'c2'],
      [{ class: 0 }, 'none'],
    ] as const)
      assert.instance(await failure(() => gradCam(net, image, target, { layer })), RangeError);
  });
  image.dispose();
  net.dispose();
});

test.run();
