import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../lib/backend';
import { encodePng, loadImage } from '../../lib/image';
import { loadModel } from '../../lib/networks/load';
import { patchImage, patchPurity, scanPhotos, topPatches } from '../../lib/patches';
import { coursePhotos, type Photo, photosIn } from '../../lib/photos';
import { failure, leakFree, tinyModel } from '../helpers';

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
  const [first] = await topPatches(model, photos, 'c1', { channels: [0], top: 2 });
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

test('批次大小不影响结果；并列时先来的照片在前', async () => {
  const model = tinyModel([4, 4], [corner]);
  const run = async (batchSize: number) =>
    (await topPatches(model, photos, 'relu1', { batchSize })).map((c) => c.patches.map((p) => [p.photo.name, p.value]));
  const [one, three] = [await run(1), await run(3)];
  assert.equal(one, three);
  assert.equal(one[1].map(([name]) => name), ['a', 'b', 'c']); // prettier-ignore
  model.dispose();
});

test('真实网络：第二次从缓存读，结果相同；缓存损坏则重算', async () => {
  const model = await loadModel('efficientnet-lite0');
  const some = coursePhotos({ labelled: true, background: 'scene' }).slice(0, 6);
  const steps: number[] = [];
  const onStep = (s: { cached: number }) => void steps.push(s.cached);
  const first = await topPatches(model, some, 'b2', { top: 3, onStep });
  assert.is(steps[steps.length - 1], 0);
  const second = await topPatches(model, some, 'b2', { top: 3, onStep });
  assert.is(steps[steps.length - 1], 6);
  assert.equal(second, first);
  const files = fs.readdirSync(process.env.CONVSCOPE_CACHE!, { recursive: true, encoding: 'utf8' }).map((f) => path.join(process.env.CONVSCOPE_CACHE!, f)).filter((f) => fs.statSync(f).isFile()); // prettier-ignore
  assert.is(files.length, 6);
  fs.writeFileSync(files[0], 'x');
  assert.equal(await topPatches(model, some, 'b2', { top: 3 }), first);
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
  assert.match((await failure(() => topPatches(model, photos, 'c1', { top: 0 }))).message, /top/);
  assert.match((await failure(() => topPatches(model, [], 'c1'))).message, /没有照片/);
  const abort = new AbortController();
  let seen = 0;
  const stopped = await scanPhotos(model, photos, 'c1', () => seen++, {
    batchSize: 1,
    signal: abort.signal,
    onStep: () => abort.abort(),
  });
  assert.is(stopped, 'aborted');
  assert.is(seen, 1);
  model.dispose();
});

test.run();
