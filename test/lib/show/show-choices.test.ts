import { createCanvas, loadImage } from 'canvas';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tf } from '../../../lib/tf/backend';
import { showChoices } from '../../../lib/show/index';
import { displayed, disposeAll, failure } from '../../helpers';

const PLOTLY = 'application/vnd.plotly.v1+json';

interface Live {
  data: { visible: boolean; zmin: number; zmax: number }[];
  layout: {
    width: number;
    height: number;
    images?: { source: string; x: number; y: number; sizex: number; sizey: number }[];
    annotations: { text: string }[];
    margin: Record<string, unknown>;
    sliders?: { active: number; currentvalue: { prefix: string }; steps: LiveStep[] }[];
    updatemenus?: { active: number; buttons: LiveStep[] }[];
  };
}

interface LiveStep {
  label: string;
  method: string;
  args: Record<string, unknown>[];
}

const solid = (r: number, g: number, b: number, size = 80) =>
  tf.tidy(() => tf.ones([size, size, 3]).mul(tf.tensor1d([r, g, b])) as tf.Tensor3D);

async function shown(draw: () => Promise<void>) {
  const { data, metadata } = await displayed(draw);
  return { data, live: data[PLOTLY] as Live, alt: (metadata['image/png'] as { alt: string }).alt };
}

/** How many pixels of an encoded picture match. */
async function count(source: string, match: (r: number, g: number, b: number) => boolean) {
  const picture = await loadImage(source.startsWith('data:') ? source : Buffer.from(source, 'base64'));
  const canvas = createCanvas(picture.width, picture.height);
  canvas.getContext('2d').drawImage(picture, 0, 0);
  const { data } = canvas.getContext('2d').getImageData(0, 0, picture.width, picture.height);
  let n = 0;
  for (let i = 0; i < data.length; i += 4) if (match(data[i], data[i + 1], data[i + 2])) n++;
  return { n, share: n / (picture.width * picture.height) };
}

const isRed = (r: number, g: number, b: number) => r > 200 && g < 60 && b < 60;
const isGreen = (r: number, g: number, b: number) => g > 200 && r < 60 && b < 60;
const isBlue = (r: number, g: number, b: number) => b > 200 && r < 60 && g < 60;

test('a slider of pictures: every step carries its own picture, the static twin all of them', async () => {
  const images = [solid(1, 0, 0), solid(0, 1, 0), solid(0, 0, 1)];
  const before = tf.memory().numTensors;
  const choices = images.map((image, i) => ({ label: `${10 ** i}`, images: [image], caption: `第 ${i} 幅` }));
  const { data, live, alt } = await shown(() => showChoices(choices, { name: 'λ', title: '三种颜色', active: 1 }));
  assert.is(tf.memory().numTensors, before);
  assert.equal(Object.keys(data).sort(), [PLOTLY, 'image/png', 'text/plain']);
  const [{ active, currentvalue, steps }] = live.layout.sliders!;
  assert.equal([active, currentvalue.prefix], [1, 'λ：']);
  assert.equal(
    steps.map(({ label, method }) => `${label} ${method}`),
    ['1 relayout', '10 relayout', '100 relayout'],
  );
  for (const [i, isColour] of [isRed, isGreen, isBlue].entries()) {
    const { images: own, annotations } = steps[i].args[0] as unknown as Live['layout'];
    assert.is(own!.length, 1);
    assert.is((await count(own![0].source, isColour)).share, 1, `step ${i} shows another picture`);
    assert.match(annotations.map(({ text }) => text).join(), `第 ${i} 幅`);
    assert.ok((await count(String(data['image/png']), isColour)).n > 5000, `the twin lacks picture ${i}`);
  }
  assert.equal(live.layout.images, (steps[1].args[0] as unknown as Live['layout']).images);
  assert.match(alt, /三种颜色，λ：1（第 0 幅）、10（第 1 幅）、100（第 2 幅）/);
  tf.dispose(images);
});

test('six values of two pictures: in the twin no panel is narrower than 180 pixels, each value has its caption', async () => {
  const pair = [solid(1, 0, 0), solid(0, 1, 0)];
  const choices = Array.from({ length: 6 }, (_, i) => ({ label: `${i}`, images: pair, caption: '两幅' }));
  const { data, alt } = await shown(() => showChoices(choices, { panelTitles: ['红', '绿'] }));
  for (const isColour of [isRed, isGreen]) {
    assert.ok((await count(String(data['image/png']), isColour)).n >= 6 * 180 ** 2);
  }
  const { width } = await loadImage(Buffer.from(String(data['image/png']), 'base64'));
  assert.ok(width <= 1000, `${width}`);
  assert.match(alt, '5（两幅）');
  disposeAll(pair);
});

test('with many values the twin can be the active one alone; the live form still has all', async () => {
  const images = [solid(1, 0, 0), solid(0, 1, 0), solid(0, 0, 1)];
  const choices = images.map((image, i) => ({ label: `${i}`, images: [image] }));
  const { data, live } = await shown(() => showChoices(choices, { control: 'menu', active: 2, preview: 'active' }));
  tf.dispose(images);
  assert.is(live.layout.updatemenus![0].buttons.length, 3);
  const twin = String(data['image/png']);
  assert.ok((await count(twin, isBlue)).n > 5000);
  assert.is((await count(twin, isRed)).n + (await count(twin, isGreen)).n, 0);
});

test('a picture with many small ones is shown larger, and costs what its quality says', async () => {
  const busy = tf.tidy(() => tf.randomUniform([300, 300, 3], 0, 1, 'float32', 1) as tf.Tensor3D);
  const choices = ['a', 'b'].map((label) => ({ label, images: [busy] }));
  const widthAndBytes = async (options: object) => {
    const { live } = await shown(() => showChoices(choices, options));
    const [{ sizex, source }] = live.layout.images!;
    return { width: Math.round(sizex * live.layout.width), bytes: source.length };
  };
  const usual = await widthAndBytes({});
  const large = await widthAndBytes({ tile: 560, quality: 40 });
  assert.equal([usual.width, large.width], [380, 560]);
  assert.ok(large.bytes < usual.bytes / 1.5, `${large.bytes} and ${usual.bytes}`);
  tf.dispose(busy);
});

test('pictures lie inside the figure and do not overlap; a menu stands above them', async () => {
  const images = [solid(1, 0, 0), solid(0, 1, 0), solid(0, 0, 1), solid(1, 0, 0)];
  const choices = ['甲', '乙'].map((label) => ({ label, images }));
  const options = { control: 'menu', columns: 2, panelTitles: ['左', '右'] } as const;
  const { data, live } = await shown(() => showChoices(choices, options));
  assert.is(live.layout.sliders, undefined);
  assert.equal(
    live.layout.updatemenus![0].buttons.map(({ label }) => label),
    ['甲', '乙'],
  );
  assert.equal(
    live.layout.annotations.map(({ text }) => text),
    ['左', '右'],
  );
  const boxes = live.layout.images!.map(({ x, y, sizex, sizey }) => ({ x0: x, x1: x + sizex, y0: y - sizey, y1: y }));
  assert.is(boxes.length, 4);
  for (const [i, a] of boxes.entries()) {
    assert.ok(a.x0 >= 0 && a.x1 <= 1 && a.y0 >= 0 && a.y1 <= 1, `picture ${i} stands out`);
    for (const b of boxes.slice(0, i)) assert.ok(a.x1 <= b.x0 || b.x1 <= a.x0 || a.y1 <= b.y0 || b.y1 <= a.y0);
  }
  const reds = (await count(String(data['image/png']), isRed)).n;
  const greens = (await count(String(data['image/png']), isGreen)).n;
  assert.ok(greens > 5000 && Math.abs(reds / greens - 2) < 0.05, `${reds} red and ${greens} green pixels`);
  tf.dispose(images);
});

test('a slider of heat maps: one is visible, all share one colour scale', async () => {
  const maps = [1, 2, 4].map((top) => tf.tidy(() => tf.linspace(0, top, 64).reshape([8, 8]) as tf.Tensor2D));
  const image = solid(0.5, 0.5, 0.5);
  const choices = maps.map((map, i) => ({ label: `${20 * (i + 1)}`, map }));
  const { data, live } = await shown(() => showChoices(choices, { image, name: '方块', unit: '下降', active: 2 }));
  assert.equal(
    live.data.map(({ visible, zmin, zmax }) => [visible, zmin, zmax]),
    [
      [false, 0, 4],
      [false, 0, 4],
      [true, 0, 4],
      [undefined, 0, 4], // the bar
    ],
  );
  const { steps } = live.layout.sliders![0];
  assert.equal(steps[0].method, 'update');
  assert.equal(steps[1].args[0].visible, [false, true, false, true]);
  assert.match(JSON.stringify(steps[1].args[1]), '最大 2');
  assert.match(JSON.stringify(live.layout.annotations), '最大 4');
  assert.ok((await count(String(data['image/png']), (r, g, b) => Math.max(r, g, b) - Math.min(r, g, b) > 60)).n > 9000);
  tf.dispose([...maps, image]);
});

test('what cannot be chosen from is refused with a sentence', async () => {
  const image = solid(1, 0, 0);
  const map = tf.zeros([4, 4]) as tf.Tensor2D;
  const message = async (choices: unknown, options = {}) =>
    (await failure(() => showChoices(choices as never, options))).message;
  assert.match(await message([{ label: '一', images: [image] }]), /至少要有两个值/);
  assert.match(await message([{ label: '一' }, { label: '二' }]), /images/);
  assert.match(
    await message([
      { label: '一', images: [image] },
      { label: '二', images: [image, image] },
    ]),
    /同样多/,
  );
  assert.match(
    await message([
      { label: '一', images: [image] },
      { label: '二', map },
    ]),
    /map/,
  );
  const two = ['一', '二'].map((label) => ({ label, images: [image] }));
  assert.match(await message(two, { active: 2 }), /0 到 1.*得到 2/);
  assert.match(await message(two, { tile: 2000 }), /tile 应在 24 与 888.*2000/);
  assert.match(await message(two, { quality: 0 }), /quality 应在 1 与 100.*0/);
  tf.dispose([image, map]);
});

test.run();
