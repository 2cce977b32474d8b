import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { inputGradient } from '../../../lib/05-deconv/gradients';
import { classify } from '../../../lib/model/classify';
import { fromLayersModel } from '../../../lib/09-your-own/from-layers';
import { assertClose, failure, leakFree } from '../../helpers';

/** A stock network: conv (relu inside), pool, conv without activation, dense with softmax inside. */
function stock(): tf.Sequential {
  const seeded = (seed: number) => tf.initializers.randomUniform({ minval: -0.5, maxval: 0.5, seed });
  return tf.sequential({
    layers: [
      tf.layers.conv2d({
        name: 'first',
        inputShape: [8, 8, 3],
        filters: 4,
        kernelSize: 3,
        activation: 'relu',
        kernelInitializer: seeded(1),
      }),
      tf.layers.maxPooling2d({ name: 'pool', poolSize: 2, strides: 2 }),
      tf.layers.conv2d({ name: 'second', filters: 5, kernelSize: 2, kernelInitializer: seeded(2) }),
      tf.layers.flatten({ name: 'flat' }),
      tf.layers.dense({ name: 'answer', units: 3, activation: 'softmax', kernelInitializer: seeded(3) }),
    ],
  });
}

const picture = () => tf.randomUniform<tf.Rank.R3>([8, 8, 3], 0, 1, 'float32', 4);

test.before(async () => {
  await startBackend();
});

test('得分取自 softmax 之前，概率与网络自己的输出一致', async () => {
  const network = stock();
  const model = fromLayersModel(network, { classes: ['猫', '狗', '鱼'] });
  const image = picture();
  const scores = await classify(model, image, { count: 3 });
  const expected = tf.tidy(() => (network.predict(image.expandDims(0)) as tf.Tensor).dataSync());
  assertClose(
    scores.map((s) => s.probability),
    scores.map((s) => expected[s.index]),
    1e-5,
  );
  assert.is(model.classes[1].zh, '狗');
  assert.ok(model.notes[0].includes('softmax'));
  assert.equal(model.roles, {
    firstConv: 'first',
    lastConv: 'second',
    lastPool: 'pool',
    features: 'flat',
    logits: 'answer/logits',
    stages: ['first', 'pool', 'pool', 'second', 'second'],
  });
  assert.equal(model.layers.find((l) => l.name === 'second')!.receptiveField, { size: 6, stride: 2, offset: 0 });
  image.dispose();
  model.dispose();
  network.dispose();
});

test('预处理：同一个网络，像素范围不同，输入按 (255x − mean)·scale 换算', async () => {
  const network = stock();
  const image = picture();
  const direct = (x: tf.Tensor) =>
    tf.tidy(() => Array.from((network.predict(x.expandDims(0)) as tf.Tensor).dataSync()));
  const cases = [['[-1, 1]', image.mul(2).sub(1)], ['0-255', image.mul(255)], [{ mean: [10, 20, 30], scale: 0.5 }, image.mul(255).sub([10, 20, 30]).mul(0.5)]] as const; // prettier-ignore
  for (const [preprocess, input] of cases) {
    const model = fromLayersModel(network, { preprocess });
    const got = (await classify(model, image, { count: 3 }))
      .sort((a, b) => a.index - b.index)
      .map((s) => s.probability);
    assertClose(got, direct(input), 1e-4, JSON.stringify(preprocess));
    model.dispose();
    input.dispose();
  }
  image.dispose();
  network.dispose();
});

test('三种规则都能用在现成的层上；与有限差分一致；不泄漏', async () => {
  const network = stock();
  const model = fromLayersModel(network);
  const image = picture();
  for (const rule of ['backprop', 'deconv', 'guided'] as const)
    await leakFree(() => inputGradient(model, image, { class: 1 }, { rule }));
  const gradient = inputGradient(model, image, { class: 1 });
  const values = await gradient.data();
  const score = (x: tf.Tensor3D) => tf.tidy(() => model.activations(x).dataSync()[1]);
  for (const at of [0, 50, 101, 191]) {
    const moved = (step: number) =>
      tf.tidy(() => score(image.add(tf.oneHot(at, 192).toFloat().mul(step).reshape([8, 8, 3])) as tf.Tensor3D));
    const slope = (moved(1e-2) - moved(-1e-2)) / 2e-2;
    assert.ok(Math.abs(slope - values[at]) < 2e-3, `像素 ${at}：差分 ${slope}，梯度 ${values[at]}`);
  }
  tf.dispose([gradient, image]);
  model.dispose();
  assert.not(network.layers[0].weights[0].read().isDisposed, '用户的网络不能被释放');
  network.dispose();
});

test('不合用的网络：说明差在哪里', async () => {
  const grey = tf.sequential({ layers: [tf.layers.conv2d({ inputShape: [8, 8, 2], filters: 1, kernelSize: 3 })] });
  assert.match((await failure(() => fromLayersModel(grey))).message, /\[批, 高, 宽, 3\].*灰度/);
  const open = tf.sequential({
    layers: [tf.layers.conv2d({ inputShape: [null, null, 3], filters: 1, kernelSize: 3 })],
  });
  assert.match((await failure(() => fromLayersModel(open))).message, /没有固定输入的大小/);
  const maps = tf.sequential({ layers: [tf.layers.conv2d({ inputShape: [8, 8, 3], filters: 1, kernelSize: 3 })] });
  assert.match((await failure(() => fromLayersModel(maps))).message, /全局平均池化/);
  const flat = tf.sequential({ layers: [tf.layers.flatten({ inputShape: [8, 8, 3] }), tf.layers.dense({ units: 2 })] });
  assert.match((await failure(() => fromLayersModel(flat))).message, /没有卷积层/);
  const network = stock();
  assert.match(
    (await failure(() => fromLayersModel(network, { classes: ['一', '二'] }))).message,
    /3 个输出.*2 个名字/,
  );
  assert.match(
    (await failure(() => fromLayersModel(network, { roles: { lastConv: 'secnd' } }))).message,
    /最接近：second/,
  );
  assert.match((await failure(() => fromLayersModel({} as tf.LayersModel))).message, /tf.LayersModel/);
  [grey, open, maps, flat, network].forEach((n) => n.dispose());
});

test.run();
