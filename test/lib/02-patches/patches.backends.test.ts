import * as path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tf } from '../../../lib/tf/backend';
import { Strongest } from '../../../lib/02-patches/strongest';
import { loadImage } from '../../../lib/image/image';
import { loadModel } from '../../../lib/model/networks/load';
import { patchImage } from '../../../lib/02-patches/patch-image';
import { scanPhotos, topPatches } from '../../../lib/02-patches/patches';
import { patchPurity } from '../../../lib/02-patches/purity';
import { coursePhotos } from '../../../lib/image/photos';
import { failure, leakFree, tinyModel } from '../../helpers';
import { corner, dotPhotos } from './dots';

const { folder, photos } = dotPhotos(test);

test('手算：最强的图块、位置与方框', async () => {
  const model = tinyModel([4, 4], [corner]);
  const [first] = await topPatches(model, photos, 'c1', { channels: [0], count: 2 });
  assert.equal(
    first.patches.map((p) => p.photo.name),
    ['b', 'c'],
  );
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
  assert.equal(
    one.map((p) => p.photo.name),
    ['b', 'c', 'a'],
  );
  // Of the nine positions of a photo three are asked for: the dot's own, then the first of the equal zeros.
  const three = await run(3);
  assert.equal(
    three.slice(0, 5).map((p) => [p.photo.name, p.at]),
    [
      ['b', [1, 2]],
      ['c', [2, 1]],
      ['a', [0, 0]],
      ['a', [0, 1]],
      ['a', [0, 2]],
    ],
  );
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
  const sorted = values
    .map((value, index) => ({ value, at: index % 5, index }))
    .sort((a, b) => b.value - a.value || a.index - b.index);
  assert.equal(strongest.descending(), sorted.slice(0, 9));
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
  assert.equal(
    one[1].map(([name]) => name),
    ['a', 'b', 'c'],
  );
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
    assert.equal(
      part.patches.map((p) => p.photo.name),
      ['b', 'a'],
    );
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
