import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tf } from '../../../lib/tf/backend';
import { loadImage } from '../../../lib/image/image';
import { colorAt, type Rgb } from '../../../lib/show/colormap';
import * as show from '../../../lib/show/index';
import { failure, leakFree } from '../../helpers';
import { listen, metadata, picture, sent } from './displays';

listen(test);

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

test('showHeatmaps: a big picture is stored with fewer levels of brightness, and not one is tinted', async () => {
  const image = tf.randomUniform<tf.Rank.R3>([224, 224, 1], 0, 1, 'float32', 1).tile([1, 1, 3]) as tf.Tensor3D;
  const map = tf.tidy(() => tf.fill([14, 14], 0.1).add(tf.oneHot(tf.tensor1d([0, 13], 'int32'), 196).sum(0).reshape([14, 14])) as tf.Tensor2D); // prettier-ignore
  await show.showHeatmaps([{ map }], { image, diverging: true });
  const seen = await picture();
  const levels = new Set<number>();
  const tints: number[] = [];
  for (let y = 150; y < 400; y++) {
    for (let x = 60; x < 400; x++) {
      const [red, green] = seen.at(x, y);
      levels.add(green);
      tints.push(red - green);
    }
  }
  assert.ok(levels.size > 8 && levels.size < 40, `${levels.size} 级亮度：没有减少，这个测试就什么也没有看`);
  const [least, most] = [tints.reduce((a, b) => Math.min(a, b)), tints.reduce((a, b) => Math.max(a, b))];
  assert.ok(most - least <= 2, `同一个数，红减绿从 ${least} 到 ${most}`);
  tf.dispose([image, map]);
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
    sent.length = 0;
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

test('colour maps: lightness rises evenly, no red against green', () => {
  const luma = ([r, g, b]: Rgb) => 0.2126 * r + 0.7152 * g + 0.0722 * b;
  const steps = Array.from({ length: 65 }, (_, i) => luma(colorAt('sequential', i / 64)));
  for (let i = 1; i < steps.length; i++) assert.ok(steps[i] > steps[i - 1], `第 ${i} 级`);
  const white = colorAt('diverging', 0.5);
  assert.ok(white.every((v) => v > 240));
  for (const t of [0.1, 0.3]) {
    const [low, high] = [colorAt('diverging', t), colorAt('diverging', 1 - t)];
    assert.ok(Math.abs(luma(low) - luma(high)) < 25, '两边一样强');
    assert.ok(low[2] > low[0] && high[0] > high[2]);
  }
  assert.equal(colorAt('sequential', NaN), [200, 200, 200]);
  assert.equal(colorAt('grey', 2), [255, 255, 255]);
  assert.equal(show.plotlyColorscale('grey', 2), [
    [0, 'rgb(0,0,0)'],
    [0.5, 'rgb(128,128,128)'],
    [1, 'rgb(255,255,255)'],
  ]);
});

test.run();
