import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { loadImage, toPixels, type Pixels } from '../../../lib/image/image';
import * as show from '../../../lib/show/index';
import { CLAIM_MIME } from '../../../lib/show/claim';
import type { DisplayBundle } from '../../../lib/show/index';
import { failure, leakFree } from '../../helpers';

let sent: DisplayBundle[] = [];

test.before(async () => {
  await startBackend('cpu');
});
test.before.each(() => {
  sent = [];
  show.setSink((bundle) => sent.push(bundle));
});
test.after(() => void show.setSink(undefined));

/** The picture of an output, decoded. */
async function picture(bundle = sent[0]): Promise<Pixels & { at(x: number, y: number): number[] }> {
  const base64 = (bundle.data['image/png'] ?? bundle.data['image/jpeg']) as string;
  const image = await loadImage(Buffer.from(base64, 'base64'));
  const pixels = await toPixels(image);
  image.dispose();
  return {
    ...pixels,
    at: (x, y) => Array.from(pixels.data.slice(3 * (y * pixels.width + x), 3 * (y * pixels.width + x) + 3)),
  };
}

const metadata = (bundle = sent[0]) => bundle.metadata['image/png'] as { width: number; height: number; alt: string };

test('showImage: small pictures are enlarged without blur, alt text and size go along', async () => {
  const image = tf.tensor3d([1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1], [2, 2, 3]);
  await leakFree(() => show.showImage(image, { width: 320, alt: '四个像素 <b>' }));
  const seen = await picture();
  assert.equal([seen.width, seen.height], [320, 320]);
  assert.equal(seen.at(159, 159), [255, 0, 0]);
  assert.equal(seen.at(160, 159), [0, 255, 0]);
  assert.equal(seen.at(160, 160), [255, 255, 255]);
  assert.equal(metadata(), { width: 320, height: 320, alt: '四个像素 <b>' });
  assert.is(sent[0].data['text/plain'], '[图] 四个像素 <b>');
  image.dispose();
});

test('showImage: scales', async () => {
  const map = tf.tensor2d([-1, 0, 1, 0.5], [1, 4]);
  await show.showImage(map, { scale: 'signed', width: 320 });
  await show.showImage(map, { scale: 'minmax', width: 320 });
  await show.showImage(map, { width: 320 });
  const grey = async (i: number) => {
    const seen = await picture(sent[i]);
    return [0, 1, 2, 3].map((k) => seen.at(40 + 80 * k, 20)[0]);
  };
  assert.equal(await grey(0), [0, 128, 255, 191]);
  assert.equal(await grey(1), [0, 128, 255, 191]);
  assert.equal(await grey(2), [0, 0, 255, 128]);
  assert.ok((await picture(sent[2])).height > 80, '超出 [0, 1] 时写明被截断');
  map.dispose();
});

test('showImage refuses what is no image', async () => {
  for (const shape of [[1, 4, 4, 3], [4, 4, 5], [3]]) {
    const wrong = tf.zeros(shape);
    const error = await failure(() => show.showImage(wrong as tf.Tensor3D));
    assert.instance(error, RangeError);
    assert.match(error.message, new RegExp(shape.join(', ')));
    wrong.dispose();
  }
  assert.match((await failure(() => show.showImage('没有.png'))).message, /找不到/);
});

test('showGrid: order, scales, columns, wide enough for a projector', async () => {
  const tiles = tf.tidy(() => tf.stack([0, 0.25, 0.5, 1].map((v) => tf.fill([3, 3, 3], v))) as tf.Tensor4D);
  await leakFree(() => show.showGrid(tiles, { columns: 2, tile: 99, captions: ['甲', '乙', '丙', '丁'] }));
  const seen = await picture();
  assert.equal(
    [60, 170].map((x) => seen.at(x, 60)[0]),
    [0, 64],
  );
  assert.equal(
    [60, 170].map((x) => seen.at(x, 210)[0]),
    [128, 255],
  );
  await show.showGrid(tiles, { scale: 'shared' });
  await show.showGrid(tf.randomUniform([96, 11, 11, 3]) as tf.Tensor4D, { title: '滤波器' });
  await show.showGrid(tf.randomNormal([30, 3, 3, 1]) as tf.Tensor4D, { scale: 'signed-shared' });
  for (const bundle of sent.slice(2)) assert.ok(metadata(bundle).width >= 900 && metadata(bundle).width < 1100);
  assert.match(metadata(sent[2]).alt, /滤波器，96 幅图像/);
  tiles.dispose();
});

test('showGrid: each, shared and signed scales', async () => {
  const tiles = [tf.tensor2d([0, 1], [1, 2]), tf.tensor2d([0, 4], [1, 2]), tf.tensor2d([-2, 2], [1, 2])];
  const right = async (scale: show.GridScale) => {
    sent = [];
    await show.showGrid(tiles, { scale, columns: 3, tile: 100 });
    const seen = await picture();
    return [0, 1, 2].map((k) => seen.at(12 + 75 + k * (100 + 6), 12 + 25)[0]);
  };
  assert.equal(await right('each'), [255, 255, 255]);
  assert.equal(await right('shared'), [128, 255, 170]);
  assert.equal(await right('signed'), [255, 255, 255]);
  assert.equal(await right('signed-shared'), [159, 255, 191]);
  assert.match((await failure(() => show.showGrid(tiles, { scale: 'own' as never }))).message, /own.*shared/);
  assert.match((await failure(() => show.showGrid([]))).message, /空/);
  assert.match((await failure(() => show.showGrid(tf.zeros([2, 2, 3]) as never))).message, /showImage/);
  tf.dispose(tiles);
});

test('showGrid takes paths, and gives back what it loaded, also when one is missing', async () => {
  await leakFree(() => show.showGrid(['mammal/panda.jpg', 'mammal/horse.jpg'], { captions: ['<熊猫>', '马'] }));
  assert.match(String(sent[0].data['text/plain']), /<熊猫>、马/);
  await leakFree(async () => {
    assert.match((await failure(() => show.showGrid(['mammal/panda.jpg', 'mammal/没有.jpg']))).message, /找不到/);
  });
});

test('showHeatmap: colours mean values, signed maps are symmetric around white', async () => {
  const map = tf.tensor2d([-1, 0, 0.5, 2], [2, 2]);
  await leakFree(() => show.showHeatmap(map, { title: '图 <1>', unit: '权值' }));
  const seen = await picture();
  const corner = (x: number, y: number) => seen.at(16 + x, 38 + y);
  const [negative, zero, , top] = [corner(100, 100), corner(300, 100), corner(100, 300), corner(300, 300)];
  assert.ok(
    zero.every((v) => v > 240),
    `0 是白色：${zero}`,
  );
  assert.ok(negative[2] > negative[0] + 30, `负的是蓝色：${negative}`);
  assert.ok(top[0] > top[2] + 100, `正的是橙色：${top}`);
  const live = sent[0].data['application/vnd.plotly.v1+json'] as {
    data: { z: { dtype: string; bdata: string; shape: string }; zmin: number; zmax: number }[];
  };
  const { dtype, bdata, shape } = live.data[0].z;
  assert.equal([dtype, shape], ['f4', '2, 2']);
  const bytes = new Uint8Array(Buffer.from(bdata, 'base64'));
  assert.equal(Array.from(new Float32Array(bytes.buffer)), [-1, 0, 0.5, 2]);
  assert.equal([live.data[0].zmin, live.data[0].zmax], [-2, 2]);
  assert.not.match(JSON.stringify(live), /<1>/);
  map.dispose();
});

test('showHeatmap: the live form stays small, stores no picture twice, says when a map is flat', async () => {
  const image = await loadImage('mammal/panda.jpg', { size: 227 });
  const map = tf.tidy(
    () =>
      tf
        .range(0, 227 * 227)
        .div(227 * 227 - 1)
        .reshape([227, 227]) as tf.Tensor2D,
  );
  await leakFree(() => show.showHeatmap(map, { image }));
  assert.ok(JSON.stringify(sent[0].data['application/vnd.plotly.v1+json']).length < 130_000);
  const png = sent[0].data['image/png'] as string;
  assert.ok(png.length < 250_000, `${png.length}`);
  assert.not.ok('text/html' in sent[0].data);
  const flat = tf.zeros<tf.Rank.R2>([4, 4]);
  await show.showHeatmaps(
    [
      { map, title: '甲' },
      { map: flat, title: '乙' },
    ],
    { sharedScale: true, image },
  );
  assert.match(metadata(sent[1]).alt, /甲（最小 0，最大 1）；乙（处处相同：0）/);
  const limits = (sent[1].data['application/vnd.plotly.v1+json'] as { data: { zmax: number }[] }).data.map(
    (t) => t.zmax,
  );
  // a map and its bar each
  assert.equal(limits, [1, 1, 1, 1]);
  tf.dispose([image, map, flat]);
});

test('showHeatmap over a picture: the colours on the middle grey are those of the bar', async () => {
  const image = tf.fill([100, 200, 3], 0.5) as tf.Tensor3D;
  for (const values of [
    [0, 1],
    [-1, 1],
  ]) {
    sent = [];
    const map = tf.tensor2d(values, [1, 2]);
    await show.showHeatmap(map, { image, opacity: 0.5 });
    const seen = await picture();
    const near = (a: number[], b: number[]) =>
      assert.ok(
        a.every((v, i) => Math.abs(v - b[i]) <= 8),
        `${a} and ${b}`,
      );
    near(seen.at(100, 130), seen.at(438, 236));
    near(seen.at(300, 130), seen.at(438, 39));
    const [low, high] = [seen.at(438, 236), seen.at(438, 39)];
    assert.ok(low.some((v, i) => Math.abs(v - high[i]) > 50), `${low} and ${high}`); // prettier-ignore
    map.dispose();
  }
  image.dispose();
});

test('showHeatmap: NaN and wrong arguments', async () => {
  const broken = tf.tensor2d([NaN, NaN], [1, 2]);
  await show.showHeatmap(broken);
  assert.match(metadata().alt, /NaN/);
  const wrong = tf.zeros([2, 2, 3]);
  assert.match((await failure(() => show.showHeatmap(wrong as never))).message, /\[2, 2, 3\].*showImage/);
  assert.match((await failure(() => show.showHeatmap(broken, { opacity: 2 }))).message, /opacity/);
  assert.match((await failure(() => show.showHeatmaps([]))).message, /空/);
  tf.dispose([broken, wrong]);
});

test('showTable: cells are escaped, numbers readable', () => {
  show.showTable(
    [
      { 层: '<script>alert(1)</script>', 值: 0.123456 },
      { 层: 'conv1 & "x"', 值: -1e-9, 新: true },
    ],
    { caption: '表 <1>' },
  );
  const html = String(sent[0].data['text/html']);
  assert.not.match(html, /<script>|& "x"|表 <1>/);
  assert.match(html, /&#60;script&#62;/);
  assert.match(html, /0\.1235/);
  assert.match(String(sent[0].data['text/plain']), /−1e−9/);
  assert.match(String(sent[0].data['text/plain']), /层 +值 +新/);
});

test('progress: at most five updates a second, one output, a compact end', async () => {
  const bar = show.progress(1000, '计算 <b>');
  for (let i = 1; i <= 1000; i++) bar.step(i, '第 <i> 步');
  bar.done('最大 3.2');
  bar.done();
  bar.step();
  assert.is(sent.length, 2, '一开始一次，最后一次');
  assert.not.ok(sent[0].update);
  assert.ok(sent[1].update && sent[1].id === sent[0].id);
  assert.not.match(String(sent[0].data['text/html']), /<b>/);
  assert.equal(Object.keys(sent[1].data), ['text/plain']);
  assert.match(String(sent[1].data['text/plain']), /完成.*最大 3\.2/);
  const stopped = show.progress(10);
  stopped.step(4);
  stopped.done();
  assert.match(String(sent[3].data['text/plain']), /停在 4\/10/);
  assert.is(new Set(sent.map((b) => b.id)).size, 2);
  assert.throws(() => show.progress(0), /total/);
});

test('claim: the numbers for the runner, the verdict for the reader', () => {
  assert.is(show.claim('C8', { measured: { 梯度: 3.2, 随机: 0.1 }, control: 0.2, holds: false, note: '<i>' }), false);
  assert.equal(sent[0].data[CLAIM_MIME], {
    id: 'C8',
    measured: { 梯度: 3.2, 随机: 0.1 },
    control: 0.2,
    holds: false,
    tolerance: 0.05,
    note: '<i>',
  });
  assert.match(String(sent[0].data['text/html']), /不成立/);
  assert.not.match(String(sent[0].data['text/html']), /<i>/);
  assert.is(show.claim('C9', { measured: 1, control: 0, holds: true }), true);
  assert.throws(() => show.claim('C9', { measured: NaN, control: 0, holds: true }), /measured/);
  assert.throws(() => show.claim('', { measured: 1, control: 0, holds: true }), /编号/);
});

test('outside of the kernel nothing happens and nothing fails', async () => {
  show.setSink(undefined);
  const image = tf.zeros<tf.Rank.R3>([4, 4, 3]);
  await show.showImage(image);
  show.showTable([{ a: 1 }]);
  image.dispose();
});

test('colour maps: lightness rises evenly, no red against green', () => {
  const luma = ([r, g, b]: show.Rgb) => 0.2126 * r + 0.7152 * g + 0.0722 * b;
  const steps = Array.from({ length: 65 }, (_, i) => luma(show.colorAt('sequential', i / 64)));
  for (let i = 1; i < steps.length; i++) assert.ok(steps[i] > steps[i - 1], `第 ${i} 级`);
  const white = show.colorAt('diverging', 0.5);
  assert.ok(white.every((v) => v > 240));
  for (const t of [0.1, 0.3]) {
    const [low, high] = [show.colorAt('diverging', t), show.colorAt('diverging', 1 - t)];
    assert.ok(Math.abs(luma(low) - luma(high)) < 25, '两边一样强');
    assert.ok(low[2] > low[0] && high[0] > high[2]);
  }
  assert.equal(show.colorAt('sequential', NaN), [200, 200, 200]);
  assert.equal(show.colorAt('grey', 2), [255, 255, 255]);
  assert.equal(show.plotlyColorscale('grey', 2), [
    [0, 'rgb(0,0,0)'],
    [0.5, 'rgb(128,128,128)'],
    [1, 'rgb(255,255,255)'],
  ]);
});

test.run();
