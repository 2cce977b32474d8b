import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { occlusionMap } from '../../../lib/04-occlusion/occlusion';
import { inputGradient } from '../../../lib/05-deconv/gradients';
import { insertionDeletion } from '../../../lib/05-deconv/perturbation';
import { classProbability } from '../../../lib/06-optimization/objectives';
import { maximize } from '../../../lib/06-optimization/optimize';
import { pixels } from '../../../lib/06-optimization/parametrization';
import { iterate } from '../../../lib/08-adversarial/attacks';
import { deepFool } from '../../../lib/08-adversarial/deepfool';
import { fromLayersModel } from '../../../lib/09-your-own/from-layers';
import { classify } from '../../../lib/model/classify';
import { dispose } from '../../../lib/base/dispose';
import { showNetwork } from '../../../lib/show/network';
import { assertClose, displayed, failure, leakFree } from '../../helpers';
import { layers, conv, chain, gap, dense, softmax, picture, ownAnswer, inOrder } from './small-networks';

test.before(async () => {
  await startBackend();
});

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
    const network = tf.sequential({
      layers: [
        layers.conv2d({ name: 'c', inputShape: [4, 4, 3], filters: 2, kernelSize: 1, activation: 'relu' }),
        layers.globalAveragePooling2d({}),
        layers.dense({ name: 'd', units: 3, activation }),
      ],
    });
    const weights = [
      tf.tensor4d(kernel.flat(), [1, 1, 3, 2]),
      tf.tensor1d(bias),
      tf.tensor2d(top),
      tf.tensor1d(offset),
    ];
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
      assertClose(
        curves.deletion,
        [values, half(true), values.map((_, i) => model.mean[i % 3])].map((x) => right(x)[1]),
        1e-5,
      );
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
    for (const run of [
      () => classify(model, image),
      () => occlusionMap(model, image, { class: 0 }),
      () => iterate(model, image),
      () => inputGradient(model, image, { class: 0 }),
    ]) {
      assert.match((await failure(run)).message, /不是类别.*activations.*output: 'softmax'/s, what);
    }
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

test.run();
