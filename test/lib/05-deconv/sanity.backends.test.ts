import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { inputGradient } from '../../../lib/05-deconv/gradients';
import { areaUnder, cosine, lInfNorm, l2Norm, pearson, ranks, spearman, ssim } from '../../../lib/image/metrics';
import { insertionDeletion, randomDirection, responseAlong } from '../../../lib/05-deconv/perturbation';
import { cascadingRandomisation, weightedLayers } from '../../../lib/05-deconv/sanity';
import { assertClose, failure, leakFree, madeUpImage, tinyModel } from '../../helpers';

const wave = (length: number, factor: number) => Array.from({ length }, (_, i) => Math.sin(i * factor) + 0.2);
const model = () =>
  tinyModel(
    [16, 16],
    [
      { size: [3, 3], filters: 6, kernel: wave(162, 1.3) },
      { size: [3, 3], filters: 3, kernel: wave(162, 2.1) },
    ],
  );
const photo = () => madeUpImage(16, 16);

test.before(async () => {
  await startBackend();
});

test('度量，手算的数', async () => {
  assert.is(l2Norm([3, -4]), 5);
  assert.is(lInfNorm([3, -4]), 4);
  assert.is(cosine([1, 0], [0, 2]), 0);
  assert.is(cosine([0, 0], [1, 2]), 0);
  assert.ok(Math.abs(pearson([1, 2, 3], [5, 3, 1]) + 1) < 1e-12);
  assert.equal(Array.from(ranks([30, 10, 10, 20])), [3, 0.5, 0.5, 2]);
  // Ranks 0 1 2 3 against 1 0 2 3: 1 - 6 * 2 / (4 * 15).
  assert.ok(Math.abs(spearman([1, 5, 70, 900], [2, 1, 3, 4]) - 0.8) < 1e-12);
  // A constant has no order: 0, not the correlation of its rounding errors.
  const [constant, rising] = [new Float32Array(1234).fill(0.1), Float32Array.from({ length: 1234 }, (_, i) => i * i)];
  for (const measure of [pearson, spearman]) {
    assert.is(measure(constant, rising), 0);
    assert.is(measure(constant, constant), 0);
    assert.ok(Math.abs(measure(rising, rising) - 1) < 1e-12);
  }
  assert.is(areaUnder([0, 1, 1]), 0.75);
  assert.instance(await failure(() => cosine([1], [1, 2])), RangeError);
  const tensor = tf.tensor1d([1, 2]);
  assert.match((await failure(() => l2Norm(tensor as never))).message, /await 张量\.data\(\)/);
  tensor.dispose();
});

test('SSIM：与自己是 1，与 SciPy 算出的数一致，符号相反是负的', async () => {
  const at = (f: (r: number, c: number) => number) =>
    tf.tensor2d(
      Float32Array.from({ length: 400 }, (_, i) => f(Math.floor(i / 20), i % 20)),
      [20, 20],
    );
  const a = at((r, c) => 0.5 + 0.4 * Math.sin(r * 0.7) * Math.cos(c * 0.4));
  const b = at((r, c) => 0.5 + 0.3 * Math.sin(r * 0.7 + 0.3) * Math.cos(c * 0.4) + 0.05 * Math.sin(r * c));
  const c = at((r, col) => 0.5 - 0.4 * Math.sin(r * 0.7) * Math.cos(col * 0.4));
  assert.ok(Math.abs((await ssim(a, a)) - 1) < 1e-5);
  // float64, scipy.ndimage.gaussian_filter(sigma=1.5, truncate=3.5), border of 5 cut off.
  assert.ok(Math.abs((await ssim(a, b, { range: 1 })) - 0.8779247) < 1e-4, `${await ssim(a, b, { range: 1 })}`);
  assert.ok((await ssim(a, c, { range: 1 })) < 0);
  await leakFree(() => ssim(a, b));
  assert.instance(
    await failure(() =>
      ssim(
        a,
        tf.tidy(() => tf.slice(a, [0, 0], [5, 5])),
      ),
    ),
    RangeError,
  );
  tf.dispose([a, b, c]);
});

test('逐层打乱：不看网络的方法不变，看的变；权重原样放回', async () => {
  const [net, image] = [model(), photo()];
  assert.equal(weightedLayers(net), ['c2', 'c1']);
  const before = net.activations(image);
  const methods = {
    梯度: (m: typeof net, x: tf.Tensor3D) => inputGradient(m, x, { class: 0 }),
    描边: (_: typeof net, x: tf.Tensor3D) => tf.mul(x, x),
  };
  const result = await cascadingRandomisation(net, image, methods, { seed: 3 });
  assert.equal(result.layers, ['（未打乱）', 'c2', 'c1']);
  assert.ok(result.methods['描边'].spearman.every((s) => Math.abs(s - 1) < 1e-9));
  assert.ok(result.methods['描边'].ssim.every((s) => Math.abs(s - 1) < 1e-4));
  assert.ok(Math.abs(result.methods['梯度'].spearman[0] - 1) < 1e-9);
  assert.ok(result.methods['梯度'].spearman[2] < 0.9);
  const after = net.activations(image);
  assert.equal(Array.from(after.dataSync()), Array.from(before.dataSync()));
  const again = await cascadingRandomisation(net, image, methods, { seed: 3 });
  assert.equal(again.methods['梯度'].spearman, result.methods['梯度'].spearman);
  tf.dispose([...result.methods['梯度'].maps, ...result.methods['描边'].maps]);
  tf.dispose([...again.methods['梯度'].maps, ...again.methods['描边'].maps, before, after]);
  await leakFree(() => cascadingRandomisation(net, image, methods));
  await leakFree(async () => {
    const stop = new AbortController();
    const cut = await cascadingRandomisation(net, image, methods, { signal: stop.signal, onStep: () => stop.abort() });
    assert.equal([cut.layers.length, cut.stopped], [2, 'aborted']);
    return cut;
  });
  await leakFree(async () => {
    let calls = 0;
    const breaking = (m: typeof net, x: tf.Tensor3D) => {
      if (calls++ > 0) throw new Error('半路');
      return methods['梯度'](m, x);
    };
    assert.is((await failure(() => cascadingRandomisation(net, image, { breaking }))).message, '半路');
    assert.instance(
      await failure(() => cascadingRandomisation(net, image, methods, { layers: ['relu1'] })),
      RangeError,
    );
  });
  const last = net.activations(image);
  assertClose(
    last.dataSync(),
    tf.tidy(() => net.activations(image).dataSync()),
    1e-9,
  );
  tf.dispose([last, image]);
  net.dispose();
});

test('沿梯度走一小步，得分按范数上升；随机方向等长，升得少', async () => {
  const [net, image] = [model(), photo()];
  const gradient = inputGradient(net, image, { class: 0 });
  const norm = l2Norm(await gradient.data());
  const [start, up] = await responseAlong(net, image, { class: 0 }, gradient, [0, 1e-2]);
  assert.ok(Math.abs((up - start) / (1e-2 * norm) - 1) < 0.02, `${(up - start) / 1e-2} 与 ${norm}`);
  const random = randomDirection(gradient, { seed: 5 });
  assert.ok(Math.abs(l2Norm(await random.data()) / norm - 1) < 1e-5);
  const [, sideways] = await responseAlong(net, image, { class: 0 }, random, [0, 1e-2]);
  assert.ok(Math.abs(sideways - start) < 0.3 * (up - start));
  const zero = tf.zerosLike(gradient);
  assert.equal(await responseAlong(net, image, { class: 0 }, zero, [0, 1]), [start, start]);
  await leakFree(() => responseAlong(net, image, { class: 0 }, gradient, [0, 1]));
  await leakFree(() => randomDirection(gradient));
  tf.dispose([gradient, random, zero, image]);
  net.dispose();
});

test('删除与插入：两端是原图与空白图，说得对的图面积更好', async () => {
  const net = tinyModel([12, 12], [{ size: [1, 1], filters: 1, kernel: [1, 0, 0], relu: false }]);
  // Red in the upper left corner is all that the score reads.
  const image = tf.buffer([12, 12, 3]);
  const right = tf.buffer([12, 12]);
  for (let r = 0; r < 6; r++)
    for (let c = 0; c < 6; c++) {
      image.set(1, r, c, 0);
      right.set(1, r, c);
    }
  const [picture, map] = [image.toTensor() as tf.Tensor3D, right.toTensor()];
  const wrong = tf.sub(1, map);
  const target = { layer: 'c1', channel: 0, at: 'sum' } as const;
  const good = await insertionDeletion(net, picture, target, map, { fill: 'mean', steps: 4 });
  assert.equal(good.fractions, [0, 0.25, 0.5, 0.75, 1]);
  assertClose(good.deletion, [1, 0, 0, 0, 0], 1e-6);
  assertClose(good.insertion, [0, 1, 1, 1, 1], 1e-6);
  assert.is(good.deletionArea, 0.125);
  assert.is(good.insertionArea, 0.875);
  const seen: number[] = [];
  const onStep = ({ done, total }: { done: number; total: number }) => void seen.push(done, total);
  const bad = await insertionDeletion(net, picture, target, wrong, { fill: 'mean', steps: 4, batchSize: 2, onStep });
  assert.equal(seen, [2, 5, 4, 5, 5, 5]);
  assert.equal(bad.fractions, good.fractions);
  assertClose(bad.deletion, [1, 1, 1, 1, 0], 1e-6);
  await leakFree(() => insertionDeletion(net, picture, { class: 0 }, map, { steps: 3 }));
  await leakFree(async () => {
    const stop = new AbortController();
    const options = { signal: stop.signal, batchSize: 1, onStep: () => stop.abort() };
    const cut = await insertionDeletion(net, picture, { class: 0 }, map, options);
    assert.equal([cut.deletion.length, cut.stopped], [1, 'aborted']);
  });
  await leakFree(async () => {
    assert.instance(await failure(() => insertionDeletion(net, picture, { class: 7 }, map)), RangeError);
    assert.instance(await failure(() => insertionDeletion(net, picture, { class: 0 }, map, { steps: 0 })), RangeError);
  });
  tf.dispose([picture, map, wrong]);
  net.dispose();
});

test.run();
