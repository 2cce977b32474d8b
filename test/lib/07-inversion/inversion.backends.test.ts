import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { codeDistance, invert, mahendranPreset, paperLambda } from '../../../lib/07-inversion/inversion';
import { variationWeight } from '../../../lib/07-inversion/presets';
import {
  cellCorrelation,
  codeError,
  pairwiseDistances,
  photoErrors,
  survival,
} from '../../../lib/07-inversion/measures';
import { featureDistance } from '../../../lib/06-optimization/objectives';
import { coursePhotos } from '../../../lib/image/photos';
import { alphaNorm, totalVariation } from '../../../lib/06-optimization/penalties';
import { pixels } from '../../../lib/06-optimization/parametrization';
import { adam, normalized, plain } from '../../../lib/06-optimization/steps';
import { loadImage } from '../../../lib/image/image';
import { disposeAll, failure, leakFree, longTest, tinyModel } from '../../helpers';

test.before(async () => {
  await startBackend();
});

const SIDE = 12;
/** The pictures here are white noise, to which 1/f waves are not suited. */
const ON_PIXELS = { parametrization: pixels(), step: adam(0.02), noise: 10 / 255, steps: 60 };
const random = (seed: number, n: number) => Array.from(tf.tidy(() => tf.randomNormal([n], 0, 0.4, 'float32', seed).dataSync())); // prettier-ignore
const network = () =>
  tinyModel(
    [SIDE, SIDE],
    [
      { kernel: random(1, 3 * 3 * 3 * 6), size: [3, 3], filters: 6, relu: true },
      { kernel: random(2, 3 * 3 * 6 * 4), size: [3, 3], filters: 4, stride: 2, relu: true },
    ],
  );
const picture = (seed = 3) => tf.randomUniform([SIDE, SIDE, 3], 0.1, 0.9, 'float32', seed) as tf.Tensor3D;
const valueOf = (
  model: ReturnType<typeof network>,
  target: ReturnType<ReturnType<typeof codeDistance>>,
  x: tf.Tensor3D,
) =>
  tf.tidy(() => {
    const [out] = model.forward(tf.expandDims(x, 0) as tf.Tensor4D, target.layers);
    return target.value(() => out).dataSync()[0];
  });

test('每一层的误差都下降，重建的编码比原图之外的任何图都近', async () => {
  const [model, image] = [network(), picture()];
  const others = [4, 5, 6, 7].map(picture);
  for (const layer of ['c1', 'relu1', 'c2', 'relu2', 'scores']) {
    const result = await invert(model, image, layer, { ...ON_PIXELS, lambda: 0.01 });
    assert.ok(result.error.ofCode < 0.5 * -result.trace[0], `${layer}：${-result.trace[0]} → ${result.error.ofCode}`);
    const nearest = Math.min(...(await Promise.all(others.map((x) => codeError(model, x, image, layer)))));
    // Four averages over the whole image say almost the same about all noise pictures.
    if (layer !== 'scores')
      assert.ok(result.error.ofCode < nearest, `${layer}：重建 ${result.error.ofCode}，别的图 ${nearest}`);
    const again = await codeError(model, result.best, image, layer);
    assert.ok(Math.abs(again - result.error.ofCode) < 1e-4 + 1e-3 * again, '报告的误差就是 best 的误差');
    assert.is(result.layer, layer);
    disposeAll([result.image, result.best]);
  }
  disposeAll([image, others]);
  model.dispose();
});

longTest(test, '不给选项：平滑的图、傅里叶参数化，误差也下降，同一个 λ', async () => {
  const model = network();
  const smooth = tf.tidy(() => {
    const ramp = tf.linspace(0.2, 0.8, SIDE);
    const [down, across] = [
      tf.tile(tf.reshape(ramp, [SIDE, 1]), [1, SIDE]),
      tf.tile(tf.reshape(ramp, [1, SIDE]), [SIDE, 1]),
    ];
    return tf.stack([down, across, tf.sub(1, down)], 2) as tf.Tensor3D;
  });
  const plain = await invert(model, smooth, 'c2');
  assert.equal([plain.lambda, plain.settings.parametrization, plain.trace.length], [0.05, 'fourier', 101]);
  disposeAll([plain.image, plain.best]);
  // a random network of this size needs more of the small steps than a trained one
  for (const layer of ['c1', 'c2']) {
    const result = await invert(model, smooth, layer, { steps: 400 });
    assert.ok(result.error.ofCode < 0.3 * -result.trace[0], `${layer}：${-result.trace[0]} → ${result.error.ofCode}`);
    disposeAll([result.image, result.best]);
  }
  smooth.dispose();
  model.dispose();
});

longTest(test, '论文的设置（动量、强噪声、逐层的 λ）在每一层也使误差下降', async () => {
  const [model, image] = [network(), picture()];
  for (const layer of ['c1', 'relu1', 'c2', 'relu2', 'scores']) {
    const result = await invert(model, image, layer, mahendranPreset(model, layer, { steps: 200 }));
    assert.ok(result.error.ofCode < 0.7 * -result.trace[0], `${layer}：${-result.trace[0]} → ${result.error.ofCode}`);
    assert.match(result.settings.step, /momentum/);
    disposeAll([result.image, result.best]);
  }
  image.dispose();
  model.dispose();
});

test('λ 越大误差越大，图越平滑', async () => {
  const [model, image] = [network(), picture()];
  const variation = totalVariation(1);
  const mean = tf.zeros([3]) as tf.Tensor1D;
  const runs: { error: number; tv: number }[] = [];
  for (const lambda of [1, 100]) {
    const { best, image: last, error } = await invert(model, image, 'c1', { steps: 60, lambda });
    runs.push({ error: error.ofCode, tv: tf.tidy(() => variation(best, { mean }).dataSync()[0]) });
    tf.dispose([best, last]);
  }
  assert.ok(runs[1].error > runs[0].error && runs[1].tv < runs[0].tv, JSON.stringify(runs));
  tf.dispose([image, mean]);
  model.dispose();
});

test('两种归一化：同一个距离，除以不同的分母', async () => {
  const [model, image] = [network(), picture()];
  const code = model.activations(image, 'c2');
  const norm = tf.tidy(() => tf.sum(tf.square(code)).dataSync()[0]);
  const result = await invert(model, image, 'c2', { steps: 5, pairwise: norm * 4 });
  assert.ok(Math.abs(result.error.ofPairs! * 4 - result.error.ofCode) < 1e-5);
  disposeAll([image, code, result.image, result.best]);
  model.dispose();
});

test('codeDistance：没有选择时就是 featureDistance；通道与区域只算选中的部分', () => {
  const [model, image, other] = [network(), picture(3), picture(4)];
  const code = model.activations(image, 'c1') as tf.Tensor3D;
  const moved = model.activations(other, 'c1') as tf.Tensor3D;
  const whole = valueOf(model, codeDistance('c1', code)(model), other);
  assert.ok(Math.abs(whole - valueOf(model, featureDistance('c1', code)(model), other)) < 1e-5);
  const [a, b] = [code.arraySync(), moved.arraySync()];
  const byHand = (rows: number[], cols: number[], channels: number[]) => {
    let [up, down] = [0, 0];
    for (const r of rows) for (const c of cols) for (const k of channels) {
      up += (b[r][c][k] - a[r][c][k]) ** 2;
      down += a[r][c][k] ** 2;
    } // prettier-ignore
    return up / down;
  };
  const all = Array.from({ length: 10 }, (_, i) => i);
  const part = valueOf(model, codeDistance('c1', code, { channels: [1, 4], region: [2, 3, 5, 4] })(model), other);
  assert.ok(Math.abs(part - byHand([2, 3, 4, 5, 6], [3, 4, 5, 6], [1, 4])) < 1e-4 * part);
  const group = valueOf(model, codeDistance('c1', code, { channels: [0, 5] })(model), other);
  assert.ok(Math.abs(group - byHand(all, all, [0, 5])) < 1e-4 * group);
  tf.dispose([image, other, code, moved]);
  model.dispose();
});

test('只反演中央的一块编码：块外的像素不受影响（除了正则项）', async () => {
  const [model, image] = [network(), picture()];
  const result = await invert(model, image, 'c1', { steps: 20, parametrization: pixels(), step: normalized(0.01), region: [4, 4, 2, 2], start: 'mean', lambda: 1e-6 }); // prettier-ignore
  // c1 at rows 4, 5 sees the input rows 4 … 7; from the mean the regulariser does nothing outside.
  const changed = tf.tidy(() => tf.greater(tf.abs(tf.max(tf.sub(result.best, tf.tensor1d([...model.mean])), 2)), 1e-3).arraySync()) as number[][]; // prettier-ignore
  const rows = changed.map((row, i) => (row.some(Boolean) ? i : -1)).filter((i) => i >= 0);
  assert.ok(rows.length > 0 && Math.min(...rows) >= 3 && Math.max(...rows) <= 8, `变了的行 ${rows}`);
  disposeAll([image, result.image, result.best]);
  model.dispose();
});

test('Mahendran & Vedaldi 的设置：逐层的 λ 与单位', () => {
  const alexnet = { id: 'alexnet', inputSize: [227, 227], layers: [], layerName: (n: string) => n } as never;
  const lambdas = 'conv1 relu1 pool1 norm1 conv2 relu2 pool2 norm2 conv3 relu3 conv4 relu4 conv5 relu5 pool5 fc6 relu6 fc7 relu7 fc8'
    .split(' ')
    .map((layer) => paperLambda(alexnet, layer)); // prettier-ignore
  assert.equal(lambdas, [...Array(6).fill(1), ...Array(6).fill(10), ...Array(8).fill(100)]);
  const preset = mahendranPreset(alexnet, 'conv3');
  // The typical norm of a photo, 27000 in 0 … 255: an image of that norm costs λ/2 · TV/σ² and 2.16e8 · Σ(x/σ)⁶.
  const sigma = 27000 / 255;
  assert.ok(Math.abs(variationWeight(alexnet, preset.lambda) / (10 / 2 / sigma ** 2) - 1) < 0.03, `${preset.lambda}`);
  assert.ok(Math.abs(preset.alpha / (2.16e8 / sigma ** 6) - 1) < 0.1, `${preset.alpha}`);
  const image = tf.tensor3d([0.5, 0.5, 0.5], [1, 1, 3]);
  const mean = tf.tensor1d([0.2, 0.2, 0.2]);
  const cost = tf.tidy(() => alphaNorm(preset.alpha)(image, { mean }).dataSync()[0]);
  assert.ok(Math.abs(cost / (3 * preset.alpha * 0.3 ** 6) - 1) < 1e-4);
  const rates = [0, 99, 100, 299, 300].map((step) => tf.tidy(() => preset.step(tf.tensor1d([1]), { step, memory: [] }).update.dataSync()[0])); // prettier-ignore
  const first = 0.004 * (0.27 * Math.sqrt(227 * 227 * 3)) ** 2;
  [1, 1, 0.1, 0.1, 0.01].forEach((f, i) => assert.ok(Math.abs(rates[i] / (first * f) - 1) < 1e-4, `${i}: ${rates[i]}`));
  tf.dispose([image, mean]);
});

test('续跑与一次跑完相同；同一个种子相同，另一个种子不同', async () => {
  const [model, image] = [network(), picture()];
  const whole = await invert(model, image, 'c2', {
    parametrization: pixels(),
    steps: 8,
    lambda: 10,
    step: plain(5),
    seed: 2,
  });
  const half = await invert(model, image, 'c2', {
    parametrization: pixels(),
    steps: 3,
    lambda: 10,
    step: plain(5),
    seed: 2,
  });
  const resumed = await invert(model, image, 'c2', {
    parametrization: pixels(),
    steps: 5,
    lambda: 10,
    step: plain(5),
    seed: 2,
    resume: half,
  });
  assert.equal(resumed.trace, whole.trace);
  assert.equal(Array.from(resumed.best.dataSync()), Array.from(whole.best.dataSync()));
  const other = await invert(model, image, 'c2', {
    parametrization: pixels(),
    steps: 3,
    lambda: 10,
    step: plain(5),
    seed: 9,
  });
  assert.not.equal(other.trace, half.trace);
  for (const r of [whole, half, resumed, other]) tf.dispose([r.image, r.best]);
  image.dispose();
  model.dispose();
});

test('停止信号、泄漏', async () => {
  const [model, image, controller] = [network(), picture(), new AbortController()];
  const stopped = await invert(model, image, 'c1', {
    signal: controller.signal,
    onStep: ({ step }) => void (step === 4 && controller.abort()),
  });
  assert.is(stopped.stopped, 'aborted');
  assert.is(stopped.trace.length, 5);
  const photos = coursePhotos({ category: 'mammal' }).slice(0, 3);
  const early = new AbortController();
  const some = await pairwiseDistances(model, photos, ['c1'], {
    signal: early.signal,
    onStep: ({ done }) => void (done === 2 && early.abort()),
  });
  assert.equal([some.stopped, some.photos], ['aborted', 2]);
  for (let round = 0; round < 2; round++) {
    await leakFree(() => invert(model, image, 'relu2', { steps: 3, channels: [0, 1], pairwise: 1 }));
    await leakFree(() => failure(() => invert(model, image, 'c1', { onStep: () => { throw new Error('停'); } }))); // prettier-ignore
    await leakFree(() => failure(() => invert(model, image, 'c1', { channels: [6] })));
    await leakFree(() => survival(image, stopped.best));
    await leakFree(() => pairwiseDistances(model, photos, ['c1', 'scores']));
    await leakFree(() => photoErrors(model, image, photos, ['c1']));
    await leakFree(() => codeError(model, image, stopped.best, 'c2'));
  }
  disposeAll([stopped.image, stopped.best, image]);
  model.dispose();
});

test('照片之间的平均距离等于逐对计算；最近的照片找得对', async () => {
  const model = network();
  const photos = coursePhotos({ category: 'bird' }).slice(0, 4);
  const images: tf.Tensor3D[] = [];
  for (const p of photos) images.push(await loadImage(p.path, { size: SIDE, crop: p.crop }));
  const codes = images.map((x) => tf.tidy(() => model.activations(x, 'c2').dataSync()));
  const squared = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).reduce((s, v, i) => s + (v - b[i]) ** 2, 0); // prettier-ignore
  let [sum, pairs] = [0, 0];
  codes.forEach((a, i) => codes.slice(i + 1).forEach((b) => ([sum, pairs] = [sum + squared(a, b), pairs + 1])));
  const found = await pairwiseDistances(model, photos, ['c2', 'c1']);
  assert.is(found.photos, 4);
  assert.ok(Math.abs(found.squared.c2 / (sum / pairs) - 1) < 1e-3, `${found.squared.c2} 与 ${sum / pairs}`);
  const errors = await photoErrors(model, images[0], photos.slice(1), ['c2']);
  const byHand = codes.slice(1).map((c) => squared(c, codes[0]) / squared(codes[0], Array(codes[0].length).fill(0)));
  assert.ok(Math.abs(errors.c2.nearest.error - Math.min(...byHand)) < 1e-4);
  assert.is(errors.c2.nearest.photo.file, photos[1 + byHand.indexOf(Math.min(...byHand))].file);
  tf.dispose(images);
  model.dispose();
});

test('cellCorrelation：按格子平均之后的相关，与手算相同；格子以下的细节不计', async () => {
  const side = 12;
  const values = random(9, side * side * 3);
  const image = tf.tensor3d(values, [side, side, 3]);
  // Within each 4 × 4 cell the pixels are turned round: every cell's mean stays.
  const shuffled = tf.tidy(() => {
    const cells = tf.reshape(image, [3, 4, 3, 4, 3]);
    return tf.reshape(tf.reverse(cells, [1, 3]), [side, side, 3]) as tf.Tensor3D;
  });
  assert.ok(Math.abs((await cellCorrelation(shuffled, image, { cell: 4 })) - 1) < 1e-5);
  assert.ok((await cellCorrelation(shuffled, image, { cell: 1 })) < 0.5);
  const negative = tf.tidy(() => tf.sub(1, image) as tf.Tensor3D);
  assert.ok(Math.abs((await cellCorrelation(negative, image, { cell: 4 })) + 1) < 1e-5);
  await leakFree(() => cellCorrelation(image, shuffled, { cell: 4 }));
  assert.match((await failure(() => cellCorrelation(image, shuffled))).message, /两格/);
  tf.dispose([image, shuffled, negative]);
});

test('还留着什么：原图全是 1，打乱位置布局就没了，去掉颜色颜色就没了', async () => {
  const side = 48;
  const image = tf.tidy(() => {
    const [y, x] = [tf.linspace(0, 1, side).reshape([side, 1]), tf.linspace(0, 1, side).reshape([1, side])];
    const red = tf.mul(tf.add(tf.sin(tf.mul(y, 6)), tf.mul(x, 1)), 0.4);
    const plane = (z: tf.Tensor) => tf.add(z, tf.zeros([side, side]));
    return tf.clipByValue(tf.stack([plane(red), plane(tf.mul(y, 0.7)), plane(tf.sub(0.9, x))], 2), 0, 1) as tf.Tensor3D;
  });
  const same = await survival(image, image);
  for (const v of Object.values(same)) assert.ok(Math.abs(v - 1) < 1e-4, JSON.stringify(same));
  const grey = tf.tidy(() => tf.tile(tf.mean(image, 2, true), [1, 1, 3]) as tf.Tensor3D);
  const colourless = await survival(grey, image);
  assert.ok(colourless.colour < 0.2 && colourless.layout > 0.99, JSON.stringify(colourless));
  const mirrored = tf.reverse(image, [0, 1]) as tf.Tensor3D;
  assert.ok((await survival(mirrored, image)).layout < 0.5);
  tf.dispose([image, grey, mirrored]);
});

test('参数不对的错误', async () => {
  const [model, image] = [network(), picture()];
  const black = tf.zeros([SIDE, SIDE, 3]) as tf.Tensor3D;
  const half = await invert(model, image, 'c1', { steps: 1 });
  const expectations: [() => unknown, RegExp][] = [
    [() => invert(model, image, 'conv9'), /没有名为"conv9"的层/],
    [() => invert(model, image, 'c1', { steps: 0 }), /steps 应为正整数/],
    [() => invert(model, image, 'c1', { channels: [6] }), /通道应为 0 到 5 的整数，得到 6/],
    [() => invert(model, image, 'c1', { channels: [] }), /至少要有一个通道/],
    [() => invert(model, image, 'c1', { region: [0, 0, 11, 1] }), /region 应为 10×10 的特征图之内/],
    [() => invert(model, image, 'scores', { region: [0, 0, 1, 1] }), /没有位置/],
    [() => invert(model, image, 'c1', { lambda: -1 }), /lambda/],
    [() => invert(model, image, 'c1', { pairwise: 0 }), /pairwise 应为正数/],
    [() => invert(model, image, 'c2', { resume: half }), /resume 的结果是 c1 层/],
    [() => invert(model, black, 'c1'), /全为零.*请换/],
    [() => pairwiseDistances(model, [], ['c1']), /至少要 2 张照片/],
    [() => photoErrors(model, image, [], ['c1']), /至少要有一张/],
  ];
  for (const [run, message] of expectations) assert.match((await failure(run)).message, message);
  tf.dispose([image, black, half.image, half.best]);
  model.dispose();
});

test.run();
