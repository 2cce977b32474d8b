import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { inputGradient } from '../../../lib/05-deconv/gradients';
import { loadOwnModel } from '../../../lib/09-your-own/load';
import { fromLayersModel } from '../../../lib/09-your-own/from-layers';
import { saveOwnModel } from '../../../lib/09-your-own/save';
import { classify } from '../../../lib/model/classify';
import type { ImageModel } from '../../../lib/model/model';
import { assertClose, failure, leakFree } from '../../helpers';

/** Descriptions as Keras writes them, with numbers of our own: what comes out is computed by hand from TF.js' operations. */

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-keras-'));
const numbers = (shape: number[], seed: number) =>
  Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => 0.4 * Math.sin(seed + 1.7 * i));

interface Weight {
  readonly name: string;
  readonly shape: number[];
  readonly values?: number[];
}

function save(name: string, model: object, weights: readonly Weight[], version: string): string {
  const folder = path.join(scratch, name);
  fs.mkdirSync(folder, { recursive: true });
  const all = weights.flatMap(({ shape, values }, i) => values ?? numbers(shape, i));
  fs.writeFileSync(path.join(folder, 'weights.bin'), Buffer.from(Float32Array.from(all).buffer));
  const modelTopology = { keras_version: version, backend: 'tensorflow', model_config: model };
  const entries = weights.map(({ name, shape }) => ({ name, shape, dtype: 'float32' }));
  const weightsManifest = [{ paths: ['weights.bin'], weights: entries }];
  fs.writeFileSync(
    path.join(folder, 'model.json'),
    JSON.stringify({ format: 'layers-model', modelTopology, weightsManifest }),
  );
  return folder;
}

const policy = { module: 'keras', class_name: 'DTypePolicy', config: { name: 'float32' }, registered_name: null };
const starter = {
  module: 'keras.initializers',
  class_name: 'GlorotUniform',
  config: { seed: null, input_axes: null },
  registered_name: null,
};
const inputLayer = { class_name: 'InputLayer', config: { batch_shape: [null, 8, 8, 3], dtype: 'float32', sparse: false, ragged: false, name: 'image', optional: false } }; // prettier-ignore
const conv3 = (name: string, extra: object = {}) => ({ module: 'keras.layers', class_name: 'Conv2D', registered_name: null, build_config: { input_shape: [null, 8, 8, 3] }, config: { name, trainable: true, dtype: policy, filters: 4, kernel_size: [3, 3], strides: [1, 1], padding: 'same', data_format: 'channels_last', dilation_rate: [1, 1], groups: 1, activation: 'relu', use_bias: true, kernel_initializer: starter, bias_initializer: starter, kernel_regularizer: null, ...extra } }); // prettier-ignore
const gap = {
  class_name: 'GlobalAveragePooling2D',
  config: { name: 'gap', dtype: policy, data_format: 'channels_last', keepdims: false },
};
const dense3 = (activation: unknown = 'softmax') => ({ class_name: 'Dense', config: { name: 'end', dtype: policy, units: 3, activation, use_bias: true, kernel_initializer: starter, bias_initializer: starter, quantization_config: null } }); // prettier-ignore
const kernel = (layer: string, channels = 3) => [
  { name: `${layer}/kernel`, shape: [3, 3, channels, 4] },
  { name: `${layer}/bias`, shape: [4] },
];
const end = [
  { name: 'net/end/kernel', shape: [4, 3] },
  { name: 'net/end/bias', shape: [3] },
];

const at = (layer: string) => ({
  class_name: '__keras_tensor__',
  config: { shape: [null, 8, 8, 3], dtype: 'float32', keras_history: [layer, 0, 0] },
});
const called = (layer: object, ...from: string[]) => ({
  ...layer,
  name: (layer as { config: { name: string } }).config.name,
  inbound_nodes: from.length ? [{ args: from.length > 1 ? [from.map(at)] : [at(from[0])], kwargs: {} }] : [],
});

const picture = () =>
  tf.tensor3d(
    Float32Array.from({ length: 192 }, (_, i) => 0.5 + 0.45 * Math.sin(i * i)),
    [8, 8, 3],
  );
const inOrder = async (model: ImageModel, image: tf.Tensor3D) =>
  (await classify(model, image, { count: 9 })).sort((a, b) => a.index - b.index).map(({ probability }) => probability);

/** The same numbers by TF.js' operations: middle(x) between the image and the pooled end. */
function byHand(
  image: tf.Tensor3D,
  middle: (x: tf.Tensor4D, weights: tf.Tensor[]) => tf.Tensor,
  weights: readonly Weight[],
): number[] {
  return tf.tidy(() => {
    const tensors = weights.map(({ shape, values }, i) => tf.tensor(values ?? numbers(shape, i), shape));
    const [k, b] = tensors.slice(-2);
    const pooled = tf.mean(middle(image.expandDims(0) as tf.Tensor4D, tensors), [1, 2]);
    return Array.from(tf.softmax(tf.add(tf.matMul(pooled as tf.Tensor2D, k as tf.Tensor2D), b)).dataSync());
  }) as unknown as number[];
}

const convolved = (x: tf.Tensor4D, [k, b]: tf.Tensor[]) => tf.add(tf.conv2d(x, k as tf.Tensor4D, 1, 'same'), b);

test.before(async () => {
  await startBackend();
});
test.after(() => fs.rmSync(scratch, { recursive: true }));

test('Keras 3：Sequential、函数式（两个输入的层、嵌套）、用对象写的激活函数', async () => {
  const image = picture();
  const weights = [...kernel('net/one'), ...kernel('net/two', 4), ...end];
  const relu = { module: 'builtins', class_name: 'function', config: 'relu', registered_name: 'function' };
  const sequential = { class_name: 'Sequential', config: { name: 'net', dtype: policy, layers: [inputLayer, conv3('one'), conv3('two', { activation: relu }), gap, dense3()], build_input_shape: [null, 8, 8, 3] } }; // prettier-ignore
  const plain = byHand(
    image,
    (x, w) => tf.relu(convolved(tf.relu(convolved(x, w)) as tf.Tensor4D, w.slice(2))),
    weights,
  );
  const add = { class_name: 'Add', config: { name: 'add', dtype: policy } };
  const functional = { class_name: 'Functional', config: { name: 'net', layers: [called(inputLayer), called(conv3('one'), 'image'), called(conv3('two'), 'one'), called(add, 'one', 'two'), called(gap, 'add'), called(dense3(), 'gap')], input_layers: ['image', 0, 0], output_layers: ['end', 0, 0] } }; // prettier-ignore
  const base = { class_name: 'Functional', config: { name: 'base', layers: [called({ ...inputLayer, config: { ...inputLayer.config, name: 'inner' } }), called(conv3('one'), 'inner'), called(conv3('two'), 'one')], input_layers: [['inner', 0, 0]], output_layers: [['two', 0, 0]] } }; // prettier-ignore
  const nested = { class_name: 'Functional', config: { name: 'net', layers: [called(inputLayer), called(base, 'image'), called(gap, 'base'), called(dense3(), 'gap')], input_layers: [['image', 0, 0]], output_layers: [['end', 0, 0]] } }; // prettier-ignore
  const summed = byHand(
    image,
    (x, w) => {
      const one = tf.relu(convolved(x, w));
      return tf.add(one, tf.relu(convolved(one as tf.Tensor4D, w.slice(2))));
    },
    weights,
  );
  for (const [name, model, expected] of [
    ['sequential', sequential, plain],
    ['functional', functional, summed],
    ['nested', nested, plain],
  ] as const) {
    await leakFree(async () => {
      const loaded = await loadOwnModel(save(name, model, weights, '3.5.0'));
      assertClose(await inOrder(loaded, image), expected, 1e-5, name);
      if (name === 'nested') assert.ok(loaded.layers.some((layer) => layer.name === 'base/two'));
      loaded.dispose();
    });
  }
  image.dispose();
});

test('TensorFlow.js 会悄悄丢掉的设置：ReLU 的斜率、门槛、上限；BatchNormalization 没有 scale 或 center', async () => {
  const image = picture();
  const weights = [...kernel('one'), ...end];
  const slanted = (settings: object) => ({ class_name: 'Sequential', config: { name: 'net', layers: [inputLayer, conv3('one', { activation: 'linear' }), { class_name: 'ReLU', config: { name: 'act', dtype: 'float32', max_value: null, negative_slope: 0, threshold: 0, ...settings } }, gap, dense3()] } }); // prettier-ignore
  const ways: [object, (x: tf.Tensor) => tf.Tensor][] = [
    [{ negative_slope: 0.25 }, (x) => tf.leakyRelu(x, 0.25)],
    [{ threshold: 0.3 }, (x) => tf.mul(x, tf.cast(tf.greaterEqual(x, 0.3), 'float32'))],
    [
      { negative_slope: 0.5, threshold: 0.2, max_value: 0.6 },
      (x) => tf.where(tf.greaterEqual(x, 0.2), tf.minimum(x, 0.6), tf.mul(tf.sub(x, 0.2), 0.5)),
    ],
    [{ max_value: 0.5 }, (x) => tf.clipByValue(x, 0, 0.5)],
  ];
  for (const [settings, by] of ways) {
    const model = await loadOwnModel(save('relu', slanted(settings), weights, '2.15.0'));
    assertClose(
      await inOrder(model, image),
      byHand(image, (x, w) => by(convolved(x, w)), weights),
      1e-5,
      JSON.stringify(settings),
    );
    await leakFree(() => inputGradient(model, image, { class: 0 }));
    model.dispose();
  }
  for (const [scale, center] of [
    [true, false],
    [false, true],
    [false, false],
  ]) {
    const network = tf.sequential({ layers: [
      tf.layers.conv2d({ inputShape: [8, 8, 3], filters: 4, kernelSize: 3, kernelInitializer: tf.initializers.randomNormal({ seed: 1 }) }),
      tf.layers.batchNormalization({ scale, center, movingMeanInitializer: tf.initializers.randomNormal({ seed: 2 }), movingVarianceInitializer: tf.initializers.constant({ value: 0.5 }) }),
      tf.layers.activation({ activation: 'relu' }), tf.layers.globalAveragePooling2d({}), tf.layers.dense({ units: 2, activation: 'softmax' }),
    ] }); // prettier-ignore
    const model = fromLayersModel(network);
    const gradient = await inputGradient(model, image, { class: 0 });
    const values = await image.data();
    const slope = (i: number) => {
      const score = (d: number) =>
        tf.tidy(() => {
          const moved = Float32Array.from(values);
          moved[i] += d;
          return model.activations(tf.tensor3d(moved, [8, 8, 3])).dataSync()[0];
        }) as unknown as number;
      return (score(1e-3) - score(-1e-3)) / 2e-3;
    };
    const slopes = Array.from({ length: 192 }, (_, i) => slope(i));
    const largest = Math.max(...slopes.map(Math.abs));
    const got = await gradient.data();
    assert.ok(slopes.filter((s, i) => Math.abs(s - got[i]) < 0.02 * largest).length > 180, `${scale} ${center}`);
    gradient.dispose();
    model.dispose();
    network.dispose();
  }
  image.dispose();
});

test('Keras 有、TensorFlow.js 没有的层：增强、Normalization、保留轴的池化、算术', async () => {
  const image = picture();
  const sequential = (...middle: object[]) => ({
    class_name: 'Sequential',
    config: { name: 'net', layers: [inputLayer, ...middle, gap, dense3()] },
  });
  const weights = [...kernel('one'), ...end];
  const layer = (class_name: string, config: object) => ({
    class_name,
    config: { name: class_name.toLowerCase(), dtype: 'float32', ...config },
  });
  const flip = layer('RandomFlip', { mode: 'horizontal', seed: null });
  const normal = layer('Normalization', {
    axis: [-1],
    invert: false,
    mean: [0.4, 0.5, 0.6],
    variance: [0.04, 0.05, 0.06],
  });
  const relu = (x: tf.Tensor, w: tf.Tensor[]) => tf.relu(convolved(x as tf.Tensor4D, w));
  const ways: [string, object, (x: tf.Tensor4D, w: tf.Tensor[]) => tf.Tensor][] = [
    ['aug', sequential(flip, conv3('one')), relu],
    [
      'norm',
      sequential(normal, conv3('one')),
      (x, w) => relu(tf.div(tf.sub(x, [0.4, 0.5, 0.6]), tf.sqrt([0.04, 0.05, 0.06])), w),
    ],
  ];
  for (const [name, model, middle] of ways) {
    const loaded = await loadOwnModel(save(name, model, weights, '2.15.0'));
    assertClose(await inOrder(loaded, image), byHand(image, middle, weights), 1e-5, name);
    loaded.dispose();
  }
  const learned = [
    { name: 'normalization/mean', shape: [3], values: [0.4, 0.5, 0.6] },
    { name: 'normalization/variance', shape: [3], values: [0.04, 0.05, 0.06] },
    { name: 'normalization/count', shape: [], values: [9] },
  ];
  const adapted = sequential(
    layer('Normalization', { axis: [-1], invert: false, mean: null, variance: null }),
    conv3('one'),
  );
  const loaded = await loadOwnModel(save('adapted', adapted, [...weights, ...learned], '2.15.0'));
  assertClose(await inOrder(loaded, image), byHand(image, ways[1][2], weights), 1e-5, 'adapted');
  loaded.dispose();
  const scaled = { class_name: 'Functional', config: { name: 'net', layers: [called(inputLayer), { class_name: 'TFOpLambda', name: 'div', config: { name: 'div', function: 'math.truediv' }, inbound_nodes: [['image', 0, 0, { y: 127.5, name: null }]] }, { class_name: 'TFOpLambda', name: 'sub', config: { name: 'sub', function: 'math.subtract' }, inbound_nodes: [['div', 0, 0, { y: 1, name: null }]] }, called(conv3('one'), 'sub'), called(gap, 'one'), called(dense3(), 'gap')], input_layers: [['image', 0, 0]], output_layers: [['end', 0, 0]] } }; // prettier-ignore
  const operated = await loadOwnModel(save('ops', scaled, weights, '2.15.0'));
  assertClose(
    await inOrder(operated, image),
    byHand(image, (x, w) => relu(tf.sub(tf.mul(x, 2), 1), w), weights),
    1e-5,
    'ops',
  );
  assert.ok(operated.notes.some((note) => note.includes('0-255')));
  operated.dispose();
  image.dispose();
});

test('算不对的就拒绝：一句话说明，并给出转换的命令；失败之后不留张量', async () => {
  const weights = [...kernel('one'), ...end];
  const net = (...middle: object[]) => ({
    class_name: 'Sequential',
    config: { name: 'net', layers: [inputLayer, ...middle, gap, dense3()] },
  });
  const broken: [string, object, readonly Weight[], RegExp][] = [
    ['first', net(conv3('one', { data_format: 'channels_first' })), weights, /通道在前/],
    ['groups', net(conv3('one', { groups: 2 })), weights, /分组/],
    ['act', net(conv3('one', { activation: 'hard_silu' })), weights, /hard_silu/],
    ['hard', net(conv3('one', { activation: 'hard_sigmoid' })), weights, /hard_sigmoid/],
    [
      'unknown',
      net({ class_name: 'FancyAttention', config: { name: 'x' } }, conv3('one')),
      weights,
      /不认识 FancyAttention/,
    ],
    ['missing', net(conv3('one'), conv3('two')), weights, /没有 two\/kernel/],
    ['extra', net(conv3('one')), [...weights, { name: 'more/kernel', shape: [2] }], /more\/kernel.*没有位置/],
    ['shape', net(conv3('one', { filters: 5 })), weights, /\[3, 3, 3, 4\].*\[3, 3, 3, 5\]/],
  ];
  for (const [name, model, given, message] of broken) {
    const folder = save(name, model, given, '3.5.0');
    const before = tf.memory().numTensors;
    const error = await failure(() => loadOwnModel(folder));
    assert.match(error.message, message, name);
    assert.match(
      error.message,
      /tensorflowjs_converter --input_format=tf_saved_model --output_format=tfjs_graph_model/,
      name,
    );
    assert.is(tf.memory().numTensors, before, `${name}：留下了张量`);
  }
});

test('路径：file://、~、反斜杠、别的程序的文件', async () => {
  const network = tf.sequential({
    layers: [
      tf.layers.conv2d({ inputShape: [8, 8, 3], filters: 2, kernelSize: 3 }),
      tf.layers.globalAveragePooling2d({}),
      tf.layers.dense({ units: 2 }),
    ],
  });
  const home = process.env.HOME;
  process.env.HOME = scratch;
  try {
    const places = [`file://${scratch}/一`, '~/二', `${scratch.replace(/\//g, '\\')}\\三`];
    const folders = ['一', '二', '三'].map((name) => path.join(scratch, name, 'model.json'));
    for (const [i, place] of places.entries()) {
      assert.is(await saveOwnModel(network, place), folders[i]);
      assert.ok(fs.existsSync(folders[i]));
      (await loadOwnModel(place)).dispose();
    }
    if (process.platform !== 'win32') {
      const error = await failure(() => saveOwnModel(network, 'C:\\网络'));
      assert.match(error.message, /Windows.*拷贝/);
      assert.not.ok(fs.existsSync('C:'));
    }
  } finally {
    process.env.HOME = home;
  }
  const files: [string, RegExp][] = [['a.h5', /input_format=keras/], ['a.keras', /model\.export/], ['a.pt', /torch\.onnx\.export.*onnx2tf/s], ['a.pth', /onnx2tf/], ['a.onnx', /onnx2tf/], ['saved_model.pb', /tf_saved_model/], ['weights.bin', /model\.json/]]; // prettier-ignore
  for (const [file, message] of files)
    assert.match((await failure(() => loadOwnModel(path.join(scratch, file)))).message, message, file);
  network.dispose();
});

test.run();
