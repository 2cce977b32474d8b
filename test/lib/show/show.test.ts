import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { shared } from '../../../lib/base/state';
import { tf } from '../../../lib/tf/backend';
import * as show from '../../../lib/show/index';
import { CLAIM_MIME } from '../../../lib/show/claim';
import { failure, leakFree } from '../../helpers';
import { listen, metadata, picture, sent } from './displays';

listen(test);

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
    sent.length = 0;
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

test('without a sink the kernel shows it; outside of the kernel, and of a terminal, nothing happens', () => {
  const previous = show.setSink(undefined);
  const kernel = shared<{ display?: show.Sink }>('kernel.display', () => ({}));
  const { log } = console;
  let said = 0;
  console.log = () => said++;
  const shown: show.DisplayBundle[] = [];
  try {
    show.showTable([{ a: 1 }]);
    assert.is(said, process.stdout.isTTY ? 1 : 0);
    kernel.display = (bundle) => shown.push(bundle);
    show.showTable([{ a: 1 }]);
    assert.equal([shown.length, Object.keys(shown[0].data)], [1, ['text/html', 'text/plain']]);
  } finally {
    console.log = log;
    kernel.display = undefined;
    show.setSink(previous);
  }
});

test.run();
