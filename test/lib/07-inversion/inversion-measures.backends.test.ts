import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { codeDistance, invert, mahendranPreset, paperLambda } from '../../../lib/07-inversion/inversion';
import { variationWeight } from '../../../lib/07-inversion/presets';
import { cellCorrelation, pairwiseDistances, survival } from '../../../lib/07-inversion/measures';
import { featureDistance } from '../../../lib/06-optimization/objectives';
import { coursePhotos } from '../../../lib/image/photos';
import { alphaNorm } from '../../../lib/06-optimization/penalties';
import { loadImage } from '../../../lib/image/image';
import { disposeAll, failure, leakFree } from '../../helpers';
import { SIDE, random, network, picture } from './small-network';

test.before(async () => {
  await startBackend();
});

const valueOf = (
  model: ReturnType<typeof network>,
  target: ReturnType<ReturnType<typeof codeDistance>>,
  x: tf.Tensor3D,
) =>
  tf.tidy(() => {
    const [out] = model.forward(tf.expandDims(x, 0) as tf.Tensor4D, target.layers);
    return target.value(() => out).dataSync()[0];
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
    for (const r of rows)
      for (const c of cols)
        for (const k of channels) {
          up += (b[r][c][k] - a[r][c][k]) ** 2;
          down += a[r][c][k] ** 2;
        }
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

test('Mahendran & Vedaldi 的设置：逐层的 λ 与单位', () => {
  const alexnet = { id: 'alexnet', inputSize: [227, 227], layers: [], layerName: (n: string) => n } as never;
  const lambdas =
    'conv1 relu1 pool1 norm1 conv2 relu2 pool2 norm2 conv3 relu3 conv4 relu4 conv5 relu5 pool5 fc6 relu6 fc7 relu7 fc8'
      .split(' ')
      .map((layer) => paperLambda(alexnet, layer));
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
  const rates = [0, 99, 100, 299, 300].map((step) =>
    tf.tidy(() => preset.step(tf.tensor1d([1]), { step, memory: [] }).update.dataSync()[0]),
  );
  const first = 0.004 * (0.27 * Math.sqrt(227 * 227 * 3)) ** 2;
  [1, 1, 0.1, 0.1, 0.01].forEach((f, i) => assert.ok(Math.abs(rates[i] / (first * f) - 1) < 1e-4, `${i}: ${rates[i]}`));
  tf.dispose([image, mean]);
});

test('照片之间的平均距离等于逐对计算', async () => {
  const model = network();
  const photos = coursePhotos({ category: 'bird' }).slice(0, 4);
  const images: tf.Tensor3D[] = [];
  for (const p of photos) images.push(await loadImage(p.path, { size: SIDE, crop: p.crop }));
  const codes = images.map((x) => tf.tidy(() => model.activations(x, 'c2').dataSync()));
  const squared = (a: ArrayLike<number>, b: ArrayLike<number>) =>
    Array.from(a).reduce((s, v, i) => s + (v - b[i]) ** 2, 0);
  let [sum, pairs] = [0, 0];
  codes.forEach((a, i) => codes.slice(i + 1).forEach((b) => ([sum, pairs] = [sum + squared(a, b), pairs + 1])));
  const found = await pairwiseDistances(model, photos, ['c2', 'c1']);
  assert.is(found.photos, 4);
  assert.ok(Math.abs(found.squared.c2 / (sum / pairs) - 1) < 1e-3, `${found.squared.c2} 与 ${sum / pairs}`);
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

test.run();
