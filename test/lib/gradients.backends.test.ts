import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../lib/backend';
import { featureMapGradients } from '../../lib/feature-map-gradients';
import { explainRule } from '../../lib/gradient-rules';
import { inputGradient, type Rule, type Target, withRule } from '../../lib/gradients';
import { imageModel, type ImageModel } from '../../lib/model';
import { CeilMaxPooling, Convolution, LocalResponseNormalization, Relu, Relu6 } from '../../lib/networks/layers';
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

/** A layer that computes whatever it is given: what somebody's own layer may do. */
class Own extends tf.layers.Layer {
  static className = 'Own';
  constructor(
    name: string,
    private readonly compute: (x: tf.Tensor) => tf.Tensor,
  ) {
    super({ name });
  }
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return this.compute(Array.isArray(inputs) ? inputs[0] : inputs);
  }
  override computeOutputShape(shape: tf.Shape | tf.Shape[]): tf.Shape | tf.Shape[] {
    return shape;
  }
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

test('没有整流函数的网络：三种规则相同', () => {
  const image = pixel();
  const c = convolution('c', [1, 1], [1, -2, 3], 3, 1);
  const linear = chain([1, 1], [c.layer, new Own('tanh', tf.tanh)]);
  c.fill();
  for (const rule of RULES) assert.equal(gradientOf(linear, image, { layer: 'c', channel: 0 }, { rule }), [1, -2, 3]);
  assert.equal(explainRule(linear, { layer: 'c', channel: 0 }).relus, []);
  assert.match(explainRule(linear, { layer: 'c', channel: 0 }).notes[0], /没有 ReLU/);
  const target = { layer: 'tanh', channel: 0 };
  for (const rule of RULES) assert.equal(gradientOf(linear, image, target, { rule }), gradientOf(linear, image, target)); // prettier-ignore
  assert.match(explainRule(linear, target).notes.join(), /Tanh 不在规则之内/);
  image.dispose();
  linear.dispose();
});

test('有整流函数，规则却一个也改不到：explainRule 与求梯度都报错；改得到一个就不报', async () => {
  const image = pixel();
  const target = { layer: 'own', channel: 0 };
  const leaky = () => tf.layers.leakyReLU({ name: 'own', alpha: 0.5 });
  const ways: [string, tf.layers.Layer[], number][] = [
    ['LeakyReLU', [leaky()], 1],
    ['Maximum', [new Own('own', (x) => tf.maximum(x, 0))], 1],
    ['ClipByValue', [new Own('own', (x) => tf.clipByValue(x, 0, 6))], 1],
  ];
  for (const [what, layers, slope] of ways) {
    const model = chain([1, 1], layers);
    assert.equal(gradientOf(model, image, target), [slope, 0, 0]);
    await leakFree(async () => {
      const runs = (['deconv', 'guided'] as const).map((rule) => () => inputGradient(model, image, target, { rule }));
      for (const run of [...runs, () => explainRule(model, target)]) {
        const error = await failure(run);
        assert.is(error.name, 'CourseError');
        assert.match(error.message, new RegExp(`${what}.*backprop`, 'i'));
      }
    });
    model.dispose();
  }
  const mixed = chain([1, 1], [new Own('inside', (x) => tf.relu(tf.neg(x))), leaky()]);
  const notes = explainRule(mixed, target);
  assert.equal(notes.relus, ['inside']);
  assert.match(notes.notes.join(), /LeakyReLU 不在规则之内.*own/);
  // Closed in the forward pass; what arrives is 0.5 and passes a deconvnet's ReLU, then the sign turns.
  for (const [rule, expected] of [['backprop', 0], ['guided', 0], ['deconv', -0.5]] as const) // prettier-ignore
    assert.equal(gradientOf(mixed, image, target, { rule }).map((v) => v + 0), [expected, 0, 0]); // prettier-ignore
  image.dispose();
  mixed.dispose();
});

test('局部响应归一化：三种规则下都用自己的梯度，explainRule 说出来', () => {
  const c = convolution('c', [1, 1], [1, 2, -3, 2, -1, 1, 3, 1, 2], 3, 3);
  const model = chain([1, 1], [c.layer, new Relu({ name: 'r' }), new LocalResponseNormalization({ name: 'lrn' })]);
  c.fill();
  const image = pixel();
  const target = { layer: 'lrn', channel: 0 };
  assert.match(explainRule(model, target).notes.join(), /LRN.*三种规则.*lrn/);
  // z = (1 + a * sum x^2)^-0.75 * x0 with a = 2e-5 and all three channels in the window of five.
  const x = [2.75, 1.75, 0];
  const scale = 1 + 2e-5 * x.reduce((s, v) => s + v * v, 0);
  const down = x.map((v, i) => (i === 0 ? scale ** -0.75 : 0) - 1.5 * 2e-5 * scale ** -1.75 * x[0] * v);
  const kernel = [[1, 2, 3], [2, -1, 1], [-3, 1, 2]]; // prettier-ignore
  for (const rule of RULES) {
    const left = down.map((d, i) => (rule === 'backprop' || d > 0 ? d : 0) * (rule === 'deconv' || x[i] > 0 ? 1 : 0));
    const expected = [0, 1, 2].map((k) => left.reduce((s, d, i) => s + d * kernel[i][k], 0));
    assertClose(gradientOf(model, image, target, { rule }), expected, 1e-5, rule);
  }
  image.dispose();
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

test('所有特征图：内存只随批的大小增长，不随通道总数', async () => {
  const kernel = Array.from({ length: 3 * 3 * 3 * 64 }, (_, i) => Math.sin(i * 1.7));
  const model = tinyModel([24, 24], [{ size: [3, 3], filters: 64, kernel }]);
  const image = tf.fill([24, 24, 3], 0.5) as tf.Tensor3D;
  /** Most bytes alive at once, beyond what was there before and beyond the maps themselves (twice: parts, then joined). */
  const working = async (channels: number, batchSize: number) => {
    const before = tf.memory().numBytes;
    const all = Array.from({ length: channels }, (_, c) => c);
    let maps: tf.Tensor | undefined;
    const { peakBytes } = await tf.profile(async () => {
      maps = await featureMapGradients(model, image, 'relu1', { channels: all, batchSize });
      return tf.scalar(0);
    });
    maps!.dispose();
    return peakBytes - before - 2 * channels * 24 * 24 * 3 * 4;
  };
  const [few, many, wide] = [await working(8, 4), await working(64, 4), await working(64, 32)];
  assert.ok(many < 1.05 * few, `8 个通道 ${few}，64 个通道 ${many}`);
  assert.ok(wide > 4 * few, `一批 4 个 ${few}，一批 32 个 ${wide}`);
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
