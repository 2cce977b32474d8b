import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { prepareForGradients } from '../../../lib/09-your-own/gradient-calls';
import { explainRule } from '../../../lib/05-deconv/explain-rule';
import { inputGradient, type Rule } from '../../../lib/05-deconv/gradients';
import { imageModel } from '../../../lib/model/model';
import { fromLayersModel } from '../../../lib/09-your-own/from-layers';
import { assertClose, leakFree, madeUpImage } from '../../helpers';

const init = (seed: number) => tf.initializers.randomNormal({ mean: 0, stddev: 0.6, seed });

type Activation = 'linear' | 'relu' | 'relu6' | 'elu' | 'tanh';

/** A network of stock layers; `separate`: every rectifier as a layer that calls relu / relu6 itself. */
function network(activation: Activation): tf.LayersModel {
  const { layers } = tf;
  return tf.sequential({
    layers: [
      layers.conv2d({ name: 'conv', inputShape: [9, 9, 3], filters: 5, kernelSize: 3, strides: 2, padding: 'same', activation, kernelInitializer: init(1) }), // prettier-ignore
      layers.batchNormalization({ name: 'norm' }),
      layers.reLU({ name: 'cap', maxValue: 3 }),
      layers.depthwiseConv2d({ name: 'depth', kernelSize: 2, activation, depthwiseInitializer: init(2) }),
      layers.activation({ name: 'six', activation: 'relu6' }),
      layers.maxPooling2d({ name: 'pool', poolSize: 2 }),
      layers.flatten({ name: 'flat' }),
      layers.dense({ name: 'dense', units: 6, activation, kernelInitializer: init(3) }),
      layers.dense({ name: 'out', units: 3, kernelInitializer: init(4) }),
    ],
  });
}

const describe = (net: tf.LayersModel) =>
  imageModel(net, {
    id: 'own',
    title: '自己的网络',
    classes: [],
    roles: {
      firstConv: 'conv',
      lastConv: 'depth',
      lastPool: 'pool',
      features: 'flat',
      logits: 'out',
      stages: ['conv', 'cap', 'depth', 'six', 'pool'],
    },
    // Large inputs, so that some units pass the caps of 3 and 6.
    preprocess: { mean: [100, 100, 100], scale: 1 / 20 },
  });

const photo = () => madeUpImage(9, 9);

test.before(async () => {
  await startBackend();
});

for (const activation of ['linear', 'relu', 'relu6', 'elu', 'tanh'] as const) {
  test(`现成的层，激活函数 ${activation}：能求梯度，输出不变，ReLU 都看得见`, async () => {
    const net = network(activation);
    const [model, image] = [describe(net), photo()];
    const outputs = () => tf.tidy(() => Array.from(model.activations(image).dataSync()));
    const before = outputs();
    prepareForGradients(net);
    prepareForGradients(net);
    assert.equal(outputs(), before);
    const rectified = activation === 'relu' || activation === 'relu6';
    const expected = rectified ? ['conv', 'cap', 'depth', 'six', 'dense'] : ['cap', 'six'];
    assert.equal(explainRule(model, { class: 0 }).relus, expected);
    // Central differences of the network itself, away from kinks most of the time.
    const gradient = tf.tidy(() => inputGradient(model, image, { class: 2 }).dataSync());
    const values = image.dataSync();
    const h = 1e-3;
    const probes = Array.from({ length: 40 }, (_, k) => (k * 37) % 243);
    const near = probes.filter((i) => {
      const score = (d: number) =>
        tf.tidy(() => {
          const moved = values.slice();
          moved[i] += d;
          return model.activations(tf.tensor3d(moved, [9, 9, 3])).dataSync()[2];
        }) as unknown as number;
      return Math.abs((score(h) - score(-h)) / (2 * h) - gradient[i]) < 0.02 * (Math.abs(gradient[i]) + 0.5);
    });
    assert.ok(near.length >= 37, `${near.length} / 40`);
    for (const rule of ['backprop', 'deconv', 'guided'] as const) {
      await leakFree(() => inputGradient(model, image, { class: 0 }, { rule }));
    }
    await leakFree(() => explainRule(model, { class: 0 }));
    image.dispose();
    model.dispose();
  });
}

test('TF.js 求错或求不出的层：跨出边界的平均池化、空洞卷积、带门槛的 ReLU', async () => {
  const { layers } = tf;
  const conv = { filters: 4, kernelSize: 3, kernelInitializer: init(1), biasInitializer: init(2) };
  const first = { ...conv, inputShape: [12, 11, 3] };
  const middles: Record<string, tf.layers.Layer[]> = {
    average: [
      layers.conv2d({ ...first, activation: 'relu' }),
      layers.averagePooling2d({ poolSize: 3, strides: 2, padding: 'same' }),
    ],
    dilated: [
      layers.conv2d({ ...first, activation: 'relu', dilationRate: 2, padding: 'same' }),
      layers.conv2d({ ...conv, dilationRate: [3, 2] }),
    ],
    thresholded: [layers.conv2d(first), layers.thresholdedReLU({ theta: 0.3 })],
  };
  for (const [name, middle] of Object.entries(middles)) {
    const end = [layers.flatten(), layers.dense({ units: 3, kernelInitializer: init(3) })];
    const net = tf.sequential({ layers: [...middle, ...end] });
    const model = fromLayersModel(net, { preprocess: '[-1, 1]' });
    const image = madeUpImage(12, 11);
    assert.is(explainRule(model, { class: 0 }).relus.length, 1, name);
    const gradient = tf.tidy(() => inputGradient(model, image, { class: 1 }).dataSync());
    const values = image.dataSync();
    const differences = Float32Array.from({ length: 44 }, (_, k) => {
      const [lower, higher] = [-2e-3, 2e-3].map((d) => {
        const moved = values.slice();
        moved[9 * k] += d;
        return tf.tidy(() => model.activations(tf.tensor3d(moved, [12, 11, 3])).dataSync()[1]) as unknown as number;
      });
      return (higher - lower) / 4e-3;
    });
    const at = (k: number) => gradient[9 * k];
    const scale = Math.max(...differences.map(Math.abs));
    // A step over the kink of some ReLU spoils a difference or two.
    const near = Array.from(differences.keys()).filter((k) => Math.abs(at(k) - differences[k]) < 0.01 * scale);
    assert.ok(near.length >= 42, `${name}：${near.length} / 44`);
    for (const rule of ['deconv', 'guided'] as const)
      await leakFree(() => inputGradient(model, image, { class: 0 }, { rule }));
    image.dispose();
    model.dispose();
    net.dispose();
  }
});

/** One hidden layer y = cap(W x), score = v y, in arrays: what each rule must give. */
function byHand(x: number[], w: number[][], v: number[], top: number, rule: Rule): number[] {
  const gradient = [0, 0, 0];
  w.forEach((row, unit) => {
    const z = row.reduce((s, a, i) => s + a * x[i], 0);
    let d = v[unit];
    if (rule !== 'backprop') d = Math.max(0, d);
    if (rule !== 'deconv') d *= z > 0 && z < top ? 1 : 0;
    row.forEach((a, i) => (gradient[i] += d * a));
  });
  return gradient;
}

test('relu6 无论怎样写，三种规则都得手算的数', () => {
  const w = [[1, 2, 0], [0, 20, 4], [-2, 0, 1], [1, -4, 0], [8, 0, 0]]; // prettier-ignore
  const v = [3, 2, 5, -1, -7];
  const x = [1, 0.5, 0.25];
  const kernel = tf.tensor2d(w).transpose().reshape([1, 1, 3, 5]);
  const top = tf.tensor2d(v, [5, 1]);
  const [kernelBias, topBias] = [tf.zeros([5]), tf.zeros([1])];
  const image = tf.tensor3d(x, [1, 1, 3]);
  const ways: tf.layers.Layer[][] = [
    [tf.layers.conv2d({ name: 'a', inputShape: [1, 1, 3], filters: 5, kernelSize: 1, activation: 'relu6' })],
    [
      tf.layers.conv2d({ name: 'a', inputShape: [1, 1, 3], filters: 5, kernelSize: 1 }),
      tf.layers.reLU({ maxValue: 6 }),
    ],
    [
      tf.layers.conv2d({ name: 'a', inputShape: [1, 1, 3], filters: 5, kernelSize: 1 }),
      tf.layers.activation({ activation: 'relu6' }),
    ],
  ];
  for (const [i, way] of ways.entries()) {
    const net = tf.sequential({ layers: [...way, tf.layers.flatten({}), tf.layers.dense({ name: 'out', units: 1 })] });
    net.getLayer('a').setWeights([kernel, kernelBias]);
    net.getLayer('out').setWeights([top, topBias]);
    prepareForGradients(net);
    const model = imageModel(net, {
      id: `way${i}`,
      title: 'ReLU6',
      classes: [],
      roles: {
        firstConv: 'a',
        lastConv: 'a',
        lastPool: 'a',
        features: 'a',
        logits: 'out',
        stages: ['a', 'a', 'a', 'a', 'a'],
      },
      preprocess: { mean: [0, 0, 0], scale: 1 / 255 },
    });
    for (const rule of ['backprop', 'deconv', 'guided'] as const) {
      const gradient = inputGradient(model, image, { class: 0 }, { rule });
      assertClose(gradient.dataSync(), byHand(x, w, v, 6, rule), 1e-5, `写法 ${i}，${rule}`);
      gradient.dispose();
    }
    model.dispose();
  }
  tf.dispose([kernel, top, kernelBias, topBias, image]);
});

test('训练照旧：prepareForGradients 之后 fit 走同样的一步', async () => {
  if (tf.getBackend() === 'wasm') return; // wasm has no kernel for a convolution's weight gradient at all
  const [a, b] = [network('relu6'), network('relu6')];
  b.setWeights(a.getWeights());
  prepareForGradients(b);
  const [x, y] = [tf.randomUniform([4, 9, 9, 3], 0, 1, 'float32', 1), tf.ones([4, 3])];
  for (const net of [a, b]) {
    net.compile({ optimizer: tf.train.sgd(0.01), loss: 'meanSquaredError' });
    await net.fit(x, y, { epochs: 1, batchSize: 4, verbose: 0 });
  }
  const [wa, wb] = [a, b].map((net) => net.getWeights().flatMap((w) => Array.from(w.dataSync())));
  assertClose(wb, wa, 1e-6);
  tf.dispose([x, y]);
});

test.run();
