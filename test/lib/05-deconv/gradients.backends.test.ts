import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { featureMapGradients } from '../../../lib/05-deconv/feature-map-gradients';
import { explainRule } from '../../../lib/05-deconv/explain-rule';
import { inputGradient, type Rule, type Target, withRule } from '../../../lib/05-deconv/gradients';
import { CeilMaxPooling, Relu, Relu6 } from '../../../lib/model/networks/layers';
import { targetValue } from '../../../lib/model/target';
import { chain, convolution, gradientOf, Own } from '../../gradient-networks';
import { assertClose, failure, leakFree, relativeError, tinyModel } from '../../helpers';

const RULES: Rule[] = ['backprop', 'deconv', 'guided'];

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

test('三种规则，手算的数', async () => {
  const [model, image] = [hand(), pixel()];
  const target = { layer: 'c2', channel: 0, at: [0, 0] as [number, number] };
  assert.is(await targetValue(model, image, target), 3);
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
  const model = tinyModel(
    [6, 6],
    layers.map(({ k, filters, kernel }) => ({ size: [k, k], filters, kernel })),
  );
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
  // A layer of one's own that breaks on the way back: only then are the rules at work.
  const breaking = tf.customGrad((x) => ({
    value: tf.mul(x as tf.Tensor, 1),
    gradFunc: () => {
      throw new Error('回来的路上');
    },
  }));
  const broken = chain([1, 1], [new Own('own', breaking), new Relu({ name: 'r' })]);
  const calls = broken.network.layers.map((layer) => layer.call);
  await leakFree(async () => {
    const target = { layer: 'r', channel: 0 };
    const runs = [
      () => inputGradient(broken, image, target, { rule: 'deconv', pool: 'switches' }),
      () => featureMapGradients(broken, image, 'r', { rule: 'guided', pool: 'switches' }),
      () => explainRule(broken, target),
    ];
    for (const run of runs) assert.is((await failure(run)).message, '回来的路上');
  });
  same();
  broken.network.layers.forEach((layer, i) => assert.is(layer.call, calls[i]));
  broken.dispose();
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
    [{ class: 1 }, /类别编号应为 0 到 0/],
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
  assert.match((await failure(() => inputGradient(model, batch, { class: 0 }))).message, /应为一幅图像/);
  const large = tf.zeros([2, 1, 3]) as tf.Tensor3D;
  assert.match((await failure(() => inputGradient(model, large, { class: 0 }))).message, /loadImage/);
  assert.equal(gradientOf(model, image, { layer: 'c1', channel: 0 }), [1, 2, 0]);
  tf.dispose([image, batch, large]);
  model.dispose();
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

test.run();
