import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Rule, withRule } from '../../../lib/05-deconv/gradients';
import { copyOf } from '../../../lib/model/copy';
import type { ImageModel } from '../../../lib/model/model';
import { fromLayersModel } from '../../../lib/09-your-own/from-layers';
import { startBackend, tf } from '../../../lib/tf/backend';
import { recordedKernels } from '../../../lib/tf/compiled';
import { canRunPrograms } from '../../../lib/tf/programs';
import { interpreted } from '../../../lib/tf/tape';
import type { TracedBackend } from '../../../lib/tf/trace';
import { chain, convolution, Own } from '../../gradient-networks';
import { leakFree, root } from '../../helpers';

/** The calls that run by themselves, the one that writes down, and one of the program. */
const CALLS = 6;

const pictures = (n = 2, shift = 0) =>
  tf.tensor4d(Float32Array.from({ length: n * 12 * 12 * 3 }, (_, i) => Math.sin(i * i + shift) ** 2), [n, 12, 12, 3]); // prettier-ignore

/** Everything that students build with: padding, normalization, both rectifiers, pools, two ways, a dense end. */
function network(): tf.LayersModel {
  const input = tf.input({ shape: [12, 12, 3] });
  const random = (seed: number) => tf.initializers.glorotUniform({ seed });
  const conv = (name: string, filters: number, seed: number, strides = 1) =>
    tf.layers.conv2d({ name, filters, kernelSize: 3, strides, padding: 'same', kernelInitializer: random(seed) });
  const stem = tf.layers.batchNormalization({ name: 'bn' }).apply(conv('c1', 8, 1).apply(input)) as tf.SymbolicTensor;
  const open = tf.layers.reLU({ name: 'r1', maxValue: 6 }).apply(stem);
  const pooled = tf.layers.maxPooling2d({ name: 'p1', poolSize: 2 }).apply(open) as tf.SymbolicTensor;
  const left = tf.layers.reLU({ name: 'r2' }).apply(conv('c2', 4, 2).apply(pooled)) as tf.SymbolicTensor;
  const right = tf.layers.averagePooling2d({ name: 'p2', poolSize: 3, strides: 1, padding: 'same' }).apply(pooled);
  const both = tf.layers.concatenate({ name: 'both' }).apply([left, right as tf.SymbolicTensor]) as tf.SymbolicTensor;
  const flat = tf.layers.dropout({ name: 'd', rate: 0.5 }).apply(tf.layers.flatten({ name: 'f' }).apply(both));
  const scores = tf.layers.dense({ name: 'scores', units: 5, kernelInitializer: random(3) }).apply(flat);
  return tf.model({ inputs: input, outputs: scores as tf.SymbolicTensor });
}

const own = (layers = network()) => ({ layers, model: fromLayersModel(layers, { preprocess: '[-1, 1]', output: 'logits' }) }); // prettier-ignore

/** d (sum of the scores, of r2 squared) / d images, as numbers. */
const gradient = (model: ImageModel, images: tf.Tensor4D, rule: Rule = 'backprop'): number[] =>
  tf.tidy(() => {
    const value = (x: tf.Tensor) => {
      const [scores, middle] = model.forward(x as tf.Tensor4D, ['scores', 'r2']);
      return tf.add(tf.sum(tf.square(scores)), tf.sum(tf.square(middle))) as tf.Scalar;
    };
    return Array.from(withRule(rule, () => tf.grad(value)(images)).dataSync());
  });

const forward = (model: ImageModel, images: tf.Tensor4D): number[] =>
  tf.tidy(() => model.forward(images, ['scores', 'r2']).flatMap((t) => Array.from(t.dataSync())));

/** How many programs TensorFlow runs in the meantime. */
function programs(run: () => void): number {
  const backend = tf.backend() as unknown as TracedBackend;
  const { binding } = backend;
  let count = 0;
  backend.binding = Object.create(binding, {
    executeOp: {
      value: (op: string, ...rest: [never, never, never]) => {
        if (op.startsWith('convscope_')) count++;
        return binding.executeOp(op, ...rest);
      },
    },
  }) as typeof binding;
  try {
    run();
  } finally {
    backend.binding = binding;
  }
  return count;
}

test.before(async () => {
  await startBackend('tensorflow');
});

test('本机编译的原生后端会运行整段的程序', () => {
  const binding = path.join(root, 'node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node');
  const { kind, gpu } = JSON.parse(fs.readFileSync(path.join(path.dirname(fs.realpathSync(binding)), 'ready.json'), 'utf8')); // prettier-ignore
  assert.is(canRunPrograms(), kind === 'build' && !gpu, `绑定的来历：${kind}，GPU：${gpu}`);
});

test('程序给出的数与逐个运算的一样：前向、三种规则的梯度、不同的批次', () => {
  const { layers, model } = own();
  const [one, two] = [pictures(1), pictures(2)];
  for (const images of [one, two]) {
    for (const run of [
      () => forward(model, images),
      ...(['backprop', 'deconv', 'guided'] as const).map((rule) => () => gradient(model, images, rule)),
    ]) {
      const expected = interpreted(run);
      for (let k = 0; k < CALLS; k++) assert.equal(run(), expected, `第 ${k + 1} 次`);
      if (canRunPrograms()) assert.ok(programs(() => void run()) > 0, '没有运行程序');
    }
  }
  tf.dispose([one, two]);
  model.dispose();
  layers.dispose();
});

test('规则改到几个 ReLU、磁带上有哪些运算，与逐个运算时一样', () => {
  const { layers, model } = own();
  const images = pictures(1);
  const seen = () => {
    let names: string[] = [];
    let relus = 0;
    tf.tidy(() =>
      withRule('guided', (count) => {
        tf.grad((x) => {
          const [scores] = model.forward(x as tf.Tensor4D, ['scores']);
          names = [...new Set(recordedKernels())].filter((name) => /^[A-Z]/.test(name)).sort();
          return tf.sum(scores);
        })(images);
        relus = count.relus;
      }),
    );
    return { names, relus };
  };
  const expected = interpreted(seen);
  assert.is(expected.relus, 2);
  for (let k = 0; k < CALLS; k++) assert.equal(seen(), expected, `第 ${k + 1} 次`);
  images.dispose();
  model.dispose();
  layers.dispose();
});

test('权值改了立刻算数：训练、setWeights', async () => {
  const { layers, model } = own();
  const images = pictures();
  for (let k = 0; k < CALLS; k++) gradient(model, images, k % 2 ? 'guided' : 'backprop');
  layers.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
  const targets = tf.ones([2, 5]);
  await layers.fit(images, targets, { epochs: 1 });
  const changed = layers.getWeights().map((w, i) => tf.tidy(() => tf.add(tf.mul(w, 0.5), 0.01 * i)));
  for (const change of [() => undefined, () => layers.setWeights(changed)]) {
    change();
    assert.equal(forward(model, images), interpreted(() => forward(model, images))); // prettier-ignore
    assert.equal(gradient(model, images), interpreted(() => gradient(model, images))); // prettier-ignore
  }
  tf.dispose([images, targets, changed]);
  model.dispose();
  layers.dispose();
});

test('课程的卷积换了权值（反向用的卷积核随之重做）', () => {
  const c = convolution('c', [1, 1], [1, -2, 3], 3, 1);
  const model = chain([12, 12], [c.layer], 'c');
  c.fill();
  const images = pictures(1);
  const slope = () => Array.from(tf.tidy(() => tf.grad((x) => tf.sum(model.forward(x as tf.Tensor4D, ['c'])[0]))(images)).dataSync().slice(0, 3)); // prettier-ignore
  for (let k = 0; k < CALLS; k++) assert.equal(slope(), [1, -2, 3]);
  const weights = [tf.tensor4d([4, 5, 6], [1, 1, 3, 1]), tf.zeros([1])];
  c.layer.setWeights(weights);
  for (let k = 0; k < CALLS; k++) assert.equal(slope(), [4, 5, 6]);
  tf.dispose([images, weights]);
  model.dispose();
});

test('与别的网络共用的权值：那一个改了，这一个不跟着改', () => {
  const { layers, model } = own();
  const images = pictures(1);
  const expected = forward(model, images);
  const copy = copyOf(model);
  const slope = gradient(model, images);
  for (let k = 0; k < CALLS; k++) assert.equal([forward(model, images), gradient(model, images)], [expected, slope]);
  const changed = copy.network.getWeights().map((w) => tf.zerosLike(w));
  copy.network.setWeights(changed);
  assert.equal([forward(model, images), gradient(model, images)], [expected, slope]);
  for (let k = 0; k < CALLS; k++) assert.ok(forward(copy, images).every((value) => value === 0));
  copy.dispose();
  assert.equal([forward(model, images), gradient(model, images)], [expected, slope]);
  tf.dispose([images, changed]);
  model.dispose();
  layers.dispose();
});

test('对权值求梯度照样对：自己写的训练循环', () => {
  const { layers, model } = own();
  const images = pictures();
  const weights = layers.trainableWeights.map((w) => w.read() as tf.Variable);
  const run = () =>
    tf.tidy(() => {
      const { grads } = tf.variableGrads(() => tf.sum(tf.square(model.forward(images, ['scores'])[0])), weights);
      return weights.map(({ name }) => Array.from(grads[name].dataSync()));
    });
  const expected = interpreted(run);
  for (let k = 0; k < CALLS + 2; k++) assert.equal(run(), expected, `第 ${k + 1} 次`);
  tf.dispose(images);
  model.dispose();
  layers.dispose();
});

test('别人自己的层可能每次不同：从不记成程序', () => {
  let factor = 1;
  const c = convolution('c', [1, 1], [1, 1, 1], 3, 1);
  const model = chain([12, 12], [c.layer, new Own('own', (x) => tf.mul(x, factor))], 'own');
  c.fill();
  const images = pictures(1);
  const first = () => tf.tidy(() => model.forward(images, ['own'])[0].dataSync()[0]);
  for (let k = 0; k < CALLS; k++) assert.ok(first() > 0);
  factor = -1;
  assert.ok(first() < 0);
  images.dispose();
  model.dispose();
});

test('在 JavaScript 里读数的反向（开关）照旧逐个运算', async () => {
  const { layers, model } = own();
  const images = pictures(1);
  const run = () => tf.tidy(() => Array.from(withRule('deconv', () => tf.grad((x) => tf.sum(model.forward(x as tf.Tensor4D, ['scores'])[0]))(images), { pool: 'switches' }).dataSync())); // prettier-ignore
  const expected = interpreted(run);
  for (let k = 0; k < CALLS; k++) await leakFree(() => assert.equal(run(), expected));
  assert.is(programs(() => void run()), 0); // prettier-ignore
  images.dispose();
  model.dispose();
  layers.dispose();
});

test('不泄漏张量；记下来的那一次也不', async () => {
  const { layers, model } = own();
  const images = pictures(1);
  for (let k = 0; k < CALLS; k++) {
    await leakFree(() => forward(model, images));
    await leakFree(() => gradient(model, images, 'guided'));
  }
  model.dispose();
  layers.dispose();
  images.dispose();
});

test('释放的网络报错，不用旧的程序', () => {
  const { layers, model } = own();
  const images = pictures(1);
  for (let k = 0; k < CALLS; k++) gradient(model, images);
  layers.dispose();
  assert.throws(() => gradient(model, images), /已被释放/);
  images.dispose();
  model.dispose();
});

test.run();
