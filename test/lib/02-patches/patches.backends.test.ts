import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { Strongest } from '../../../lib/02-patches/strongest';
import { encodePng, loadImage } from '../../../lib/image/image';
import { loadModel } from '../../../lib/model/networks/load';
import { effectiveFields, energySquare } from '../../../lib/02-patches/effective-field';
import { patchImage, patchSheets } from '../../../lib/02-patches/patch-image';
import { scanPhotos, topPatches } from '../../../lib/02-patches/patches';
import { patchPurity, photoPurity, shuffledPurity } from '../../../lib/02-patches/purity';
import { coursePhotos, type Photo } from '../../../lib/image/photos';
import { photosIn } from '../../../lib/image/photos-in';
import { failure, leakFree, tinyModel } from '../../helpers';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-patches-'));
process.env.CONVSCOPE_CACHE = path.join(folder, 'cache');

/** A 4x4 photo, black but for one red pixel. */
async function dotPhoto(name: string, row: number, col: number, red: number): Promise<void> {
  const image = tf.tidy(() => {
    const buffer = tf.buffer([4, 4, 3]);
    buffer.set(red, row, col, 0);
    return buffer.toTensor() as tf.Tensor3D;
  });
  fs.mkdirSync(path.join(folder, 'photos'), { recursive: true });
  fs.writeFileSync(path.join(folder, 'photos', `${name}.png`), await encodePng(image));
  image.dispose();
}

// One channel answers to red at the top left of its 2x2 window, the other to its opposite (never positive).
const corner = { kernel: [1, -1, 0, 0, 0, 0, ...Array(18).fill(0)], size: [2, 2] as [number, number], filters: 2 };

let photos: Photo[];

test.before(async () => {
  await startBackend();
  await dotPhoto('a', 0, 0, 0.4);
  await dotPhoto('b', 1, 2, 1);
  await dotPhoto('c', 2, 1, 0.8);
  photos = photosIn(path.join(folder, 'photos')).photos;
});

test.after(() => fs.rmSync(folder, { recursive: true }));

test('手算：最强的图块、位置与方框', async () => {
  const model = tinyModel([4, 4], [corner]);
  const [first] = await topPatches(model, photos, 'c1', { channels: [0], count: 2 });
  assert.equal(first.patches.map((p) => p.photo.name), ['b', 'c']); // prettier-ignore
  assert.equal(first.patches.map((p) => p.at), [[1, 2], [2, 1]]); // prettier-ignore
  assert.equal(first.patches[0].box, { x: 2, y: 1, width: 2, height: 2 });
  assert.ok(Math.abs(first.patches[0].value - 1) < 1e-6);
  const picture = await patchImage(first.patches[0], { size: 2 });
  assert.equal(Array.from(picture.dataSync()).map(Math.round), [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  picture.dispose();
  await leakFree(() => topPatches(model, photos, 'c1'));
  model.dispose();
});

test('每张照片最多一个位置；perPhoto 放宽它，手算', async () => {
  const model = tinyModel([4, 4], [corner]);
  const run = async (perPhoto?: number) =>
    (await topPatches(model, photos, 'c1', { channels: [0], count: 9, perPhoto }))[0].patches;
  const one = await run();
  assert.equal(one.map((p) => p.photo.name), ['b', 'c', 'a']); // prettier-ignore
  // Of the nine positions of a photo three are asked for: the dot's own, then the first of the equal zeros.
  const three = await run(3);
  assert.equal(three.slice(0, 5).map((p) => [p.photo.name, p.at]), [
    ['b', [1, 2]], ['c', [2, 1]], ['a', [0, 0]], ['a', [0, 1]], ['a', [0, 2]],
  ]); // prettier-ignore
  assert.is(three.length, 9);
  for (const name of ['a', 'b', 'c']) assert.is(three.filter((p) => p.photo.name === name).length, 3);
  await leakFree(() => run(2));
  assert.match((await failure(() => run(10))).message, /perPhoto 应为 1 到 9（c1 的位置数）.*得到 10/);
  assert.match((await failure(() => run(0))).message, /perPhoto/);
  model.dispose();
});

test('前几名：与全部排序一致，只留 k 个，不随照片增多', () => {
  const values = Array.from({ length: 500 }, (_, i) => (i * 7919) % 97);
  const strongest = new Strongest(9);
  values.forEach((value, index) => {
    strongest.offer(value, index % 5, index);
    assert.ok(strongest.descending().length <= 9);
  });
  const sorted = values.map((value, index) => ({ value, at: index % 5, index })).sort((a, b) => b.value - a.value || a.index - b.index); // prettier-ignore
  assert.equal(strongest.descending(), sorted.slice(0, 9));
});

test('照片比输入大：方框是照片自己的像素；越出边界的部分看得出来', async () => {
  const image = tf.tidy(() => {
    const dot = tf.pad(tf.ones([2, 2, 1]), [[2, 4], [4, 2], [0, 0]]); // prettier-ignore
    return tf.concat([dot, tf.zeros([8, 8, 2])], 2) as tf.Tensor3D;
  });
  const large = path.join(folder, 'large');
  fs.mkdirSync(large);
  fs.writeFileSync(path.join(large, '大.png'), await encodePng(image));
  image.dispose();
  const model = tinyModel([4, 4], [corner]);
  const [{ patches }] = await topPatches(model, photosIn(large).photos, 'c1', { channels: [0] });
  assert.equal([patches[0].at, patches[0].box], [[1, 2], { x: 4, y: 2, width: 4, height: 4 }]);
  const over = { ...patches[0], box: { x: -2, y: 0, width: 8, height: 8 } };
  const picture = await patchImage(over, { size: 8, fill: 0.25 });
  const pixel = (row: number, col: number) => Array.from(picture.dataSync().slice(3 * (8 * row + col), 3 * (8 * row + col) + 3)); // prettier-ignore
  assert.equal(pixel(3, 1), [0.25, 0.25, 0.25], '填充');
  assert.equal(pixel(3, 2), [0, 0, 0], '照片的第 0 列');
  assert.equal(pixel(3, 6), [1, 0, 0], '照片的第 4 列');
  picture.dispose();
  await leakFree(() => patchImage(over));
  await leakFree(() => failure(() => patchImage({ ...over, photo: { ...over.photo, path: 'none.png' } })));
  model.dispose();
});

test('图块只有网络看见的像素：居中裁切掉的两侧是填充，不是照片', async () => {
  // twice as wide as high: the network sees columns 4 … 11 of 16
  const image = tf.tidy(() => {
    const dot = tf.pad(tf.ones([2, 2, 1]), [[2, 4], [4, 10], [0, 0]]); // prettier-ignore
    return tf.concat([dot, tf.ones([8, 16, 2])], 2) as tf.Tensor3D;
  });
  const wide = path.join(folder, 'wide');
  fs.mkdirSync(wide);
  fs.writeFileSync(path.join(wide, '宽.png'), await encodePng(image));
  image.dispose();
  const model = tinyModel([4, 4], [{ ...corner, kernel: [1, 0, 0, 0, 0, 0, ...Array(18).fill(0)] }]);
  const [{ patches }] = await topPatches(model, photosIn(wide).photos, 'c1', { channels: [0] });
  assert.equal(patches[0].seen, { x: 4, y: 0, width: 8, height: 8 });
  const over = { ...patches[0], box: { x: 0, y: 0, width: 16, height: 16 } };
  const picture = await patchImage(over, { size: 16, fill: 0.25 });
  const green = (row: number, col: number) => picture.dataSync()[3 * (16 * row + col) + 1];
  assert.equal(
    [3, 4, 11, 12].map((col) => green(2, col)),
    [0.25, 1, 1, 0.25],
  );
  assert.is(green(8, 5), 0.25, '照片之外');
  picture.dispose();
  const frame = { x: 6, y: 2, width: 4, height: 4 };
  const marked = await patchImage(over, { size: 160, frame });
  const at = (row: number, col: number) => Array.from(marked.dataSync().slice(3 * (160 * row + col), 3 * (160 * row + col) + 3)); // prettier-ignore
  assert.equal(
    at(20, 80).map((v) => Math.round(v * 100)),
    [100, 85, 0],
    '边框',
  );
  assert.is(at(40, 80)[1], 1, '框里仍是照片');
  marked.dispose();
  await leakFree(() => patchImage(over, { frame }));
  model.dispose();
});

test('有效感受野：手算的能量；线性网络里就是核的大小与位置', async () => {
  const energy = new Float32Array(25);
  energy[2 * 5 + 3] = 1;
  assert.equal(energySquare(energy, 5, 0.5), { x: 3, y: 2, width: 1, height: 1 });
  energy.fill(1);
  assert.equal(energySquare(energy, 5, 0.3), { x: 1, y: 1, width: 3, height: 3 }, '中间 9 格有 36 %');
  assert.equal(energySquare(energy, 5, 0.4), { x: 0, y: 0, width: 5, height: 5 });
  assert.is(energySquare(new Float32Array(25), 5, 0.5), undefined, '没有梯度');
  // channel 0 looks at one input pixel only (the top left of its window), channel 1 at its opposite
  const model = tinyModel([4, 4], [corner]);
  const [first] = await topPatches(model, photos, 'c1', { channels: [0], count: 2 });
  const { boxes, stopped } = await effectiveFields(model, 'c1', first);
  assert.equal(boxes, [{ x: 2, y: 1, width: 1, height: 1 }, { x: 1, y: 2, width: 1, height: 1 }]); // prettier-ignore
  assert.is(stopped, undefined);
  await leakFree(() => effectiveFields(model, 'c1', first));
  const aborted = await effectiveFields(model, 'c1', first, { signal: AbortSignal.abort() });
  assert.equal([aborted.boxes.length, aborted.stopped], [0, 'aborted']);
  assert.match((await failure(() => effectiveFields(model, 'c1', first, { share: 1 }))).message, /share 应在 0 与 1/);
  model.dispose();
});

test('小样：每个通道一张，与逐块裁出的相同', async () => {
  const model = tinyModel([4, 4], [corner]);
  const channels = await topPatches(model, photos, 'c1', { count: 3 });
  const sheets = await patchSheets(channels, { columns: 2, size: 4 });
  assert.equal(sheets.map((sheet) => sheet.shape), [[8, 8, 3], [8, 8, 3]]); // prettier-ignore
  const third = await patchImage(channels[0].patches[2], { size: 4 });
  const bottomLeft = tf.slice(sheets[0], [4, 0, 0], [4, 4, 3]);
  assert.equal(Array.from(bottomLeft.dataSync()), Array.from(third.dataSync()));
  const empty = tf.slice(sheets[0], [4, 4, 0], [4, 4, 3]);
  assert.ok(empty.dataSync<'float32'>().every((v) => v === 0.5));
  tf.dispose([...sheets, third, bottomLeft, empty]);
  await leakFree(() => patchSheets(channels));
  assert.match((await failure(() => patchSheets(channels, { columns: 0 }))).message, /columns 应为正整数/);
  model.dispose();
});

test('纯度与打乱类别的对照，手算', async () => {
  const photo = (name: string, category: string) => ({ name, category }) as Photo;
  const [a, b, c, d] = [photo('a', 'x'), photo('b', 'x'), photo('c', 'y'), photo('d', 'y')];
  assert.is(photoPurity([a, b, c]), 2 / 3);
  assert.is(photoPurity([]), 0);
  const channel = (...list: Photo[]) => ({ channel: 0, patches: list.map((photo) => ({ photo })) }) as unknown as Parameters<typeof patchPurity>[0]; // prettier-ignore
  // of the three ways to pair up four photos of two kinds, one gives purity 1 in both channels, two give 1/2
  const chance = shuffledPurity([channel(a, b), channel(c, d)], [a, b, c, d], { draws: 3000 });
  assert.equal([...new Set(chance)], [0.5, 1]);
  assert.ok(Math.abs(chance.filter((p) => p === 1).length / 3000 - 1 / 3) < 0.04);
  assert.is(patchPurity(channel(a, b)), 1, '照片自己的类别没有变');
  assert.throws(() => shuffledPurity([], [a]), /至少要有一个通道/);
});

test('照片只过一遍网络，所有通道一起', async () => {
  const model = tinyModel([4, 4], [corner]);
  let passes = 0;
  const counting = {
    ...model,
    activations: (...words: Parameters<typeof model.activations>) => {
      passes++;
      return model.activations(...words);
    },
  };
  assert.is((await topPatches(counting, photos, 'c1', { batchSize: 1 })).length, 2);
  assert.is(passes, photos.length);
  await topPatches(counting, photos, 'c1', { batchSize: 2 });
  assert.is(passes, photos.length + 2);
  model.dispose();
});

test('批次大小不影响结果；并列时先来的照片在前', async () => {
  const model = tinyModel([4, 4], [corner]);
  const run = async (batchSize: number) =>
    (await topPatches(model, photos, 'relu1', { batchSize })).map((c) => c.patches.map((p) => [p.photo.name, p.value]));
  const [one, three] = [await run(1), await run(3)];
  assert.equal(one, three);
  assert.equal(one[1].map(([name]) => name), ['a', 'b', 'c']); // prettier-ignore
  model.dispose();
});

test('图块与激活值对得上：把图块所在的方框涂灰，这个单元的激活值就变了', async () => {
  const model = await loadModel('efficientnet-lite0');
  const [photo] = coursePhotos({ labelled: true, background: 'scene' });
  const [{ patches }] = await topPatches(model, [photo], 'b2', { channels: [5], cache: false });
  const { at, value } = patches[0];
  const field = model.layers.find((l) => l.name === 'b2')!.receptiveField!;
  const image = await loadImage(photo.path, { size: 224, crop: photo.crop });
  const read = (x: tf.Tensor3D) =>
    tf.tidy(() => model.activations(x, 'b2').slice([at[0], at[1], 5], [1, 1, 1]).dataSync()[0]);
  assert.ok(Math.abs(read(image) - value) < 1e-3);
  const inside = (row: number, col: number) => {
    const [y, x] = [row - field.offset - field.stride * at[0], col - field.offset - field.stride * at[1]];
    return y >= 0 && x >= 0 && y < field.size && x < field.size;
  };
  const painted = async (keep: boolean) => {
    const data = Float32Array.from(await image.data());
    for (let i = 0; i < 224 * 224; i++)
      if (inside(Math.floor(i / 224), i % 224) !== keep) data.fill(0.5, 3 * i, 3 * i + 3);
    return tf.tensor3d(data, [224, 224, 3]);
  };
  const [without, only] = [await painted(false), await painted(true)];
  assert.ok(Math.abs(read(without) - value) > 1e-3, '方框内涂灰，激活值应当改变');
  assert.ok(Math.abs(read(only) - value) < 1e-3, '方框外涂灰，激活值不应改变');
  tf.dispose([image, without, only]);
  model.dispose();
});

test('纯度、错误与中断', async () => {
  const model = tinyModel([4, 4], [corner]);
  const [{ patches }] = await topPatches(model, photos, 'c1', { channels: [0] });
  assert.is(patchPurity({ channel: 0, patches }), 1);
  assert.is(
    patchPurity({ channel: 0, patches }, (p) => p.name),
    1 / 3,
  );
  assert.match((await failure(() => topPatches(model, photos, 'scores'))).message, /没有空间位置/);
  assert.match((await failure(() => topPatches(model, photos, 'c1', { channels: [2] }))).message, /0 … 1/);
  assert.match((await failure(() => topPatches(model, photos, 'c1', { count: 0 }))).message, /count 应为正整数/);
  assert.match((await failure(() => topPatches(model, [], 'c1'))).message, /没有照片/);
  const abort = new AbortController();
  let seen = 0;
  const { stopped } = await scanPhotos(model, photos, 'c1', () => seen++, {
    batchSize: 1,
    signal: abort.signal,
    onStep: () => abort.abort(),
  });
  assert.is(stopped, 'aborted');
  assert.is(seen, 1);
  // What was seen until then is handed over, and says so.
  const some = new AbortController();
  await leakFree(async () => {
    const onStep = () => some.abort();
    const [part] = await topPatches(model, photos, 'c1', { batchSize: 2, channels: [0], signal: some.signal, onStep });
    assert.is(part.stopped, 'aborted');
    assert.equal(part.patches.map((p) => p.photo.name), ['b', 'a']); // prettier-ignore
  });
  await leakFree(async () => {
    const missing = { ...photos[0], path: path.join(folder, 'missing.png') };
    await failure(() => topPatches(model, [photos[1], missing], 'c1'));
  });
  await leakFree(async () => {
    const onStep = () => {
      throw new Error('回调');
    };
    assert.is((await failure(() => topPatches(model, photos, 'c1', { onStep }))).message, '回调');
  });
  model.dispose();
});

test.run();
