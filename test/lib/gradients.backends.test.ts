import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../lib/backend';
import { featureMapGradients } from '../../lib/feature-map-gradients';
import { explainRule } from '../../lib/gradient-rules';
import { inputGradient, type Rule, type Target, withRule } from '../../lib/gradients';
import { imageModel, type ImageModel } from '../../lib/model';
import { CeilMaxPooling, Convolution, Relu6 } from '../../lib/networks/layers';
import { targetValue } from '../../lib/target';
import { assertClose, failure, leakFree, relativeError, tinyModel } from '../helpers';

const RULES: Rule[] = ['backprop', 'deconv', 'guided'];

/** A network of our own from any chain of layers; input x in [0, 1] reaches the first layer unchanged. */
function chain(inputSize: [number, number], layers: tf.layers.Layer[], logits?: string): ImageModel {
  const input = tf.input({ shape: [...inputSize, 3] });
  const output = layers.reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, input as tf.SymbolicTensor);
  const first = layers[0].name;
  return imageModel(tf.model({ inputs: input, outputs: output }), {
    id: 'chain',
    title: '手搭网络',
    classes: [],
    roles: { firstConv: first, lastConv: first, lastPool: first, features: first, logits, stages: [first, first, first, first, first] }, // prettier-ignore
    preprocess: { mean: [0, 0, 0], scale: 1 / 255 },
  });
}

function convolution(name: string, size: [number, number], kernel: number[], channels: number, filters: number) {
  const layer = new Convolution({ name, size, filters });
  const fill = () => {
    const weights = [tf.tensor4d(kernel, [...size, channels, filters]), tf.zeros([filters])];
    layer.setWeights(weights);
    tf.dispose(weights);
  };
  return { layer, fill };
}

const gradientOf = (model: ImageModel, image: tf.Tensor3D, target: Target, options = {}) => {
  const gradient = inputGradient(model, image, target, options);
  const values = Array.from(gradient.dataSync());
  gradient.dispose();
  return values;
};

/** Four hidden units A, B (open) and C, D (closed); from above come 3, -2, 5, -1. */
const hand = () =>
  tinyModel(
    [1, 1],
    [
      { size: [1, 1], filters: 4, kernel: [1, 0, -2, 1, 2, 1, 0, -4, 0, 4, 1, 0] },
      { size: [1, 1], filters: 1, kernel: [3, -2, 5, -1], relu: false },
    ],
  );
const pixel = () => tf.tensor3d([1, 0.5, 0.25], [1, 1, 3]);

test.before(async () => {
  await startBackend();
});

test('三种规则，手算的数', () => {
  const [model, image] = [hand(), pixel()];
  const target = { layer: 'c2', channel: 0, at: [0, 0] as [number, number] };
  assert.is(targetValue(model, image, target), 3);
  // A 3 * (1, 2, 0) and B -2 * (0, 1, 4): what the open units pass on.
  assert.equal(gradientOf(model, image, target), [3, 4, -8]);
  // A and C, whose gradient is positive, open or not: 3 * (1, 2, 0) + 5 * (-2, 0, 1).
  assert.equal(gradientOf(model, image, target, { rule: 'deconv' }), [-7, 6, 5]);
  // A alone is both open and positive.
  assert.equal(gradientOf(model, image, target, { rule: 'guided' }), [3, 6, 0]);
  // Before the first ReLU the three agree.
  for (const rule of RULES) assert.equal(gradientOf(model, image, { layer: 'c1', channel: 3 }, { rule }), [1, -4, 0]);
  assert.equal(explainRule(model, { class: 0 }).relus, ['relu1']);
  assert.equal(explainRule(model, { layer: 'c1', channel: 0 }).relus, []);
  assert.equal(explainRule(model, { layer: 'relu1', channel: 0 }).relus, ['relu1']);
  image.dispose();
  model.dispose();
});

test('ReLU6：超过 6 的神经元也算关闭', () => {
  const c = convolution('c', [1, 1], [8, 4, 0, 0, 0, 0], 3, 2);
  const top = convolution('top', [1, 1], [1, 1], 2, 1);
  const model = chain([1, 1], [c.layer, new Relu6({ name: 'r6' }), top.layer]);
  c.fill();
  top.fill();
  const image = tf.tensor3d([1, 0, 0], [1, 1, 3]);
  const target = { layer: 'top', channel: 0 };
  assert.equal(gradientOf(model, image, target), [4, 0, 0]);
  assert.equal(gradientOf(model, image, target, { rule: 'deconv' }), [12, 0, 0]);
  assert.equal(gradientOf(model, image, target, { rule: 'guided' }), [4, 0, 0]);
  image.dispose();
  model.dispose();
});

test('重叠的最大池化：梯度相加，开关由后写的覆盖；各规则都一样', () => {
  const c = convolution('c', [1, 1], [1, 0, 0], 3, 1);
  const top = convolution('top', [2, 2], [1, 2, 3, 4], 1, 1);
  const model = chain([5, 5], [c.layer, new CeilMaxPooling({ name: 'pool' }), top.layer]);
  c.fill();
  top.fill();
  // The red value in the middle is the maximum of all four windows.
  const image = tf.buffer([5, 5, 3]);
  image.set(0.9, 2, 2, 0);
  const picture = image.toTensor() as tf.Tensor3D;
  const middle = (2 * 5 + 2) * 3;
  const target = { layer: 'top', channel: 0 };
  for (const rule of RULES) {
    const sum = gradientOf(model, picture, target, { rule });
    const switches = gradientOf(model, picture, target, { rule, pool: 'switches' });
    assert.is(sum[middle], 10);
    assert.is(switches[middle], 4);
    assert.is(sum.filter((v) => v !== 0).length, 1);
    assert.is(switches.filter((v) => v !== 0).length, 1);
  }
  // One window alone: a later window overwrites even with its zero, as an unpooling by indices does.
  const single = (at: [number, number], pool: string) =>
    gradientOf(model, picture, { layer: 'pool', channel: 0, at }, { pool })[middle];
  assert.equal([single([0, 1], 'gradient'), single([0, 1], 'switches')], [1, 0]);
  assert.equal([single([1, 1], 'gradient'), single([1, 1], 'switches')], [1, 1]);
  picture.dispose();
  model.dispose();
});

/** The same network in float64: convolutions (valid), ReLU, spatial mean. */
function float64Score(x: Float64Array, size: number, layers: { k: number; kernel: number[]; filters: number }[]) {
  let [map, side, channels] = [x, size, 3];
  for (const { k, kernel, filters } of layers) {
    const out = side - k + 1;
    const next = new Float64Array(out * out * filters);
    for (let r = 0; r < out; r++)
      for (let c = 0; c < out; c++)
        for (let f = 0; f < filters; f++) {
          let sum = 0;
          for (let i = 0; i < k; i++)
            for (let j = 0; j < k; j++)
              for (let q = 0; q < channels; q++)
                sum +=
                  map[((r + i) * side + c + j) * channels + q] * kernel[((i * k + j) * channels + q) * filters + f];
          next[(r * out + c) * filters + f] = Math.max(0, sum);
        }
    [map, side, channels] = [next, out, filters];
  }
  let score = 0;
  for (let i = 0; i < map.length; i += channels) score += map[i] / (side * side);
  return score;
}

test('反向传播与 float64 的有限差分一致', () => {
  let state = 7;
  const random = () => ((state = (state * 48271) % 2147483647) / 2147483647) * 2 - 1;
  const layers = [
    { k: 3, filters: 4, kernel: Array.from({ length: 3 * 3 * 3 * 4 }, random) },
    { k: 2, filters: 3, kernel: Array.from({ length: 2 * 2 * 4 * 3 }, random) },
  ];
  const model = tinyModel([6, 6], layers.map(({ k, filters, kernel }) => ({ size: [k, k], filters, kernel }))); // prettier-ignore
  const x = Float64Array.from({ length: 108 }, () => (random() + 1) / 2);
  const h = 1e-6;
  const differences = Array.from(x, (value, i) => {
    const at = (v: number) => {
      const y = x.slice();
      y[i] = v;
      return float64Score(y, 6, layers);
    };
    return (at(value + h) - at(value - h)) / (2 * h);
  });
  const image = tf.tensor3d(Float32Array.from(x), [6, 6, 3]);
  assertClose(gradientOf(model, image, { class: 0 }), differences, 1e-4);
  // The other rules are no gradients: the comparison must be able to fail.
  assert.ok(relativeError(gradientOf(model, image, { class: 0 }, { rule: 'deconv' }), differences) > 0.05);
  image.dispose();
  model.dispose();
});

test('梯度登记表事后与事前相同，出错也一样；出错不漏张量', async () => {
  const [model, image] = [hand(), pixel()];
  const kernels = ['Relu', 'Relu6', 'MaxPool'];
  const before = kernels.map((k) => tf.getGradient(k));
  const same = () => kernels.forEach((k, i) => assert.is(tf.getGradient(k), before[i]));
  inputGradient(model, image, { class: 0 }, { rule: 'guided', pool: 'switches' }).dispose();
  same();
  await leakFree(async () => {
    const f = (x: tf.Tensor) => {
      const y = tf.sum(tf.relu(tf.square(tf.mul(x, x))));
      if (y.size === 1) throw new Error('中途');
      return y;
    };
    const error = await failure(() => withRule('guided', () => tf.grad(f)(image), { pool: 'switches' }));
    assert.is(error.message, '中途');
  });
  same();
  image.dispose();
  model.dispose();
});

test('每个函数都不漏张量', async () => {
  const [model, image] = [hand(), pixel()];
  for (const rule of RULES) await leakFree(() => inputGradient(model, image, { class: 0 }, { rule }));
  await leakFree(() => inputGradient(model, image, { layer: 'relu1', channel: 1, at: 'max' }, { pool: 'switches' }));
  await leakFree(() => explainRule(model, { class: 0 }));
  await leakFree(() => featureMapGradients(model, image, 'relu1', { rule: 'deconv', batchSize: 3 }));
  image.dispose();
  model.dispose();
});

test('错误在计算之前报出，之后照常可用', async () => {
  const [model, image] = [hand(), pixel()];
  const bad: [Target, RegExp][] = [
    [{ class: 1 }, /类别应为 0 … 0/],
    [{ class: -1 }, /类别/],
    [{ class: 0.5 }, /类别/],
    [{ class: NaN }, /类别/],
    [{ layer: 'conv9', channel: 0 }, /没有名为"conv9"的层/],
    [{ layer: 'c1', channel: 4 }, /通道应为 0 … 3/],
    [{ layer: 'c1', channel: 0, at: [0, 1] }, /位置 \[0, 1\] 不在其中/],
    [{ layer: 'c1', channel: 0, at: [-1, 0] }, /不在其中/],
    [{ layer: 'c1', channel: 0, at: 'middle' as 'max' }, /at 应为/],
    [{ layer: 'scores', channel: 0, at: [0, 0] }, /全连接层，没有位置/],
    [{ layer: model.layers[0].name, channel: 0 }, /输入层/],
  ];
  for (const [target, message] of bad) {
    await leakFree(async () => {
      for (const run of [() => inputGradient(model, image, target), () => explainRule(model, target)]) {
        const error = await failure(run);
        assert.instance(error, RangeError);
        assert.match(error.message, message);
      }
    });
  }
  const rule = await failure(() => inputGradient(model, image, { class: 0 }, { rule: 'smooth' as Rule }));
  assert.match(rule.message, /backprop、deconv、guided/);
  const batch = tf.zeros([1, 1, 1, 3]) as unknown as tf.Tensor3D;
  assert.match((await failure(() => inputGradient(model, batch, { class: 0 }))).message, /一次看一幅图/);
  const large = tf.zeros([2, 1, 3]) as tf.Tensor3D;
  assert.match((await failure(() => inputGradient(model, large, { class: 0 }))).message, /loadImage/);
  assert.equal(gradientOf(model, image, { layer: 'c1', channel: 0 }), [1, 2, 0]);
  tf.dispose([image, batch, large]);
  model.dispose();
});

test('没有 ReLU 的网络：三种规则相同；只有别的整流函数：报错', async () => {
  const c = convolution('c', [1, 1], [1, -2, 3], 3, 1);
  const linear = chain([1, 1], [c.layer]);
  c.fill();
  const image = pixel();
  for (const rule of RULES) assert.equal(gradientOf(linear, image, { layer: 'c', channel: 0 }, { rule }), [1, -2, 3]);
  assert.match(explainRule(linear, { layer: 'c', channel: 0 }).notes[0], /没有 ReLU/);
  const leaky = chain([1, 1], [tf.layers.leakyReLU({ name: 'leaky', alpha: 0.1 })]);
  const target = { layer: 'leaky', channel: 0 };
  assert.equal(gradientOf(leaky, image, target), [1, 0, 0]);
  await leakFree(async () => {
    const error = await failure(() => inputGradient(leaky, image, target, { rule: 'guided' }));
    assert.is(error.name, 'CourseError');
    assert.match(error.message, /LeakyRelu/);
  });
  assert.match(explainRule(leaky, target).notes.join(), /LeakyReLU 不在规则之内/);
  image.dispose();
  linear.dispose();
  leaky.dispose();
});

test("死掉的神经元：梯度处处为 0，'max' 也不把平局分给所有位置", () => {
  const model = tinyModel([3, 3], [{ size: [1, 1], filters: 1, kernel: [-1, -1, -1] }]);
  const image = tf.ones([3, 3, 3]) as tf.Tensor3D;
  assert.is(Math.max(...gradientOf(model, image, { layer: 'relu1', channel: 0, at: 'max' }).map(Math.abs)), 0);
  // Before the ReLU all nine places tie: only the first one is taken.
  const before = gradientOf(model, image, { layer: 'c1', channel: 0, at: 'max' });
  assert.is(before.filter((v) => v !== 0).length, 3);
  image.dispose();
  model.dispose();
});

test('一层的所有特征图：与逐个求相同，与批的大小无关；中断交出已有的', async () => {
  const kernel = Array.from({ length: 2 * 2 * 3 * 5 }, (_, i) => Math.sin(i * 1.7));
  const second = Array.from({ length: 2 * 2 * 5 * 4 }, (_, i) => Math.cos(i * 0.9));
  const model = tinyModel([6, 5], [{ size: [2, 2], filters: 5, kernel }, { size: [2, 2], filters: 4, kernel: second }]); // prettier-ignore
  const image = tf.tensor3d(
    Float32Array.from({ length: 90 }, (_, i) => Math.abs(Math.sin(i))),
    [6, 5, 3],
  );
  for (const rule of RULES) {
    const all = await featureMapGradients(model, image, 'relu2', { rule, batchSize: 3 });
    assert.equal(all.shape, [4, 6, 5, 3]);
    const values = all.dataSync();
    all.dispose();
    for (let channel = 0; channel < 4; channel++) {
      const one = gradientOf(model, image, { layer: 'relu2', channel, at: 'max' }, { rule });
      assertClose(values.subarray(channel * 90, (channel + 1) * 90), one, 1e-6);
    }
  }
  const some = await featureMapGradients(model, image, 'relu2', { channels: [2, 0], at: 'center' });
  assertClose(some.dataSync().subarray(90), gradientOf(model, image, { layer: 'relu2', channel: 0 }), 1e-6);
  some.dispose();
  await leakFree(async () => {
    const stop = new AbortController();
    const steps: number[] = [];
    const onStep = ({ done }: { done: number }) => {
      steps.push(done);
      stop.abort();
    };
    const part = await featureMapGradients(model, image, 'relu2', { batchSize: 1, signal: stop.signal, onStep });
    assert.equal(part.shape, [1, 6, 5, 3]);
    assert.equal(steps, [1]);
    return part;
  });
  await leakFree(async () => {
    const onStep = () => {
      throw new Error('听众');
    };
    assert.is((await failure(() => featureMapGradients(model, image, 'relu2', { onStep }))).message, '听众');
  });
  for (const options of [{ channels: [4] }, { channels: [] }, { batchSize: 0 }]) {
    assert.instance(await failure(() => featureMapGradients(model, image, 'relu2', options)), RangeError);
  }
  image.dispose();
  model.dispose();
});

test.run();
