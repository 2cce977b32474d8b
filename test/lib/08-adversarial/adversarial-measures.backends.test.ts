import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fgsm, to8bit } from '../../../lib/08-adversarial/attacks';
import {
  alignment,
  attackGradient,
  blockGrowth,
  logitsAlong,
  signNoise,
  weightVector,
} from '../../../lib/08-adversarial/directions';
import { growthExponent, linearGrowth } from '../../../lib/08-adversarial/linear-growth';
import {
  loadPhoto,
  retest,
  rightPhotos,
  smallestEpsilon,
  throughJpeg,
  throughPng,
} from '../../../lib/08-adversarial/robustness';
import { transfer } from '../../../lib/08-adversarial/transfer';
import { foolingRate, universal } from '../../../lib/08-adversarial/universal';
import { startBackend, tf } from '../../../lib/tf/backend';
import { coursePhotos, type Photo } from '../../../lib/image/photos';
import { disposeAll, failure, leakFree, tinyModel } from '../../helpers';
import { W, linear, D, L1, grey } from './linear-network';

test.before(async () => {
  await startBackend();
});

/** z0 − z1 at the grey image. */
const margin = (bias: number[]) => bias[0] - bias[1] - 0.5 * D.reduce((s, v) => s + v, 0);

test('最小的 ε 是 |得分之差| / ||w||₁，两种攻击都找得到；max 太小时为 Infinity', async () => {
  const bias = [1, 0];
  const [model, image] = [linear(4, bias), grey(4)];
  const expected = margin(bias) / L1;
  for (const method of ['fgsm', 'iterate'] as const) {
    const found = await smallestEpsilon(model, image, { method, max: 0.5, precision: 1.02 });
    assert.ok(
      found.epsilon >= expected * 0.999 && found.epsilon < expected * 1.03,
      `${method} ${found.epsilon}，应为 ${expected}`,
    );
    assert.ok(
      found.tried.every((t) => t.success === t.epsilon > expected),
      '每次尝试的成败与公式相符',
    );
  }
  const never = await smallestEpsilon(model, image, { max: expected / 2 });
  assert.is(never.epsilon, Infinity);
  const towards = await smallestEpsilon(model, image, { to: { class: 1 }, max: 0.5, precision: 1.02 });
  assert.ok(Math.abs(towards.epsilon / expected - 1) < 0.03);
  const own = await failure(() => smallestEpsilon(model, image, { to: { class: 0 } }));
  assert.match(own.message, '就是网络现在的答案');
  image.dispose();
  model.dispose();
});

test('PNG 就是 8 位取整，一个数也不差；JPEG 不是', async () => {
  const image = tf.randomUniform([24, 20, 3], 0, 1, 'float32', 4) as tf.Tensor3D;
  const [rounded, png, jpeg] = [to8bit(image), await throughPng(image), await throughJpeg(image, 75)];
  const difference = (a: tf.Tensor) => tf.tidy(() => tf.max(tf.abs(tf.sub(a, rounded))).dataSync()[0]);
  assert.ok(difference(png) < 1e-6);
  assert.ok(difference(jpeg) > 0.02);
  tf.dispose([image, rounded, png, jpeg]);
});

test('重新检验：扰动小于半级灰度时，取整就让它消失', async () => {
  const bias = [0, 0];
  bias[0] = 0.0005 - margin([0, 0]);
  const model = linear(16, bias);
  const raw = grey(16);
  const image = to8bit(raw);
  const example = await fgsm(model, image, { epsilon: 0.4 / 255, loss: 'margin' });
  const rows = await retest(model, example, { jpeg: [90], blur: [1] });
  const byForm = Object.fromEntries(rows.map((r) => [r.form, r]));
  assert.equal(
    rows.map((r) => r.form),
    ['浮点', '8 位取整', 'PNG', 'JPEG 90', '模糊 1'],
  );
  if (example.success) {
    assert.ok(byForm['浮点'].success && !byForm['浮点'].recovered);
    assert.ok(!byForm['8 位取整'].success && byForm['8 位取整'].recovered);
    assert.is(byForm.PNG.success, byForm['8 位取整'].success);
    assert.ok(!example.success8bit);
  } else assert.unreachable('浮点的攻击应当成功');
  disposeAll([raw, image, example]);
  model.dispose();
});

test('普适扰动：线性网络上就是 ε·sign(w)，没见过的图也被骗', async () => {
  const bias = [0, 0];
  bias[0] = 0.1 - margin([0, 0]);
  const model = linear(4, bias);
  const photos = tf.clipByValue(tf.add(tf.randomUniform([12, 4, 4, 3], -0.02, 0.02, 'float32', 7), 0.5), 0, 1) as tf.Tensor4D; // prettier-ignore
  const [train, test] = tf.split(photos, 2) as tf.Tensor4D[];
  const result = await universal(model, train, { epsilon: 0.08, stepSize: 0.02, epochs: 4, batchSize: 3, seed: 1 });
  const v = result.perturbation.dataSync();
  assert.ok(v.every((x, i) => Math.abs(x - 0.08 * Math.sign(D[i % 3])) < 1e-6));
  assert.is(result.trace.length, 8);
  assert.ok(result.trace[7] > result.trace[0]);
  const none = tf.zerosLike(result.perturbation);
  assert.is((await foolingRate(model, test, none)).rate, 0);
  assert.is((await foolingRate(model, test, result.perturbation, { batchSize: 4 })).rate, 1);
  const stopped = await universal(model, train, { signal: AbortSignal.abort() });
  assert.is(stopped.stopped, 'aborted');
  disposeAll([photos, train, test, result, none, stopped]);
  model.dispose();
});

test('迁移：换成同一个网络全部上当，换成反过来的网络没有一张计数', async () => {
  const [model, twin] = [linear(8, [0, 0]), linear(8, [0, 0])];
  const reverse = tinyModel([8, 8], [{ kernel: [0, 1, 2].flatMap((k) => [W[1][k], W[0][k]]), size: [1, 1], filters: 2, relu: false }]); // prettier-ignore
  const photos: Photo[] = [];
  for (const photo of coursePhotos({ background: 'scene' }).slice(0, 6)) {
    const image = await loadPhoto(model, photo);
    const [z0, z1] = tf.tidy(() => model.activations(image).dataSync());
    image.dispose();
    photos.push({ ...photo, imagenet: { index: z0 > z1 ? 0 : 1, wnid: 'x' } });
  }
  const right = await rightPhotos(model, [...photos, { ...photos[0], imagenet: { index: 1 - photos[0].imagenet!.index, wnid: 'x' } }]); // prettier-ignore
  assert.equal(
    right.photos.map((r) => r.photo.file),
    photos.map((p) => p.file),
  );
  const rows = await transfer(model, [twin, reverse], photos, { epsilon: 0.9, steps: 4 });
  assert.is(rows[0].tested, 6);
  assert.is(rows[0].fooled, 1);
  assert.is(rows[0].sameAnswer, 1);
  assert.is(rows[1].tested, 0);
  assert.is(rows[1].fooled, 0);
  [model, twin, reverse].forEach((m) => m.dispose());
});

test('停止信号：二分、逐张检查、迁移都在一步之内停下，交出已有结果', async () => {
  const [model, image] = [linear(8, [1, 0]), grey(8)];
  const photos = coursePhotos({ background: 'scene' }).slice(0, 3).map((p) => ({ ...p, imagenet: { index: 0, wnid: 'x' } })); // prettier-ignore
  const epsilon = await smallestEpsilon(model, image, { signal: AbortSignal.abort() });
  assert.equal([epsilon.stopped, epsilon.epsilon, epsilon.tried.length], ['aborted', Infinity, 0]);
  const controller = new AbortController();
  const seen: number[] = [];
  const onStep = ({ done }: { done: number }) => {
    seen.push(done);
    controller.abort();
  };
  const right = await rightPhotos(model, photos, { signal: controller.signal, onStep });
  assert.equal([right.photos.length, right.stopped, seen], [1, 'aborted', [1]]);
  const again = new AbortController();
  const [row] = await transfer(model, [model], photos, { steps: 1, signal: again.signal, onStep: () => again.abort() });
  assert.equal([row.stopped, row.tested], ['aborted', 1]);
  image.dispose();
  model.dispose();
});

test('不泄漏张量，也不在出错时泄漏', async () => {
  const [model, image] = [linear(12, [1, 0]), grey(12)];
  const batch = tf.stack([image, image]) as tf.Tensor4D;
  const example = await fgsm(model, image);
  const [photo] = coursePhotos({ labelled: true });
  for (let round = 0; round < 2; round++) {
    await leakFree(() => smallestEpsilon(model, image));
    await leakFree(() => smallestEpsilon(model, image, { method: 'iterate', steps: 2, max: 0.1 }));
    await leakFree(() => retest(model, example));
    await leakFree(() => universal(model, batch, { epochs: 1 }));
    await leakFree(() => foolingRate(model, batch, image));
    await leakFree(() => weightVector(model, image, { away: { class: 0 }, to: { class: 1 } }));
    await leakFree(() => logitsAlong(model, image, image, [0, 1, 2], [{ class: 0 }]));
    await leakFree(() => attackGradient(model, image, { to: { class: 1 } }));
    await leakFree(async () => [await alignment(image, image), await blockGrowth(image), signNoise(image, 0.1)]);
    await leakFree(async () => [await throughPng(image), await throughJpeg(image)]);
    await leakFree(() => rightPhotos(model, [photo]));
    await leakFree(() => loadPhoto(model, photo));
    await leakFree(() => smallestEpsilon(model, image, { signal: AbortSignal.abort() }));
    await leakFree(() => transfer(model, [model], [photo], { signal: AbortSignal.abort() }));
    await leakFree(() => transfer(model, [model], [{ ...photo, imagenet: { index: 0, wnid: '' } }], { steps: 2 }));
    await leakFree(() => failure(() => universal(model, batch, { onStep: () => { throw new Error('停'); } }))); // prettier-ignore
  }
  disposeAll([image, batch, example]);
  model.dispose();
});

test('参数不对的错误', async () => {
  const [model, image] = [linear(4, [1, 0]), grey(4)];
  const other = grey(5);
  const expectations: [() => unknown, RegExp][] = [
    [() => smallestEpsilon(model, image, { method: 'pgd' as never }), /method 应为 'fgsm' 或 'iterate'/],
    [() => smallestEpsilon(model, image, { max: -1 }), /max 应为/],
    [() => universal(model, tf.tidy(() => tf.expandDims(image)) as tf.Tensor4D), /n 至少为 2/],
    [() => weightVector(model, image, { away: { class: 0 }, to: { class: 2 } }), /类别编号应为 0 到 1/],
    [() => logitsAlong(model, image, other, [0], [{ class: 0 }]), /应与图像一样大 \[\d+, \d+, 3\]/],
    [() => linearGrowth([0]), /维数应为正整数/],
    [() => linearGrowth([10], { samples: 0 }), /samples 应为正整数/],
    [() => growthExponent([1], [1]), /至少 2 个点/],
    [() => signNoise(image, NaN), /epsilon 应为/],
  ];
  for (const [run, message] of expectations) assert.match((await failure(run)).message, message);
  tf.dispose([image, other]);
  model.dispose();
});

test.run();
