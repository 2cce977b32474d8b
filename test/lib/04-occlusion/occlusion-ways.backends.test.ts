import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { chainOf } from '../../../lib/04-occlusion/incremental/chain';
import { loadImage } from '../../../lib/image/image';
import { type ImageModel, imageModel } from '../../../lib/model/model';
import { loadModel } from '../../../lib/model/networks/load';
import { occlusionMap } from '../../../lib/04-occlusion/occlusion';
import { assertClose, disposeAll, longTest, withNetworks } from '../../helpers';
import { fireNet, inceptionNet, residualNet, stockNet } from '../../occlusion-networks';
import { randomImage, byDefinition } from './random-image';

test.before(async () => void (await startBackend()));

test('strongestMap：增量与逐张相同，编号与总和按定义', async () => {
  const model = fireNet();
  const image = randomImage(model);
  for (const layer of ['conv1', 'f1/relu3', 'f1/concat', 'pool2', 'conv10']) {
    const options = { size: 9, stride: 7, layer };
    const fast = await occlusionMap(model, image, { class: 1 }, options);
    const plain = await occlusionMap(model, image, { class: 1 }, { ...options, incremental: false });
    assert.ok(fast.incremental && !plain.incremental);
    const totals = tf.tidy(() => tf.sum(model.activations(image, layer), [0, 1]).dataSync());
    assert.is(fast.strongestMap!.channel, totals.indexOf(Math.max(...totals)));
    const [a, b] = [fast, plain].map((r) => r.strongestMap!.sum.dataSync());
    a.forEach((v, i) => assert.ok(Math.abs(v - b[i]) < 1e-3 * (1 + Math.abs(b[i])), `${layer} ${i}: ${v}, ${b[i]}`));
    disposeAll([fast, plain]);
  }
  image.dispose();
  model.dispose();
});

test('其他网络走逐张的路，结果会说', async () => {
  for (const build of [residualNet, stockNet]) {
    const model = build();
    const image = randomImage(model);
    assert.is(chainOf(model.network, model.layerName()), undefined);
    const r = await occlusionMap(model, image, { class: 0 }, { size: 8, stride: 6, batchSize: 4 });
    assert.not(r.incremental);
    const expected = byDefinition(model, image, 8, r.positions[4].row, r.positions[4].col);
    assert.ok(Math.abs(r.logit.dataSync()[4] - expected[0]) < 1e-5);
    disposeAll([image, r]);
    model.dispose();
  }
});

test('inception 模块里核之前的层：要看它，就走逐张的路；结果相同', async () => {
  const model = inceptionNet();
  const image = randomImage(model);
  for (const [layer, windows] of [
    ['i2/relu3', true],
    ['i2/concat', true],
    ['i2/relu3r', false],
  ] as const) {
    const options = { size: 13, stride: 11, layer };
    const some = await occlusionMap(model, image, { class: 1 }, options);
    const plain = await occlusionMap(model, image, { class: 1 }, { ...options, incremental: false });
    assert.is(some.incremental, windows, layer);
    assertClose(some.strongestMap!.sum.dataSync(), plain.strongestMap!.sum.dataSync(), 1e-5, layer);
    disposeAll([some, plain]);
  }
  image.dispose();
  model.dispose();
});

/** A trunk ends without class scores: here the means of its last maps are the scores. */
async function alexnetMeans(): Promise<ImageModel> {
  const alexnet = await loadModel('alexnet');
  const [input] = alexnet.network.inputs;
  const last = alexnet.network.getLayer('pool5').output as tf.SymbolicTensor;
  const means = tf.layers.globalAveragePooling2d({ name: 'means' }).apply(last) as tf.SymbolicTensor;
  const preprocess = { mean: [124, 116, 104], scale: 1 / 58 } as const;
  const classes = Array.from({ length: 256 }, (_, index) => ({ index, wnid: '', en: '', zh: '' }));
  const roles = { ...alexnet.roles, logits: 'means' };
  return imageModel(tf.model({ inputs: input, outputs: means }), {
    id: 'means',
    title: 'AlexNet',
    classes,
    roles,
    preprocess,
  });
}

async function sheep(load: () => Promise<ImageModel>, classIndex: number, layer?: string) {
  const model = await load();
  const image = await loadImage('mammal/sheep.jpg', { size: model.inputSize });
  const options = { size: 51, stride: 47, layer };
  const fast = await occlusionMap(model, image, { class: classIndex }, options);
  const plain = await occlusionMap(model, image, { class: classIndex }, { ...options, incremental: false });
  assert.ok(fast.incremental && !plain.incremental);
  const differences = [fast, plain].map((r) => [r.logit, r.strongestMap?.sum].map((t) => t?.dataSync() ?? []));
  differences[0].forEach((values, k) =>
    values.forEach((v, i) => assert.ok(Math.abs(v - differences[1][k][i]) < 1e-4 * (1 + Math.abs(v)), `${k} ${i}`)),
  );
  assert.equal(fast.bestClass.dataSync(), plain.bestClass.dataSync());
  const drop = fast.baseline.probability - fast.probability.min().dataSync()[0];
  disposeAll([image, fast, plain]);
  model.dispose();
  return drop;
}

longTest(test, 'AlexNet：真实的照片，两条路在每个位置一致，看着一层时也是', async () => {
  await sheep(alexnetMeans, 3, 'relu4');
  await sheep(alexnetMeans, 3);
});

longTest(test, 'EfficientNet-Lite0：真实的照片，两条路在每个位置一致', async () => {
  const drop = await sheep(() => loadModel('efficientnet-lite0'), 348, 'b10');
  assert.ok(drop > 0.1, `羊：盖住它，概率明显下降：${drop}`);
});

withNetworks(test, ['googlenet'], 'GoogLeNet：真实的照片，两条路在每个位置一致', async () => {
  assert.ok((await sheep(() => loadModel('googlenet'), 348, 'inception_4b')) > 0.2, '羊：盖住它，概率明显下降');
});

withNetworks(test, ['squeezenet'], 'SqueezeNet：真实的照片，两条路在每个位置一致', async () => {
  assert.ok((await sheep(() => loadModel('squeezenet'), 348, 'fire9/concat')) > 0.2, '羊：盖住它，概率明显下降');
});

test.run();
