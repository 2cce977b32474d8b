/** Networks of every kind that people bring; each must say what its own predict() says, and be differentiable. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { gradCam } from '../../../lib/05-deconv/grad-cam';
import { fromLayersModel, type OwnModelOptions } from '../../../lib/09-your-own/from-layers';
import type { ImageModel } from '../../../lib/model/model';
import { assertClose, leakFree } from '../../helpers';
import {
  init,
  layers,
  SIZE,
  put,
  conv,
  body,
  chain,
  gap,
  dense,
  heads,
  softmax,
  picture,
  ownAnswer,
  inOrder,
  checkGradient,
} from './small-networks';

const base = () => tf.sequential({ name: 'base', layers: body() });

function functionalTransfer(): tf.LayersModel {
  const image = tf.input({ shape: SIZE });
  return tf.model({ inputs: image, outputs: put(dense(3, 'softmax'), put(gap(), put(base(), image))) });
}

/** One ReLU layer and one convolution, each used twice. */
function shared(): tf.LayersModel {
  const image = tf.input({ shape: SIZE });
  const relu = layers.reLU({ name: 'relu' });
  const twice = layers.conv2d({ name: 'twice', filters: 4, kernelSize: 3, padding: 'same', ...init(4) });
  const first = put(relu, put(twice, put(conv(3, { activation: undefined, name: 'stem' }), image)));
  return tf.model({ inputs: image, outputs: put(dense(3, 'softmax'), put(gap(), put(relu, put(twice, first)))) });
}

function threeDeep(): tf.LayersModel {
  const inner = tf.sequential({ name: 'inner', layers: body() });
  const middle = tf.sequential({ name: 'middle', layers: [inner, gap()] });
  return tf.sequential({ layers: [middle, dense(3, 'softmax')] });
}

function usedTwice(): tf.LayersModel {
  const image = tf.input({ shape: SIZE });
  const eye = tf.sequential({ name: 'eye', layers: [...body(), gap()] });
  const joined = put(
    layers.concatenate({}),
    put(eye, image),
    put(eye, put(layers.activation({ activation: 'tanh', name: 'other' }), image)),
  );
  return tf.model({ inputs: image, outputs: put(dense(3, 'softmax'), joined) });
}

interface Kind {
  readonly network: () => tf.LayersModel;
  readonly options?: OwnModelOptions;
  readonly output: ImageModel['output'];
  /** From what predict() says to what classify() must say. */
  readonly expected?: (own: number[]) => number[];
  readonly names?: readonly string[];
}

const KINDS: Record<string, Kind> = {
  '全连接自带 softmax': { network: () => chain(gap(), dense(3, 'softmax')), output: 'softmax' },
  'softmax 之后 reshape': { network: () => chain(gap(), layers.reshape({ targetShape: [1, 1, 4] }), conv(3, { kernelSize: 1, activation: undefined }), layers.activation({ activation: 'softmax' }), layers.reshape({ targetShape: [4] })), output: 'softmax' }, // prettier-ignore
  'softmax 之后 flatten、dropout': {
    network: () =>
      chain(conv(3, { kernelSize: 3, activation: 'softmax' }), layers.flatten(), layers.dropout({ rate: 0.5 })),
    output: 'softmax',
  },
  '没有空间的 1×1 输出': { network: () => chain(conv(3, { kernelSize: 3, activation: 'softmax' })), output: 'softmax' },
  logSoftmax: {
    network: () => chain(gap(), dense(3), layers.activation({ activation: 'logSoftmax' as never })),
    output: 'softmax',
    expected: softmax,
  },
  'softmax 的平均': {
    network: () => heads(['softmax', 'softmax'], (ends) => [put(layers.average({}), ...ends)]),
    output: 'softmax',
  },
  '各处 softmax 的平均': {
    network: () => chain(conv(3, { kernelSize: 2, activation: 'softmax' }), gap()),
    output: 'softmax',
  },
  logits: { network: () => chain(gap(), dense(3)), output: 'logits', expected: softmax },
  '一个 sigmoid': {
    network: () => chain(gap(), dense(1, 'sigmoid')),
    output: 'sigmoid',
    expected: ([p]) => [1 - p, p],
  },
  '一个 sigmoid 层': {
    network: () => chain(gap(), dense(1), layers.activation({ activation: 'sigmoid' })),
    output: 'sigmoid',
    expected: ([p]) => [1 - p, p],
  },
  '一个 hard-sigmoid': { network: () => chain(gap(), layers.dense({ units: 1, activation: 'hardSigmoid', kernelInitializer: tf.initializers.randomNormal({ stddev: 0.05, seed: 12 }) })), output: 'sigmoid', expected: ([p]) => [1 - p, p] }, // prettier-ignore
  '声明的 hard-sigmoid': { network: () => chain(gap(), layers.dense({ units: 1, activation: 'hardSigmoid', kernelInitializer: tf.initializers.randomNormal({ stddev: 0.05, seed: 12 }) })), options: { output: 'sigmoid' }, output: 'sigmoid', expected: ([p]) => [1 - p, p] }, // prettier-ignore
  '声明为 logits 的 softmax': {
    network: () => chain(gap(), dense(3, 'softmax')),
    options: { output: 'logits' },
    output: 'logits',
  },
  '声明为 sigmoid 的 softmax': {
    network: () => chain(gap(), dense(3, 'softmax')),
    options: { output: 'sigmoid' },
    output: 'sigmoid',
  },
  '声明为 softmax 的 sigmoid': {
    network: () => chain(gap(), dense(3, 'sigmoid')),
    options: { output: 'softmax' },
    output: 'softmax',
    expected: (own) => own.map((p) => p / own.reduce((a, b) => a + b)),
  },
  '几个 sigmoid': { network: () => chain(gap(), dense(4, 'sigmoid')), output: 'sigmoid' },
  '声明的 sigmoid': {
    network: () => chain(gap(), dense(4)),
    options: { output: 'sigmoid' },
    output: 'sigmoid',
    expected: (own) => own.map((z) => 1 / (1 + Math.exp(-z))),
  },
  'Sequential 里的 Sequential': { network: () => tf.sequential({ layers: [tf.sequential({ name: 'base', layers: [...body(), gap()] }), tf.sequential({ name: 'head', layers: [layers.dense({ units: 5, inputShape: [4], activation: 'relu', name: 'hidden', ...init(7) }), dense(3, 'softmax')] })] }), output: 'softmax', names: ['base/one', 'base/two', 'head/hidden'] }, // prettier-ignore
  函数式迁移学习: {
    network: functionalTransfer,
    output: 'softmax',
    names: ['base/one', 'base/pool', 'base/two', 'gap'],
  },
  三层嵌套: { network: threeDeep, output: 'softmax', names: ['middle/inner/one', 'middle/gap'] },
  同一个网络用两次: { network: usedTwice, output: 'softmax', names: ['eye/one', 'eye.2/one'] },
  同一层用两次: { network: shared, output: 'softmax', names: ['relu', 'relu.2', 'twice', 'twice.2'] },
  几个输出选一个: {
    network: () => heads(['softmax', 'sigmoid'], (ends) => ends),
    options: { head: 'end1' },
    output: 'sigmoid',
  },
};

test.before(async () => {
  await startBackend();
});

for (const [what, { network: make, options, output, expected, names }] of Object.entries(KINDS)) {
  test(`${what}：概率与网络自己的相同，梯度与差分相同，每一层都够得着`, async () => {
    const network = make();
    const image = picture();
    const own = ownAnswer(network, image, options?.head ? 1 : 0);
    const before = tf.memory().numTensors;
    const model = fromLayersModel(network, options);
    assert.is(model.output, output);
    assertClose(await inOrder(model, image), (expected ?? ((p: number[]) => p))(own), 1e-4, what);
    await checkGradient(model, image, what);
    for (const name of names ?? [])
      assert.ok(
        model.layers.some((layer) => layer.name === name),
        `${name}：${model.layers.map((l) => l.name).join(' ')}`,
      );
    for (const layer of model.layers) {
      const values = model.activations(image, layer.name);
      assert.equal(values.shape, layer.shape);
      values.dispose();
    }
    await leakFree(() => gradCam(model, image, { class: 1 }));
    model.dispose();
    assert.is(tf.memory().numTensors, before, '释放之后一个不多');
    assert.equal(ownAnswer(network, image, options?.head ? 1 : 0), own, '网络自己没有改变');
    image.dispose();
    network.dispose();
  });
}

test.run();
