import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import {
  colourShare,
  filterImages,
  filterSpectrum,
  fitGabor,
  gaborFilter,
  filterPatterns,
  kernelSlices,
  mainPattern,
  sampleSlices,
} from '../../../lib/01-filters/filters';
import { loadModel } from '../../../lib/model/networks/load';
import { randomGenerator } from '../../../lib/base/random';
import { assertClose, failure, leakFree, tinyModel, withNetworks } from '../../helpers';

// Two 1x2 filters on RGB: a red edge (+2, -2) and a grey edge (+1, -1); kernel order [kh, kw, in, out].
const edges = {
  kernel: [2, 1, 0, 1, 0, 1, -2, -1, 0, -1, 0, -1],
  size: [1, 2] as [number, number],
  filters: 2,
  relu: false,
};
const second = { kernel: [1, 2, 3, 4], size: [1, 1] as [number, number], filters: 2, relu: false };

test.before(async () => {
  await startBackend();
});

test('filterImages：0 是中灰，各自与共用的尺度按手算', async () => {
  const model = tinyModel([3, 4], [edges]);
  const each = filterImages(model);
  assert.equal(each.shape, [2, 1, 2, 3]);
  assertClose(each.dataSync(), [1, 0.5, 0.5, 0, 0.5, 0.5, 1, 1, 1, 0, 0, 0], 1e-6);
  const shared = filterImages(model, 'c1', { scale: 'shared' });
  assertClose(shared.dataSync(), [1, 0.5, 0.5, 0, 0.5, 0.5, 0.75, 0.75, 0.75, 0.25, 0.25, 0.25], 1e-6);
  assertClose(await colourShare(model), [2 / 3, 0], 1e-6);
  const { size, patterns } = await filterPatterns(model);
  assert.equal(size, [1, 2]);
  assertClose(patterns[0].colour, [1, 0, 0], 1e-6);
  assertClose(patterns[0].values, [2, -2], 1e-6);
  assertClose(patterns[1].values, [Math.sqrt(3), -Math.sqrt(3)], 1e-6);
  assertClose([patterns[0].share, patterns[1].share], [1, 1], 1e-6);
  await leakFree(() => filterImages(model));
  await leakFree(() => colourShare(model));
  tf.dispose([each, shared]);
  model.dispose();
});

test('抽切片：每个切片就是核里的那几个数，不重复，同一个种子抽到同样的', async () => {
  const model = tinyModel([3, 4], [edges]);
  const all = [[2, -2], [0, 0], [0, 0], [1, -1], [1, -1], [1, -1]]; // prettier-ignore
  const { size, slices } = await sampleSlices(model, 'c1', { count: 6 });
  assert.equal(size, [1, 2]);
  const sorted = (rows: ArrayLike<number>[]) => rows.map((r) => Array.from(r).join()).sort();
  assert.equal(
    sorted(slices),
    sorted(all).map((row) => row.replace('-0', '0')),
  );
  const samples = await Promise.all([0, 0, 1, 2, 3].map((seed) => sampleSlices(model, 'c1', { count: 3, seed })));
  assert.equal(samples[0], samples[1]);
  assert.ok(new Set(samples.map((s) => sorted(s.slices).join())).size > 1, '种子不同，抽到的也不同');
  await leakFree(() => sampleSlices(model, 'c1', { count: 2 }));
  for (const count of [0, 7, 1.5]) {
    assert.match((await failure(() => sampleSlices(model, 'c1', { count }))).message, /有 6 个切片，count 应为 1 … 6/);
  }
  model.dispose();
});

test('主颜色与主图案：手算，与 filterPatterns 相同；随机的核介于 1/3 与 1 之间', async () => {
  const orange = mainPattern([3, 4, 0, -6, -8, 0]);
  assertClose(orange.colour, [0.6, 0.8, 0], 1e-6);
  assertClose(orange.values, [5, -10], 1e-6);
  assert.ok(Math.abs(orange.share - 1) < 1e-6);
  // Two colours at right angles, with energies 4 and 1.
  assert.ok(Math.abs(mainPattern([2, 0, 0, 0, 1, 0]).share - 0.8) < 1e-6);
  const random = randomGenerator(3);
  const noise = mainPattern(Array.from({ length: 363 }, () => random.normal()));
  assert.ok(noise.share > 1 / 3 && noise.share < 0.55, `${noise.share}`);
  assert.match((await failure(() => mainPattern([1, 2]))).message, /kh·kw·3.*得到 2/);
});

test('更深的层不能画成彩色图：报错说明原因；切片可以看', async () => {
  const model = tinyModel([3, 4], [edges, second]);
  assert.match((await failure(() => filterImages(model, 'c2'))).message, /上一层的 2 个特征图.*kernelSlices/);
  assert.match((await failure(() => filterImages(model, 'scores'))).message, /没有卷积核；有卷积核的层：c1、c2/);
  assert.match((await failure(() => kernelSlices(model, 'c2', { filter: 2 }))).message, /0 … 1/);
  const slices = kernelSlices(model, 'c2', { filter: 1 });
  assert.equal(slices.shape, [2, 1, 1, 1]);
  assertClose(slices.dataSync(), [0.75, 1], 1e-6);
  slices.dispose();
  await leakFree(() => kernelSlices(model, 'c2'));
  model.dispose();
});

test('频谱：已知光栅的频率与朝向', () => {
  for (const [frequency, orientation] of [
    [0.125, 0],
    [0.1875, 90],
    [0.177, 45],
  ] as const) {
    const a = (orientation * Math.PI) / 180;
    const grating = Float32Array.from({ length: 121 }, (_, i) =>
      Math.cos(2 * Math.PI * frequency * ((i % 11) * Math.cos(a) + Math.floor(i / 11) * Math.sin(a))),
    );
    const s = filterSpectrum(grating, [11, 11]);
    assert.ok(Math.abs(s.frequency - frequency) < 0.04, `频率 ${s.frequency}，应为 ${frequency}`);
    const turn = Math.abs(s.orientation - orientation);
    assert.ok(Math.min(turn, 180 - turn) < 12, `朝向 ${s.orientation}，应为 ${orientation}`);
    assert.ok(s.concentration > 0.5);
  }
});

test('Gabor 拟合：自己画的 Gabor 几乎完全复原，随机权值则不行', () => {
  const truth = {
    amplitude: 0.3, x: 4.6, y: 5.5, sigmaAlong: 2, sigmaAcross: 2.6, orientation: 30, frequency: 0.16, phase: 0.8, constant: 0.02,
  }; // prettier-ignore
  const fit = fitGabor(gaborFilter(truth, [11, 11]), [11, 11]);
  assert.ok(fit.explained > 0.999, `解释 ${fit.explained}`);
  assert.ok(Math.abs(fit.frequency - truth.frequency) < 0.01);
  assert.ok(Math.abs(fit.orientation - truth.orientation) < 2);
  // The reported parameters must draw the reported fit, also where the angle was wrapped.
  for (const orientation of [5, 95, 150, 178]) {
    const own = gaborFilter({ ...truth, orientation }, [11, 11]);
    const again = fitGabor(own, [11, 11]);
    assertClose(again.fitted, own, 0.05, `朝向 ${orientation}`);
  }
  const random = randomGenerator(1);
  const noise = fitGabor(
    Float32Array.from({ length: 121 }, () => random.normal()),
    [11, 11],
  );
  assert.ok(noise.explained < 0.5, `噪声 ${noise.explained}`);
});

withNetworks(test, ['alexnet-2012'], 'AlexNet 2012 的 96 个卷积核：前 48 个比后 48 个彩色', async () => {
  const model = await loadModel('alexnet-2012', { offline: true, head: false, full: false });
  const pictures = filterImages(model);
  assert.equal(pictures.shape, [96, 11, 11, 3]);
  const shares = await colourShare(model);
  const mean = (v: number[]) => v.reduce((a, b) => a + b, 0) / v.length;
  assert.ok(
    mean(shares.slice(0, 48)) > 2 * mean(shares.slice(48)),
    `${mean(shares.slice(0, 48))} 与 ${mean(shares.slice(48))}`,
  );
  pictures.dispose();
  model.dispose();
});

test.run();
