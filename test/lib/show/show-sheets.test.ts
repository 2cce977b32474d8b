import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { loadImage, toPixels } from '../../../lib/image/image';
import type { OcclusionStep } from '../../../lib/04-occlusion/occlusion';
import { type DisplayBundle, liveMap, setSink, showSheets } from '../../../lib/show/index';
import { failure, leakFree } from '../../helpers';

let sent: DisplayBundle[] = [];

test.before(async () => void (await startBackend('cpu')));
test.before.each(() => {
  sent = [];
  setSink((bundle) => sent.push(bundle));
});
test.after(() => void setSink(undefined));

async function picture(bundle: DisplayBundle) {
  const image = await loadImage(Buffer.from(bundle.data['image/png'] as string, 'base64'));
  const { data, width, height } = await toPixels(image);
  image.dispose();
  return {
    width,
    height,
    at: (x: number, y: number) => Array.from(data.slice(3 * (y * width + x), 3 * (y * width + x) + 3)),
  };
}

const flat = (colour: number[]) => tf.tidy(() => tf.tensor1d(colour).mul(tf.ones([96, 96, 3])) as tf.Tensor3D);

test('showSheets: three by three, sheet after sheet, row after row', async () => {
  // Sheet k holds nine pictures whose red says which: (9 k + i) / 36.
  const images = Array.from({ length: 36 }, (_, n) => flat([n / 36, 0, 1]));
  const sheets = [0, 1, 2, 3].map((k) => ({ title: `#${k}`, images: images.slice(9 * k, 9 * k + 9) }));
  await leakFree(() => showSheets(sheets, { title: '四张', across: 3 }));
  const seen = await picture(sent[0]);
  assert.match(String(sent[0].data['text/plain']), /四张，4 张小样，#0、#1、#2、#3/);
  // Walking down a column of pixels, the distinct blue pictures come in order.
  const reds = (x: number) => {
    const found: number[] = [];
    for (let y = 0; y < seen.height; y++) {
      const [r, g, b] = seen.at(x, y);
      if (g === 0 && b === 255 && found[found.length - 1] !== r) found.push(r);
    }
    return found.map((r) => Math.round((r / 255) * 36));
  };
  assert.equal(reds(40), [0, 3, 6, 27, 30, 33], '左边一列：第 0 张，下一行是第 3 张');
  const second = Math.round((seen.width - 32) / 3) + 16 + 40;
  assert.equal(reds(second), [9, 12, 15]);
  tf.dispose(images);
});

test('showSheets: wrong arguments', async () => {
  assert.match((await failure(() => showSheets([]))).message, /sheets 是空的/);
  const image = flat([0, 0, 0]);
  assert.match((await failure(() => showSheets([{ images: [image] }], { across: 0 }))).message, /across.*0/);
  assert.match((await failure(() => showSheets([{ images: [] }]))).message, /空/);
  image.dispose();
});

test('liveMap: the coarse map first, then in place; the last one always, without a time', async () => {
  const image = flat([0.5, 0.5, 0.5]);
  const map = tf.tidy(() => tf.linspace(-1, 1, 96 * 96).reshape<tf.Tensor2D>([96, 96]));
  const draw = liveMap(image, '下降');
  const step = (done: number, stage: number): OcclusionStep => ({
    ...{ done, total: 100, stage, stages: 2, secondsLeft: 100 - done, map },
  });
  await leakFree(async () => {
    for (const [done, stage] of [[9, 1], [20, 2], [21, 2], [22, 2], [100, 2]]) await draw(step(done, stage)); // prettier-ignore
  });
  const texts = sent.map((bundle) => String(bundle.data['text/plain']));
  assert.match(texts[0], /第 1 遍，共 2 遍：9 \/ 100，还需约 2 分钟/);
  assert.match(texts[1], /第 2 遍，共 2 遍：20 \/ 100/);
  assert.is(texts[texts.length - 1], '[图] 下降　第 2 遍，共 2 遍：100 / 100');
  assert.ok(sent.length < 5, '画图不该占去大半时间');
  assert.equal([...new Set(sent.map((bundle) => bundle.id))].length, 1);
  assert.equal(
    sent.map((bundle) => bundle.update),
    sent.map((_, i) => i > 0),
  );
  assert.equal(
    sent.map(({ data }) => 'image/png' in data),
    sent.map((_, i) => i === sent.length - 1),
    '经过的一幅用画得快的格式',
  );
  const seen = await picture(sent[sent.length - 1]);
  const [above, below] = [seen.at(200, 60), seen.at(200, 400)];
  assert.ok(above[2] > above[0] && below[0] > below[2], `负的是蓝，正的是橙：${above}，${below}`);
  tf.dispose([image, map]);
});

test.run();
