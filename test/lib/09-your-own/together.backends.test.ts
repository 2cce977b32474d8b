import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { effectiveFields } from '../../../lib/02-patches/effective-field';
import { topPatches } from '../../../lib/02-patches/patches';
import { embed } from '../../../lib/03-embedding/embedding';
import { featureMatrix } from '../../../lib/03-embedding/features';
import { occlusionMap } from '../../../lib/04-occlusion/occlusion';
import { featureMapGradients } from '../../../lib/05-deconv/feature-map-gradients';
import { gradCam, guidedGradCam } from '../../../lib/05-deconv/grad-cam';
import { inputGradient, withRule } from '../../../lib/05-deconv/gradients';
import { integratedGradients } from '../../../lib/05-deconv/integrated-gradients';
import { insertionDeletion, responseAlong } from '../../../lib/05-deconv/perturbation';
import { pixelNoise } from '../../../lib/05-deconv/pixel-noise';
import { patchProjections } from '../../../lib/05-deconv/projections';
import { cascadingRandomisation } from '../../../lib/05-deconv/sanity';
import { smoothGrad } from '../../../lib/05-deconv/smooth-grad';
import { classScore } from '../../../lib/06-optimization/objectives';
import { maximize } from '../../../lib/06-optimization/optimize';
import { invert } from '../../../lib/07-inversion/inversion';
import { pairwiseDistances } from '../../../lib/07-inversion/measures';
import { fgsm, iterate, leastLikely } from '../../../lib/08-adversarial/attacks';
import { decisionPlane } from '../../../lib/08-adversarial/decision-plane';
import { deepFool } from '../../../lib/08-adversarial/deepfool';
import { logitsAlong } from '../../../lib/08-adversarial/directions';
import { smallestEpsilon } from '../../../lib/08-adversarial/robustness';
import { universal } from '../../../lib/08-adversarial/universal';
import { fromLayersModel } from '../../../lib/09-your-own/from-layers';
import { coursePhotos } from '../../../lib/image/photos';
import { classify } from '../../../lib/model/classify';
import type { ImageModel } from '../../../lib/model/model';
import { assertClose, failure, leakFree } from '../../helpers';

/** All methods at once, on one network, each giving way to the others at every step: what each gives alone. */

const init = (seed: number) => ({ kernelInitializer: tf.initializers.randomNormal({ stddev: 0.4, seed }), biasInitializer: tf.initializers.randomNormal({ stddev: 0.1, seed: seed + 50 }) }); // prettier-ignore
const network = () => tf.sequential({ layers: [
  tf.layers.conv2d({ name: 'one', inputShape: [16, 16, 3], filters: 6, kernelSize: 3, activation: 'relu', ...init(1) }),
  tf.layers.maxPooling2d({ poolSize: 2, name: 'pool' }),
  tf.layers.conv2d({ name: 'two', filters: 6, kernelSize: 3, activation: 'relu', ...init(2) }),
  tf.layers.flatten({ name: 'flat' }),
  tf.layers.dense({ name: 'end', units: 4, activation: 'softmax', ...init(3) }),
] }); // prettier-ignore
const picture = () => tf.tensor3d(Float32Array.from({ length: 768 }, (_, i) => 0.5 + 0.45 * Math.sin(i * i)), [16, 16, 3]); // prettier-ignore

const onStep = () => new Promise<void>((resolve) => setImmediate(resolve));
const target = { class: 1 };
const gradient = (m: ImageModel, x: tf.Tensor3D) => inputGradient(m, x, target);

type Run = (model: ImageModel, image: tf.Tensor3D) => Promise<unknown>;
const RUNS: Record<string, Run> = {
  classify: (m, x) => classify(m, x),
  occlusionMap: (m, x) => occlusionMap(m, x, { class: 1 }, { size: 4, stride: 2, onStep }),
  inputGradient: async (m, x) => inputGradient(m, x, target),
  guided: async (m, x) => inputGradient(m, x, target, { rule: 'guided', pool: 'switches' }),
  gradCam: async (m, x) => gradCam(m, x, target),
  smoothGrad: (m, x) => smoothGrad((z) => inputGradient(m, z, target, { rule: 'deconv' }), x, { samples: 6, onStep }),
  integratedGradients: (m, x) => integratedGradients(m, x, target, { batchSize: 2, onStep }),
  featureMapGradients: async (m, x) => featureMapGradients(m, x, 'two', { rule: 'deconv' }),
  insertionDeletion: async (m, x) => {
    const map = await inputGradient(m, x, target);
    const result = await insertionDeletion(m, x, target, map, { steps: 6, batchSize: 2, onStep });
    map.dispose();
    return result;
  },
  cascading: (m, x) => cascadingRandomisation(m, x, { 梯度: gradient }, { seed: 3, onStep }),
  'cascading, another seed': (m, x) => cascadingRandomisation(m, x, { 梯度: gradient }, { seed: 8, onStep }),
  'cascading, async': (m, x) => cascadingRandomisation(m, x, { IG: async (n, z) => (await integratedGradients(n, z, target, { batchSize: 4, onStep })).map }, { onStep }), // prettier-ignore
  maximize: (m) => maximize(m, classScore(1), { steps: 6, seed: 2, onStep }),
  invert: (m, x) => invert(m, x, 'pool', { steps: 5, seed: 2, onStep }),
  iterate: (m, x) => iterate(m, x, { steps: 6, epsilon: 0.05 }),
  deepFool: (m, x) => deepFool(m, x),
  fgsm: (m, x) => fgsm(m, x, { epsilon: 0.05 }),
  leastLikely: (m, x) => leastLikely(m, x, { epsilon: 0.1, steps: 4, onStep }),
  smallestEpsilon: (m, x) => smallestEpsilon(m, x, { method: 'iterate', steps: 2, max: 0.2, precision: 2 }),
  universal: (m, x) => withBatch(x, (images) => universal(m, images, { epochs: 2, onStep })),
  decisionPlane: (m, x) => along(m, x, (d, e) => decisionPlane(m, x, [d, e], { target, across: [0, 1], up: [0, 1, 2], batchSize: 2, onStep })), // prettier-ignore
  logitsAlong: (m, x) => along(m, x, (d) => logitsAlong(m, x, d, [0, 0.1, 0.2], [{ class: 1 }, { class: 2 }])),
  responseAlong: (m, x) => along(m, x, (d) => responseAlong(m, x, target, d, [0, 0.1, 0.2])),
  pixelNoise: (m, x) => pixelNoise(m, x, target, [3, 40, 100], { samples: 3 }),
  guidedGradCam: async (m, x) => guidedGradCam(m, x, target),
  topPatches: (m) => topPatches(m, photos, 'two', { channels: [0, 3], count: 2, batchSize: 2, cache: false, onStep }),
  effectiveFields: async (m) => effectiveFields(m, 'two', await patchesOf(m)),
  patchProjections: async (m) => patchProjections(m, 'two', await patchesOf(m), { rule: 'guided', onStep }),
  featureMatrix: (m) => featureMatrix(m, photos, 'pool', { batchSize: 2, onStep }),
  embed: async (m) => embed(await featureMatrix(m, photos, 'pool'), { perplexity: 1.5, steps: 20, seed: 4, onStep }),
  pairwiseDistances: (m) => pairwiseDistances(m, photos, ['pool', 'two']),
};

const photos = coursePhotos().slice(0, 6);
const patchesOf = async (m: ImageModel) => (await topPatches(m, photos, 'two', { channels: [2], count: 2, cache: false }))[0]; // prettier-ignore

/** Two directions, gone when the work is done: the gradient and the picture itself. */
async function along<T>(m: ImageModel, x: tf.Tensor3D, work: (d: tf.Tensor3D, e: tf.Tensor3D) => Promise<T>) {
  const direction = inputGradient(m, x, target);
  try {
    return await work(direction, x);
  } finally {
    direction.dispose();
  }
}

async function withBatch<T>(x: tf.Tensor3D, work: (images: tf.Tensor4D) => Promise<T>) {
  const images = tf.tidy(() => tf.stack([x, tf.reverse(x, 0)]) as tf.Tensor4D);
  try {
    return await work(images);
  } finally {
    images.dispose();
  }
}

/** Every number in a result, at any depth; tensors are disposed. */
function numbers(value: unknown, into: number[] = []): number[] {
  if (value instanceof tf.Tensor) {
    if (!value.isDisposed) into.push(...value.dataSync());
    value.dispose();
  } else if (typeof value === 'number') into.push(value);
  else if (value && typeof value === 'object' && !(value instanceof Function)) {
    for (const [key, part] of Object.entries(value)) if (!/second|time|millis/i.test(key)) numbers(part, into);
  }
  return into;
}

test.before(async () => {
  await startBackend();
});

test('同时进行的各种方法：与逐个进行的结果相同，权值不变，张量一个不多', async () => {
  const net = network();
  const [model, image] = [fromLayersModel(net), picture()];
  const weights = net.getWeights().map((w) => Array.from(w.dataSync()));
  const alone = new Map<string, number[]>();
  for (const [name, run] of Object.entries(RUNS)) alone.set(name, numbers(await run(model, image)));
  await leakFree(async () => {
    const together = await Promise.all(Object.values(RUNS).map((run) => run(model, image)));
    Object.keys(RUNS).forEach((name, i) => assertClose(numbers(together[i]), alone.get(name)!, 1e-5, name));
  });
  assert.equal(net.getWeights().map((w) => Array.from(w.dataSync())), weights); // prettier-ignore
  assert.not.equal(alone.get('cascading'), alone.get('cascading, another seed'));
  image.dispose();
  model.dispose();
  net.dispose();
});

test('打乱的是副本：结果与就地打乱相同，嵌套与共用的层也在内', async () => {
  const image = picture();
  const input = tf.input({ shape: [16, 16, 3] });
  const shared = tf.layers.conv2d({ name: 'shared', filters: 3, kernelSize: 3, padding: 'same', activation: 'relu', ...init(1) }); // prettier-ignore
  const base = tf.sequential({ name: 'base', layers: [tf.layers.conv2d({ name: 'in', inputShape: [16, 16, 3], filters: 3, kernelSize: 1, ...init(4) }), tf.layers.batchNormalization({ name: 'norm' })] }); // prettier-ignore
  const twice = shared.apply(shared.apply(base.apply(input))) as tf.SymbolicTensor;
  const end = tf.layers.dense({ name: 'end', units: 2, ...init(5) });
  const net = tf.model({ inputs: input, outputs: end.apply(tf.layers.flatten().apply(twice)) as tf.SymbolicTensor });
  const model = fromLayersModel(net);
  const seen: number[][] = [];
  const method = (m: ImageModel, x: tf.Tensor3D) => {
    const scores = m.activations(x);
    seen.push(Array.from(scores.dataSync()));
    scores.dispose();
    return inputGradient(m, x, { class: 0 });
  };
  await leakFree(() => cascadingRandomisation(model, image, { method }, { layers: ['end', ['shared', 'base/in']], seed: 1 })); // prettier-ignore
  const own = model.activations(image);
  assertClose(seen[0], own.dataSync(), 1e-6);
  assert.is(seen.length, 3);
  assert.not.equal(seen[1], seen[0]);
  assert.not.equal(seen[2], seen[1]);
  // The scores after the first step are those of the shuffled end on the untouched features.
  const features = model.activations(image, model.roles.features);
  assert.ok(features.size > 0);
  tf.dispose([own, features, image]);
  model.dispose();
  net.dispose();
});

test('异步的方法：smoothGrad 等它，withRule 说不行', async () => {
  const net = network();
  const [model, image] = [fromLayersModel(net), picture()];
  const plain = await smoothGrad((x) => inputGradient(model, x, target), image, { samples: 3 });
  const later = async (x: tf.Tensor3D) => {
    const scaled = tf.mul(x, 1) as tf.Tensor3D;
    await onStep();
    const result = inputGradient(model, scaled, target);
    scaled.dispose();
    return result;
  };
  const waited = await smoothGrad(later, image, { samples: 3 });
  assertClose(waited.map.dataSync(), plain.map.dataSync(), 1e-6);
  tf.dispose([waited.map, plain.map]);
  await leakFree(() => smoothGrad(later, image, { samples: 2 }));
  await leakFree(() => smoothGrad((x) => tf.mul(x, tf.scalar(2)) as tf.Tensor3D, image, { samples: 2 }));
  const wrong: [() => unknown, RegExp][] = [
    [() => smoothGrad(() => 3 as never, image, { samples: 2 }), /attribution 的结果 应为张量，得到 3/],
    [() => smoothGrad(() => tf.zeros([3, 3, 3]), image, { samples: 2 }), /一样大 \[16, 16, 3\]，得到 \[3, 3, 3\]/],
    [() => cascadingRandomisation(model, image, { 空: () => undefined as never }), /methods\.空 的结果 应为张量/],
  ];
  for (const [run, message] of wrong) await leakFree(async () => assert.match((await failure(run)).message, message));
  const error = await failure(() => withRule('guided', async () => onStep()));
  assert.match(error.message, /同步函数/);
  image.dispose();
  model.dispose();
  net.dispose();
});

test('StridedSlice 与 DepthToSpace 的梯度：与差分相同；没有梯度的操作用中文说', async () => {
  const x = tf.tensor4d(Float32Array.from({ length: 2 * 5 * 6 * 4 }, (_, i) => Math.sin(i)), [2, 5, 6, 4]); // prettier-ignore
  const ways: Record<string, (t: tf.Tensor) => tf.Tensor> = {
    隔行: (t) => tf.stridedSlice(t, [0, 1, 0, 0], [2, 5, 6, 4], [1, 2, 3, 1]),
    倒着: (t) => tf.stridedSlice(t, [0, 4, 5, 0], [2, 0, 0, 4], [1, -2, -1, 1]),
    去掉一轴: (t) => tf.stridedSlice(t, [0, 2, 0, 1], [2, 3, 6, 4], [1, 1, 2, 1], 0, 0, 0, 0, 2),
    重排: (t) => tf.depthToSpace(t as tf.Tensor4D, 2, 'NHWC'),
  };
  for (const [name, f] of Object.entries(ways)) {
    const loss = (t: tf.Tensor) => {
      const y = f(t);
      return tf.sum(tf.mul(tf.square(y), tf.reshape(tf.mod(tf.range(1, y.size + 1), 7), y.shape))) as tf.Scalar;
    };
    const got = tf.tidy(() => tf.grad(loss)(x).dataSync()) as unknown as Float32Array;
    const values = x.dataSync();
    for (let i = 0; i < values.length; i += 7) {
      const at = (d: number) => tf.tidy(() => loss(tf.tensor(values.map((v, k) => (k === i ? v + d : v)), x.shape)).dataSync()[0]) as unknown as number; // prettier-ignore
      assert.ok(Math.abs((at(0.05) - at(-0.05)) / 0.1 - got[i]) < 1e-2 * (1 + Math.abs(got[i])), `${name} ${i}`);
    }
  }
  x.dispose();
});

test.run();
