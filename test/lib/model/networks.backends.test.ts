import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { loadImage } from '../../../lib/image/image';
import { classify } from '../../../lib/model/classify';
import { imageModel } from '../../../lib/model/model';
import { alexnet2012WithHead, buildAlexNet2012 } from '../../../lib/model/networks/alexnet-2012';
import { loadModel } from '../../../lib/model/networks/load';
import { type EmbeddedId, embeddedNetworks } from '../../../lib/model/weights/embedded-catalogue';
import { pseudoAlexNetWeights } from '../../pseudo-weights';
import {
  assertClose,
  type Check,
  checksFolder,
  failure,
  leakFree,
  longTest,
  readCheck,
  withNetworks,
} from '../../helpers';

const dog = (size: number) => loadImage(join(checksFolder, `dog-${size}.png`)) as Promise<tf.Tensor3D>;

/** PyTorch's names for blocks to ours. */
const RENAMED: Record<string, string> = { relu1: 'relu_conv1' };
const squeezeName = (name: string) => RENAMED[name] ?? (/^fire\d$/.test(name) ? `${name}/concat` : name);

async function compareLayers(
  model: Awaited<ReturnType<typeof loadModel>>,
  image: tf.Tensor3D,
  check: Check,
  name = (n: string) => n,
) {
  const layers = Object.keys(check.layers);
  // One pass for all layers: whole networks take their time on a backend that the processor plays.
  const all = tf.tidy(() =>
    model.forward(tf.expandDims(image) as tf.Tensor4D, layers.map(name)).map((t) => tf.squeeze(t, [0])),
  );
  for (const [i, [layer, expected]] of Object.entries(check.layers).entries()) {
    const activations = all[i];
    assert.equal(activations.shape, expected.shape, layer);
    const values = (await activations.data()) as Float32Array;
    activations.dispose();
    assertClose(
      expected.index.map((i) => values[i]),
      expected.value,
      1e-3,
      layer,
    );
    const l2 = Math.sqrt(values.reduce((s, v) => s + v * v, 0));
    assert.ok(Math.abs(l2 / expected.l2 - 1) < 1e-3, `${layer} 的范数 ${l2}，应为 ${expected.l2}`);
  }
}

async function compareTop5(model: Awaited<ReturnType<typeof loadModel>>, image: tf.Tensor3D, check: Check) {
  const top = await classify(model, image);
  assert.equal(
    top.map((t) => t.index),
    check.top5.map((t) => t.index),
  );
  assertClose(
    top.map((t) => t.logit),
    check.top5.map((t) => t.logit),
    1e-3,
  );
}

test.before(async () => {
  await startBackend();
});

withNetworks(test, ['squeezenet'], 'SqueezeNet 的每一层与 PyTorch 一致', async () => {
  const [model, image, check] = [
    await loadModel('squeezenet', { offline: true }),
    await dog(227),
    readCheck('squeezenet'),
  ];
  await compareLayers(model, image, check, squeezeName);
  await compareTop5(model, image, check);
  await leakFree(() => model.activations(image));
  await leakFree(() => classify(model, image));
  tf.dispose(image);
  model.dispose();
});

test('AlexNet 的每一层与 PyTorch 一致；没有类别得分时的报错', async () => {
  const [model, image] = [await loadModel('alexnet'), await dog(224)];
  await compareLayers(model, image, readCheck('alexnet-owt'));
  assert.equal([model.title, model.roles.logits, model.notes], ['AlexNet', undefined, []]);
  for (const error of [await failure(() => classify(model, image)), await failure(() => model.activations(image))]) {
    assert.match(error.message, /只有卷积部分（到 pool5 为止），没有类别得分。要类别，请用 loadModel\('googlenet'\)/);
  }
  await leakFree(() => model.activations(image, 'pool5'));
  image.dispose();
  model.dispose();
});

withNetworks(test, ['googlenet'], 'GoogLeNet 的每一层与 PyTorch 一致', async () => {
  const [model, image] = [await loadModel('googlenet', { offline: true }), await dog(224)];
  const check = readCheck('googlenet');
  // PyTorch keeps the axes of height and width after the global mean.
  const layers = { ...check.layers, pool5: { ...check.layers.pool5, shape: [1024] } };
  await compareLayers(model, image, { ...check, layers });
  await compareTop5(model, image, check);
  await leakFree(() => model.activations(image));
  image.dispose();
  model.dispose();
});

withNetworks(
  test,
  ['alexnet-2012'],
  'AlexNet 2012 的卷积部分：每一层与 PyTorch 一致；没有全连接头时的报错',
  async () => {
    const model = await loadModel('alexnet-2012', { offline: true, head: false, full: false });
    assert.match(model.title, /压缩版/);
    assert.match(model.notes[0], /压缩版.*128 种颜色/);
    const image = await dog(227);
    await compareLayers(model, image, readCheck('alexnet-trunk'));
    assert.ok(model.notes.some((n) => n.includes('全连接头')));
    const error = await failure(() => classify(model, image));
    assert.match(error.message, /head: true/);
    image.dispose();
    model.dispose();
  },
);

longTest(test, 'AlexNet 2012 的全连接头（伪权值）与 PyTorch 一致', async () => {
  const check = readCheck('alexnet-pseudo-weights');
  const model = imageModel(buildAlexNet2012(pseudoAlexNetWeights()), {
    ...alexnet2012WithHead,
    classes: (await import('../../../lib/model/classes')).imageNetClasses(),
    preprocess: { mean: [123, 117, 104], scale: 1 },
  });
  const image = await dog(227);
  await compareLayers(model, image, check);
  await compareTop5(model, image, check);
  image.dispose();
  model.dispose();
});

test('EfficientNet-Lite0 的每个模块与 PyTorch 一致', async () => {
  const [model, image, check] = [await loadModel('efficientnet-lite0'), await dog(224), readCheck('lite0')];
  await compareLayers(model, image, check);
  await compareTop5(model, image, check);
  await leakFree(() => model.activations(image, 'b5'));
  image.dispose();
  model.dispose();
});

test('载入又释放一个网络，张量数量不变', async () => {
  for (const id of Object.keys(embeddedNetworks) as EmbeddedId[])
    await leakFree(async () => (await loadModel(id)).dispose());
});

test('同一幅图两次前向传播的结果完全相同；一批与单幅一致', async () => {
  const model = await loadModel('efficientnet-lite0');
  const image = tf.randomUniform<tf.Rank.R3>([224, 224, 3], 0, 1, 'float32', 7);
  const [a, b, batch] = tf.tidy(() => {
    const pair = tf.stack([image, tf.sub(1, image)]) as tf.Tensor4D;
    return [model.activations(image), model.activations(image), tf.slice(model.activations(pair), [0, 0], [1, -1])];
  });
  assert.equal(a.dataSync(), b.dataSync());
  assertClose(batch.dataSync(), a.dataSync(), 1e-5);
  tf.dispose([a, b, batch, image]);
  model.dispose();
});

test.run();
