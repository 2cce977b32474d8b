import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { occlusionMap } from '../../../lib/04-occlusion/occlusion';
import { gradCam } from '../../../lib/05-deconv/grad-cam';
import { inputGradient } from '../../../lib/05-deconv/gradients';
import { insertionDeletion } from '../../../lib/05-deconv/perturbation';
import { classProbability } from '../../../lib/06-optimization/objectives';
import { maximize } from '../../../lib/06-optimization/optimize';
import { pixels } from '../../../lib/06-optimization/parametrization';
import { iterate } from '../../../lib/08-adversarial/attacks';
import { deepFool } from '../../../lib/08-adversarial/deepfool';
import { fromLayersModel, type OwnModelOptions } from '../../../lib/09-your-own/from-layers';
import { classify } from '../../../lib/model/classify';
import type { ImageModel } from '../../../lib/model/model';
import { dispose } from '../../../lib/base/dispose';
import { showNetwork } from '../../../lib/show/network';
import { assertClose, displayed, failure, leakFree } from '../../helpers';

/** Networks of every kind that people bring; each must say what its own predict() says, and be differentiable. */

const init = (seed: number) => ({ kernelInitializer: tf.initializers.randomNormal({ stddev: 0.5, seed }) });
const { layers } = tf;
type Symbolic = tf.SymbolicTensor;
const SIZE: [number, number, number] = [12, 12, 3];
const put = (layer: tf.layers.Layer, ...inputs: Symbolic[]) =>
  layer.apply(inputs.length === 1 ? inputs[0] : inputs) as Symbolic;

const conv = (seed: number, extra: object = {}) =>
  layers.conv2d({ filters: 4, kernelSize: 3, activation: 'relu', ...init(seed), ...extra });
const body = (inputShape = SIZE) => [
  conv(1, { inputShape, name: 'one' }),
  layers.maxPooling2d({ poolSize: 2, name: 'pool' }),
  conv(2, { name: 'two' }),
];
const chain = (...end: tf.layers.Layer[]) => tf.sequential({ layers: [...body(), ...end] });
const gap = () => layers.globalAveragePooling2d({ name: 'gap' });
const dense = (units: number, activation?: 'softmax' | 'sigmoid' | 'relu' | 'tanh', name = 'end') =>
  layers.dense({ units, activation, name, ...init(9) });

function heads(kinds: readonly ('softmax' | 'sigmoid')[], join: (ends: Symbolic[]) => Symbolic[]): tf.LayersModel {
  const image = tf.input({ shape: SIZE });
  const features = body()
    .slice(1)
    .reduce((x, layer) => put(layer, x), put(conv(1, { name: 'one' }), image));
  const row = put(gap(), features);
  const ends = kinds.map((kind, i) => put(layers.dense({ units: 3, activation: kind, name: `end${i}`, ...init(i + 5) }), row)); // prettier-ignore
  return tf.model({ inputs: image, outputs: join(ends) });
}

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
  const joined = put(layers.concatenate({}), put(eye, image), put(eye, put(layers.activation({ activation: 'tanh', name: 'other' }), image))); // prettier-ignore
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

const softmax = (own: number[]) => {
  const powers = own.map(Math.exp);
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((p) => p / sum);
};

const KINDS: Record<string, Kind> = {
  '全连接自带 softmax': { network: () => chain(gap(), dense(3, 'softmax')), output: 'softmax' },
  'softmax 之后 reshape': { network: () => chain(gap(), layers.reshape({ targetShape: [1, 1, 4] }), conv(3, { kernelSize: 1, activation: undefined }), layers.activation({ activation: 'softmax' }), layers.reshape({ targetShape: [4] })), output: 'softmax' }, // prettier-ignore
  'softmax 之后 flatten、dropout': { network: () => chain(conv(3, { kernelSize: 3, activation: 'softmax' }), layers.flatten(), layers.dropout({ rate: 0.5 })), output: 'softmax' }, // prettier-ignore
  '没有空间的 1×1 输出': { network: () => chain(conv(3, { kernelSize: 3, activation: 'softmax' })), output: 'softmax' },
  'logSoftmax': { network: () => chain(gap(), dense(3), layers.activation({ activation: 'logSoftmax' as never })), output: 'softmax', expected: softmax }, // prettier-ignore
  'softmax 的平均': { network: () => heads(['softmax', 'softmax'], (ends) => [put(layers.average({}), ...ends)]), output: 'softmax' }, // prettier-ignore
  '各处 softmax 的平均': { network: () => chain(conv(3, { kernelSize: 2, activation: 'softmax' }), gap()), output: 'softmax' }, // prettier-ignore
  logits: { network: () => chain(gap(), dense(3)), output: 'logits', expected: softmax },
  '一个 sigmoid': { network: () => chain(gap(), dense(1, 'sigmoid')), output: 'sigmoid', expected: ([p]) => [1 - p, p] }, // prettier-ignore
  '一个 sigmoid 层': { network: () => chain(gap(), dense(1), layers.activation({ activation: 'sigmoid' })), output: 'sigmoid', expected: ([p]) => [1 - p, p] }, // prettier-ignore
  '一个 hard-sigmoid': { network: () => chain(gap(), layers.dense({ units: 1, activation: 'hardSigmoid', kernelInitializer: tf.initializers.randomNormal({ stddev: 0.05, seed: 12 }) })), output: 'sigmoid', expected: ([p]) => [1 - p, p] }, // prettier-ignore
  '声明的 hard-sigmoid': { network: () => chain(gap(), layers.dense({ units: 1, activation: 'hardSigmoid', kernelInitializer: tf.initializers.randomNormal({ stddev: 0.05, seed: 12 }) })), options: { output: 'sigmoid' }, output: 'sigmoid', expected: ([p]) => [1 - p, p] }, // prettier-ignore
  '声明为 logits 的 softmax': { network: () => chain(gap(), dense(3, 'softmax')), options: { output: 'logits' }, output: 'logits' }, // prettier-ignore
  '声明为 sigmoid 的 softmax': { network: () => chain(gap(), dense(3, 'softmax')), options: { output: 'sigmoid' }, output: 'sigmoid' }, // prettier-ignore
  '声明为 softmax 的 sigmoid': { network: () => chain(gap(), dense(3, 'sigmoid')), options: { output: 'softmax' }, output: 'softmax', expected: (own) => own.map((p) => p / own.reduce((a, b) => a + b)) }, // prettier-ignore
  '几个 sigmoid': { network: () => chain(gap(), dense(4, 'sigmoid')), output: 'sigmoid' },
  '声明的 sigmoid': { network: () => chain(gap(), dense(4)), options: { output: 'sigmoid' }, output: 'sigmoid', expected: (own) => own.map((z) => 1 / (1 + Math.exp(-z))) }, // prettier-ignore
  'Sequential 里的 Sequential': { network: () => tf.sequential({ layers: [tf.sequential({ name: 'base', layers: [...body(), gap()] }), tf.sequential({ name: 'head', layers: [layers.dense({ units: 5, inputShape: [4], activation: 'relu', name: 'hidden', ...init(7) }), dense(3, 'softmax')] })] }), output: 'softmax', names: ['base/one', 'base/two', 'head/hidden'] }, // prettier-ignore
  函数式迁移学习: {
    network: functionalTransfer,
    output: 'softmax',
    names: ['base/one', 'base/pool', 'base/two', 'gap'],
  },
  三层嵌套: { network: threeDeep, output: 'softmax', names: ['middle/inner/one', 'middle/gap'] },
  同一个网络用两次: { network: usedTwice, output: 'softmax', names: ['eye/one', 'eye.2/one'] },
  同一层用两次: { network: shared, output: 'softmax', names: ['relu', 'relu.2', 'twice', 'twice.2'] },
  '几个输出选一个': { network: () => heads(['softmax', 'sigmoid'], (ends) => ends), options: { head: 'end1' }, output: 'sigmoid' }, // prettier-ignore
};

const picture = ([height, width]: readonly number[] = SIZE) =>
  tf.tensor3d(Float32Array.from({ length: height * width * 3 }, (_, i) => 0.5 + 0.45 * Math.sin(i * i + 1)), [height, width, 3]); // prettier-ignore

function ownAnswer(network: tf.LayersModel, image: tf.Tensor, head = 0): number[] {
  return tf.tidy(() => {
    const outputs = [network.predict(image.expandDims(0)) as tf.Tensor | tf.Tensor[]].flat();
    return Array.from(outputs[head].dataSync());
  }) as unknown as number[];
}

const inOrder = async (model: ImageModel, image: tf.Tensor3D) =>
  (await classify(model, image, { count: 100 }))
    .sort((a, b) => a.index - b.index)
    .map(({ probability }) => probability);

/** The gradient of a class score against central differences, where no kink is near. */
async function checkGradient(model: ImageModel, image: tf.Tensor3D, what: string): Promise<void> {
  const gradient = await inputGradient(model, image, { class: 0 });
  const [values, slopes] = [await image.data(), await gradient.data()];
  const score = (i: number, d: number) =>
    tf.tidy(() => {
      const moved = Float32Array.from(values);
      moved[i] += d;
      return model.activations(tf.tensor3d(moved, image.shape)).dataSync()[0];
    }) as unknown as number;
  const largest = Math.max(...slopes.map(Math.abs));
  assert.ok(largest > 0, `${what}：梯度处处为零`);
  const probes = Array.from({ length: 24 }, (_, k) => (k * 37) % values.length);
  const near = probes.filter((i) => Math.abs((score(i, 2e-3) - score(i, -2e-3)) / 4e-3 - slopes[i]) < 0.02 * largest);
  assert.ok(near.length >= 21, `${what}：差分与梯度相符的 ${near.length} / 24`);
  gradient.dispose();
}

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
    for (const name of names ?? []) assert.ok(model.layers.some((layer) => layer.name === name), `${name}：${model.layers.map((l) => l.name).join(' ')}`); // prettier-ignore
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

test('一个 sigmoid：遮挡、删除插入、攻击、最大化都按两类算', async () => {
  const network = chain(gap(), dense(1, 'sigmoid'));
  const model = fromLayersModel(network, { classes: ['猫', '狗'] });
  const image = picture();
  const [p] = ownAnswer(network, image);
  const map = await occlusionMap(model, image, { class: 1 }, { size: 4, stride: 4 });
  assert.ok(Math.abs(map.baseline.probability - p) < 1e-5);
  const black = tf.tidy(() => ownAnswer(network, tf.concat([tf.fill([4, 4, 3], 0.5), image.slice([0, 4], [4, 8])], 1).concat(image.slice([4], [8]) as tf.Tensor3D))[0]) as unknown as number; // prettier-ignore
  assert.ok(Math.abs(map.probability.dataSync()[0] - black) < 1e-5, '左上角盖住之后');
  const saliency = await inputGradient(model, image, { class: 1 });
  const curves = await insertionDeletion(model, image, { class: 1 }, saliency, { steps: 3 });
  assert.ok(Math.abs(curves.deletion[0] - p) < 1e-5);
  const top = p > 0.5 ? 1 : 0;
  for (const attack of [iterate, deepFool]) {
    const result = await attack(model, image, attack === iterate ? { epsilon: 0.5, steps: 20 } : {});
    const [after] = ownAnswer(network, result.image);
    assert.is(result.before[0].index, top);
    assert.ok(Math.abs(result.after.find((s) => s.index === 1)!.probability - after) < 1e-5);
    assert.is(result.success, (after > 0.5 ? 1 : 0) !== top);
    tf.dispose([result.image, result.perturbation]);
  }
  const { layers: read, value } = classProbability(1)(model);
  const logarithm = tf.tidy(() => value((layer) => tf.squeeze(model.forward(image.expandDims(0) as tf.Tensor4D, read)[read.indexOf(layer)], [0])).dataSync()[0]); // prettier-ignore
  assert.ok(Math.abs((logarithm as unknown as number) - Math.log(p)) < 1e-4);
  await leakFree(() => maximize(model, classProbability(1), { steps: 2, seed: 1 }));
  tf.dispose([map as never, saliency, image]);
  model.dispose();
  network.dispose();
});

test('说错的 output：概率恒为 1 或不是数的，载入时就说', async () => {
  const wrong: [tf.LayersModel, string, RegExp][] = [
    [chain(gap(), dense(1)), 'logits', /一个数的 softmax 恒为 1.*output: 'sigmoid'/],
    [chain(gap(), dense(1, 'sigmoid')), 'softmax', /恒为 1/],
    [chain(gap(), dense(1, 'softmax')), 'softmax', /恒为 1/],
    [chain(gap(), dense(3)), 'softmax', /end 却是 linear.*output: 'logits'/],
    [chain(conv(4, { activation: undefined }), gap()), 'softmax', /gap 却是 linear/],
    [chain(gap(), dense(3, 'tanh')), 'softmax', /end 却是 tanh/],
    [chain(gap(), dense(3, 'softmax')), 'soft', /最接近：softmax/],
  ];
  for (const [network, output, message] of wrong) {
    const before = tf.memory().numTensors;
    const error = await failure(() => fromLayersModel(network, { output: output as never }));
    assert.match(error.message, message);
    assert.instance(error, RangeError);
    assert.is(tf.memory().numTensors, before);
    network.dispose();
  }
});

test('四种输出，一张手算的图：遮挡、删除与插入、攻击、最大化、showNetwork 都按它算', async () => {
  const [kernel, bias, top, offset] = [[[1, -0.5], [0.3, 0.8], [-0.4, 0.6]], [0.05, -0.02], [[2, -1, 0.5], [-3, 4, 1]], [0.1, -0.3, 0.2]]; // prettier-ignore
  const image = picture([4, 4]);
  const values = image.dataSync();
  const scores = (x: ArrayLike<number>) => {
    const means = bias.map((b, k) => {
      const at = (p: number) =>
        Math.max(
          0,
          kernel.reduce((sum, row, c) => sum + row[k] * x[3 * p + c], b),
        );
      return Array.from({ length: 16 }, (_, p) => at(p)).reduce((a, b) => a + b) / 16;
    });
    return offset.map((c, j) => c + means[0] * top[0][j] + means[1] * top[1][j]);
  };
  const sigmoid = (own: number[]) => own.map((z) => 1 / (1 + Math.exp(-z)));
  const ways = [
    ['softmax', 'softmax', softmax, '3 个各类概率'],
    [undefined, 'logits', softmax, '3 个得分'],
    ['sigmoid', 'sigmoid', sigmoid, '3 个独立的概率'],
    [undefined, 'none', softmax, '不是类别'],
  ] as const;
  for (const [activation, output, probabilities, shown] of ways) {
    const network = tf.sequential({ layers: [layers.conv2d({ name: 'c', inputShape: [4, 4, 3], filters: 2, kernelSize: 1, activation: 'relu' }), layers.globalAveragePooling2d({}), layers.dense({ name: 'd', units: 3, activation })] }); // prettier-ignore
    const weights = [tf.tensor4d(kernel.flat(), [1, 1, 3, 2]), tf.tensor1d(bias), tf.tensor2d(top), tf.tensor1d(offset)]; // prettier-ignore
    network.setWeights(weights);
    const model = fromLayersModel(network, output === 'none' ? { output } : {});
    assert.is(model.output, output);
    const drawn = await displayed(() => showNetwork(model));
    assert.match(String(drawn.data['text/plain']), shown);
    const right = (x: ArrayLike<number>) => probabilities(scores(x));
    if (output === 'none') {
      for (const run of [() => classify(model, image), () => insertionDeletion(model, image, { class: 0 }, tf.tidy(() => image), {}), () => maximize(model, classProbability(0))]) assert.match((await failure(run)).message, /不是类别/); // prettier-ignore
    } else {
      assertClose(await inOrder(model, image), right(values), 1e-5, output);
      const covered = values.map((v, i) => (i % 12 < 6 && i < 24 ? 0.25 : v));
      const map = await occlusionMap(model, image, { class: 1 }, { size: 2, stride: 2, fill: 0.25 });
      assert.ok(Math.abs(map.probability.dataSync()[0] - right(covered)[1]) < 1e-5, `${output}：遮挡`);
      const order = tf.range(0, -16, -1).reshape([4, 4]);
      const curves = await insertionDeletion(model, image, { class: 1 }, order, { steps: 2, fill: 'mean' });
      const half = (first: boolean) => values.map((v, i) => (i < 24 === first ? model.mean[i % 3] : v));
      assertClose(curves.deletion, [values, half(true), values.map((_, i) => model.mean[i % 3])].map((x) => right(x)[1]), 1e-5); // prettier-ignore
      assert.ok(Math.abs(curves.insertion[1] - right(half(false))[1]) < 1e-5, `${output}：插入`);
      const attack = await iterate(model, image, { epsilon: 0.4, steps: 10 });
      const after = right(await attack.image.data());
      for (const { index, probability } of attack.after) assert.ok(Math.abs(probability - after[index]) < 1e-5, '攻击');
      assert.ok(attack.success && after[attack.from] < right(values)[attack.from]);
      const best = await maximize(model, classProbability(2), {
        start: image,
        steps: 3,
        transforms: [],
        penalties: [],
        projections: [],
        parametrization: pixels(),
      });
      assert.ok(Math.abs(best.trace[0] - Math.log(right(values)[2])) < 1e-4, `${output}：最大化从这里开始`);
      assert.ok(right(await best.image.data())[2] > right(values)[2], `${output}：最大化`);
      dispose(map, order, attack, best);
    }
    tf.dispose(weights);
    model.dispose();
    network.dispose();
  }
  image.dispose();
});

test('回归与嵌入：分类的方法说不行，也说什么行', async () => {
  const nets = {
    一个数: chain(gap(), dense(1)),
    嵌入: chain(gap(), dense(16, 'tanh')),
    '以 embedding 为名': chain(gap(), dense(16, undefined, 'embedding')),
    池化的特征: chain(gap()),
  };
  for (const [what, network] of Object.entries(nets)) {
    const model = fromLayersModel(network);
    const image = picture();
    assert.is(model.output, 'none', what);
    assert.is(model.roles.logits, undefined);
    for (const run of [() => classify(model, image), () => occlusionMap(model, image, { class: 0 }), () => iterate(model, image), () => inputGradient(model, image, { class: 0 })]) {
      assert.match((await failure(run)).message, /不是类别.*activations.*output: 'softmax'/s, what);
    } // prettier-ignore
    const last = network.layers.at(-1)!.name;
    const own = ownAnswer(network, image);
    const values = model.activations(image, last);
    assertClose(values.dataSync(), own, 1e-5);
    await leakFree(() => inputGradient(model, image, { layer: last, channel: 0 }));
    tf.dispose([values, image]);
    model.dispose();
    // one number can only be the score of one class of two
    const [output, classes] = own.length === 1 ? (['sigmoid', 2] as const) : (['logits', own.length] as const);
    assert.is(fromLayersModel(network, { output }).classes.length, classes);
    network.dispose();
  }
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
    [{ mean: [100, 110, 120], std: [50, 60, 70], order: 'BGR' }, (x) => tf.div(tf.sub(tf.reverse(tf.mul(x, 255), -1), [100, 110, 120]), [50, 60, 70])], // prettier-ignore
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
  const inside = tf.sequential({ layers: [layers.rescaling({ scale: 1 / 255, inputShape: SIZE }), ...body(), gap(), dense(3, 'softmax')] }); // prettier-ignore
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
