import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { nearestNames } from '../../../lib/base/errors';
import { classify } from '../../../lib/model/classify';
import { imageModel } from '../../../lib/model/model';
import { alexnet2012, buildAlexNet2012 } from '../../../lib/model/networks/alexnet-2012';
import { loadModel } from '../../../lib/model/networks/load';
import { CeilMaxPooling } from '../../../lib/model/networks/layers';
import { pseudoAlexNetWeights } from '../../pseudo-weights';
import { assertClose, failure, leakFree, tinyModel } from '../../helpers';

const identity = { kernel: [1, 0, 0, 1, 0, 0], size: [1, 1] as [number, number], filters: 2 };

test.before(async () => {
  await startBackend();
});

test('手算网络：激活值、得分与预处理', async () => {
  const model = tinyModel([2, 2], [identity]);
  const image = tf.tensor3d([0.1, 0.5, 0, 0.2, 0.6, 0, 0.3, 0.7, 0, 0.4, 0.8, 0], [2, 2, 3]);
  const relu = model.activations(image, 'relu1');
  assertClose(relu.dataSync(), [0.1, 0.5, 0.2, 0.6, 0.3, 0.7, 0.4, 0.8], 1e-6);
  const scores = model.activations(image);
  assertClose(scores.dataSync(), [0.25, 0.65], 1e-6);
  const [first] = await classify(model, image, { count: 1 });
  assert.is(first.index, 1);
  assert.ok(Math.abs(first.probability - 1 / (1 + Math.exp(-0.4))) < 1e-6);
  tf.dispose([image, relu, scores]);
  model.dispose();
});

test('错误的输入：维数、大小、类型、层名、top，都说清楚怎么办，而且不泄漏', async () => {
  const model = tinyModel([2, 2], [identity]);
  const wrong = tf.zeros([3, 2, 3]) as tf.Tensor3D;
  const whole = tf.zeros([2, 2, 3], 'int32') as tf.Tensor3D;
  const good = tf.zeros([2, 2, 3]) as tf.Tensor3D;
  await leakFree(async () => {
    assert.match((await failure(() => model.activations(wrong))).message, /应为 \[2, 2, 3\].*loadImage/);
    assert.match((await failure(() => model.activations(whole))).message, /float32/);
    assert.match((await failure(() => model.activations(good, 'relu2'))).message, /没有名为"relu2"的层；最接近：relu1/);
    assert.match((await failure(() => classify(model, good, { count: 0 }))).message, /count 应为正整数/);
    assert.match((await failure(() => loadModel('squeezenett' as 'squeezenet'))).message, /最接近：squeezenet/);
  });
  tf.dispose([wrong, whole, good]);
  model.dispose();
});

test('相近的名字：包含所输入的优先', () => {
  assert.is(nearestNames('conv9', ['relu1', 'conv1', 'pool5'])[0], 'conv1');
  assert.is(nearestNames('expand3x3', ['pool1', 'fire2/expand3x3', 'fire2/expand1x1'])[0], 'fire2/expand3x3');
});

test('向上取整的池化：224 与 231 的输入需要补边，形状与手算一致', () => {
  const weights = pseudoAlexNetWeights({ head: false });
  for (const [size, pools] of [
    [227, [27, 13, 6]],
    [224, [27, 13, 6]],
    [231, [28, 14, 7]],
  ] as const) {
    const network = buildAlexNet2012(weights, size);
    const model = imageModel(network, { ...alexnet2012, classes: [] });
    const image = tf.zeros([size, size, 3]) as tf.Tensor3D;
    ['pool1', 'pool2', 'pool5'].forEach((name, i) => {
      const a = model.activations(image, name);
      assert.is(a.shape[0], pools[i], `${name}，输入 ${size}`);
      assert.equal(a.shape, [...model.layers.find((l) => l.name === name)!.shape]);
      a.dispose();
    });
    image.dispose();
    model.dispose();
  }
});

test('向上取整的池化：补的边不会成为最大值，也不接收梯度', () => {
  const pool = new CeilMaxPooling({ name: 'p' });
  const x = tf.tensor4d([-5, -4, -3, -2, -9, -9, -9, -9, -9, -9, -9, -9, -9, -9, -9, -1], [1, 4, 4, 1]);
  const y = pool.call(x);
  assert.equal(Array.from(y.dataSync()), [-3, -2, -9, -1]);
  const g = tf.grad((v) => tf.sum(pool.call(v)))(x);
  assert.is(g.sum().dataSync()[0], 4);
  assert.is(g.dataSync()[15], 1);
  tf.dispose([x, y, g]);
});

test.run();
