import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { occlusionMap } from '../../../lib/04-occlusion/occlusion';
import { gradCam } from '../../../lib/05-deconv/grad-cam';
import { classProbability } from '../../../lib/06-optimization/objectives';
import { maximize } from '../../../lib/06-optimization/optimize';
import { iterate } from '../../../lib/08-adversarial/attacks';
import { fromLayersModel, type OwnModelOptions } from '../../../lib/09-your-own/from-layers';
import { assertClose, failure, leakFree } from '../../helpers';
import {
  layers,
  SIZE,
  put,
  body,
  chain,
  gap,
  dense,
  heads,
  picture,
  ownAnswer,
  inOrder,
  checkGradient,
} from './small-networks';

test.before(async () => {
  await startBackend();
});

test('灰度、很小、不是正方形的网络：照片变灰，各种方法都能用', async () => {
  for (const shape of [
    [28, 28, 1],
    [10, 14, 3],
    [9, 8, 1],
  ] as [number, number, number][]) {
    const network = tf.sequential({ layers: [...body(shape), gap(), dense(3, 'softmax')] });
    const model = fromLayersModel(network);
    const image = picture(shape);
    const seen = shape[2] === 3 ? image.clone() : tf.tidy(() => tf.sum(tf.mul(image, [0.299, 0.587, 0.114]), 2, true));
    assertClose(await inOrder(model, image), ownAnswer(network, seen), 1e-5, String(shape));
    await checkGradient(model, image, String(shape));
    await leakFree(() => occlusionMap(model, image, { class: 0 }));
    await leakFree(() => gradCam(model, image, { class: 0 }));
    await leakFree(() => iterate(model, image, { steps: 2 }));
    await leakFree(() => maximize(model, classProbability(0), { steps: 2, seed: 1 }));
    tf.dispose([image, seen]);
    model.dispose();
    network.dispose();
  }
});

test('包好之后再训练：结果立刻跟着变', async () => {
  const network = chain(layers.flatten(), dense(2, 'softmax'));
  const model = fromLayersModel(network);
  const image = picture();
  network.compile({ optimizer: tf.train.sgd(0.5), loss: 'categoricalCrossentropy' });
  const [x, y] = [image.expandDims(0), tf.tensor2d([[0, 1]])];
  const before = await inOrder(model, image);
  await network.fit(x, y, { epochs: 2, verbose: 0 });
  const after = await inOrder(model, image);
  assertClose(after, ownAnswer(network, image), 1e-5);
  assert.ok(after[1] > before[1] + 1e-3, `${before} → ${after}`);
  tf.dispose([x, y, image]);
  model.dispose();
  network.dispose();
});

test('预处理：名字、逐通道、BGR；不对的数不接受', async () => {
  const network = chain(gap(), dense(3, 'softmax'));
  const image = picture();
  const ways: [OwnModelOptions['preprocess'], (x: tf.Tensor) => tf.Tensor][] = [
    ['torch', (x) => tf.div(tf.sub(x, [0.485, 0.456, 0.406]), [0.229, 0.224, 0.225])],
    ['caffe', (x) => tf.sub(tf.reverse(tf.mul(x, 255), -1), [103.939, 116.779, 123.68])],
    [{ mean: [0.1, 0.2, 0.3], std: [0.5, 0.6, 0.7] }, (x) => tf.div(tf.sub(x, [0.1, 0.2, 0.3]), [0.5, 0.6, 0.7])],
    [
      { mean: [100, 110, 120], std: [50, 60, 70], order: 'BGR' },
      (x) => tf.div(tf.sub(tf.reverse(tf.mul(x, 255), -1), [100, 110, 120]), [50, 60, 70]),
    ],
    [{ mean: [1, 2, 30], scale: [0.1, 0.2, 0.3] }, (x) => tf.mul(tf.sub(tf.mul(x, 255), [1, 2, 30]), [0.1, 0.2, 0.3])],
    [{ mean: 128, scale: 0.01 }, (x) => tf.mul(tf.sub(tf.mul(x, 255), 128), 0.01)],
  ];
  for (const [preprocess, by] of ways) {
    const model = fromLayersModel(network, { preprocess });
    const input = tf.tidy(() => by(image));
    assertClose(await inOrder(model, image), ownAnswer(network, input), 1e-4, JSON.stringify(preprocess));
    input.dispose();
    model.dispose();
  }
  const bad = [{ mean: [0.485, 0.456, 0.406], scale: 1 }, { mean: [120, 120, 120], std: [0.2, 0.2, 0.2] }, { mean: [NaN, 0, 0], scale: 1 }, { mean: [1, 2], std: 3 }, { std: 1 }, { mean: 0, std: 0 }, 'imagenet', 3]; // prettier-ignore
  for (const preprocess of bad) {
    const before = tf.memory().numTensors;
    const error = await failure(() => fromLayersModel(network, { preprocess: preprocess as never }));
    assert.instance(error, RangeError);
    assert.match(error.message, /mean/, JSON.stringify(preprocess));
    assert.is(tf.memory().numTensors, before);
  }
  const inside = tf.sequential({
    layers: [layers.rescaling({ scale: 1 / 255, inputShape: SIZE }), ...body(), gap(), dense(3, 'softmax')],
  });
  const model = fromLayersModel(inside);
  const input = image.mul(255);
  assertClose(await inOrder(model, image), ownAnswer(inside, input), 1e-5);
  assert.ok(
    model.notes.some((note) => note.includes('0-255')),
    model.notes.join(),
  );
  assert.ok(fromLayersModel(inside, { preprocess: '[0, 1]' }).notes.some((note) => note.includes('又缩小一次')));
  tf.dispose([image, input]);
  [network, inside].forEach((n) => n.dispose());
});

test('几个输出、几个输入、释放之后：说明怎么办', async () => {
  const two = heads(['softmax', 'sigmoid'], (ends) => ends);
  assert.match((await failure(() => fromLayersModel(two))).message, /2 个输出：0（end0）、1（end1）.*head/);
  assert.match((await failure(() => fromLayersModel(two, { head: 'end7' }))).message, /end7/);
  const [a, b] = [tf.input({ shape: SIZE }), tf.input({ shape: SIZE })];
  const both = tf.model({ inputs: [a, b], outputs: put(dense(2), put(gap(), put(layers.add({}), a, b))) });
  assert.match((await failure(() => fromLayersModel(both))).message, /一个输入，得到 2 个/);
  const network = chain(gap(), dense(3, 'softmax'));
  const [model, other] = [fromLayersModel(network), fromLayersModel(network)];
  const image = picture();
  model.dispose();
  model.dispose();
  assert.match((await failure(() => model.activations(image))).message, /已被释放/);
  network.dispose();
  assert.match((await failure(() => other.activations(image))).message, /已被释放/);
  other.dispose();
  image.dispose();
  assert.match((await failure(() => fromLayersModel(both, { head: 0 }))).message, /一个输入/);
  [two, both].forEach((n) => n.dispose());
});

test('通道在前的卷积层、不沿最后一轴的 softmax、灰度网络的三个平均值：载入时就说，不画错的图', async () => {
  const across = chain(layers.softmax({ axis: 1, name: 'rows' }), gap());
  assert.match((await failure(() => fromLayersModel(across))).message, /"rows"层的 softmax 不沿最后一轴.*Permute/);
  const grey = tf.sequential({ layers: [...body([28, 28, 1]), gap(), dense(3, 'softmax')] });
  for (const preprocess of ['torch', 'caffe', { mean: [0.1, 0.2, 0.3], std: 1 }] as const)
    assert.match((await failure(() => fromLayersModel(grey, { preprocess }))).message, /灰度网络只有一个通道/);
  fromLayersModel(grey, { preprocess: { mean: 0.1307, std: 0.3081 } }).dispose();
  [across, grey].forEach((network) => network.dispose());
  const net = tf.sequential({
    layers: [
      tf.layers.permute({ inputShape: [8, 8, 3], dims: [3, 1, 2] }),
      tf.layers.conv2d({ name: 'first', filters: 4, kernelSize: 3, dataFormat: 'channelsFirst' }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 3 }),
    ],
  });
  assert.match((await failure(() => fromLayersModel(net))).message, /"first"层的通道在前.*channelsLast/);
  net.dispose();
});

test.run();
