import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { explainRule } from '../../../lib/05-deconv/explain-rule';
import { inputGradient, type Rule } from '../../../lib/05-deconv/gradients';
import { LocalResponseNormalization, Relu } from '../../../lib/model/networks/layers';
import { chain, convolution, gradientOf, Own } from '../../gradient-networks';
import { assertClose, failure, leakFree } from '../../helpers';

const RULES: Rule[] = ['backprop', 'deconv', 'guided'];
const pixel = () => tf.tensor3d([1, 0.5, 0.25], [1, 1, 3]);

test.before(async () => {
  await startBackend();
});

test('没有激活函数的网络：三种规则相同', () => {
  const image = pixel();
  const c = convolution('c', [1, 1], [1, -2, 3], 3, 1);
  const linear = chain([1, 1], [c.layer]);
  c.fill();
  for (const rule of RULES) assert.equal(gradientOf(linear, image, { layer: 'c', channel: 0 }, { rule }), [1, -2, 3]);
  assert.equal(explainRule(linear, { layer: 'c', channel: 0 }).relus, []);
  assert.match(explainRule(linear, { layer: 'c', channel: 0 }).notes[0], /没有 ReLU/);
  image.dispose();
  linear.dispose();
});

test('有激活函数，规则却一个也改不到：explainRule 与求梯度都报错；改得到一个就不报', async () => {
  const image = pixel();
  const target = { layer: 'own', channel: 0 };
  const leaky = () => tf.layers.leakyReLU({ name: 'own', alpha: 0.5 });
  const hardSigmoid = (x: tf.Tensor) => tf.div(tf.relu6(tf.add(x, 3)), 6);
  const [x] = await image.data();
  const s = 1 / (1 + Math.exp(-x));
  const ways: [string, tf.layers.Layer[], number][] = [
    ['LeakyReLU', [leaky()], 1],
    ['Maximum', [new Own('own', (x) => tf.maximum(x, 0))], 1],
    ['ClipByValue', [new Own('own', (x) => tf.clipByValue(x, 0, 6))], 1],
    ['Tanh', [new Own('own', tf.tanh)], 1 - Math.tanh(x) ** 2],
    ['swish', [new Own('own', (x) => tf.mul(x, tf.sigmoid(x)))], s + x * s * (1 - s)],
    ['Softplus', [new Own('own', tf.softplus)], s],
    ['softsign', [new Own('own', (x) => tf.div(x, tf.add(tf.abs(x), 1)))], 1 / (1 + x) ** 2],
    ['mish', [new Own('own', (x) => tf.mul(x, tf.tanh(tf.softplus(x))))], NaN],
    ['GELU', [new Own('own', (x) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.div(x, Math.SQRT2)), 1)))], NaN],
    ['hard-sigmoid', [new Own('own', hardSigmoid)], 1 / 6],
    ['hard-swish', [new Own('own', (x) => tf.mul(x, hardSigmoid(x)))], (2 * x + 3) / 6],
  ];
  for (const [what, layers, slope] of ways) {
    const model = chain([1, 1], layers);
    const [along, ...others] = gradientOf(model, image, target);
    if (!Number.isNaN(slope)) assertClose([along], [slope], 1e-6, what);
    assert.equal(others, [0, 0]);
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
  for (const [rule, expected] of [
    ['backprop', 0],
    ['guided', 0],
    ['deconv', -0.5],
  ] as const)
    assert.equal(
      gradientOf(mixed, image, target, { rule }).map((v) => v + 0),
      [expected, 0, 0],
    );
  image.dispose();
  mixed.dispose();
});

test('hard-swish 的门不是 ReLU：规则只改真正的 ReLU6', () => {
  const image = pixel();
  const hardSwish = (x: tf.Tensor) => tf.mul(x, tf.div(tf.relu6(tf.add(x, 3)), 6));
  const c = convolution('c', [1, 1], [1, 2, -3], 3, 1);
  const model = chain(
    [1, 1],
    [c.layer, new Own('six', (x) => tf.relu6(x)), new Own('own', (x) => tf.neg(hardSwish(x)))],
  );
  c.fill();
  const target = { layer: 'own', channel: 0 };
  const explained = explainRule(model, target);
  assert.equal(explained.relus, ['six']);
  assert.match(explained.notes.join(), /hard-swish.*不在规则之内.*own/);
  // What arrives at ReLU6 is negative: guided and deconv stop it there; the gate has let it pass as it is.
  const [backprop, guided, deconv] = (['backprop', 'guided', 'deconv'] as const).map((rule) =>
    gradientOf(model, image, target, { rule }),
  );
  assert.ok(backprop[0] < 0);
  for (const stopped of [guided, deconv])
    assert.equal(
      stopped.map((v) => v + 0),
      [0, 0, 0],
    );
  image.dispose();
  model.dispose();
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

test.run();
