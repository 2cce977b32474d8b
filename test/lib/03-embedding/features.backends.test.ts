import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import {
  averagePositions,
  featureMatrices,
  featureMatrix,
  pixelMatrix,
  selectRows,
  topPhotos,
  unitRows,
} from '../../../lib/03-embedding/features';
import { encodePng } from '../../../lib/image/image';
import { imageModel, type ImageModel } from '../../../lib/model/model';
import { alexnet2012WithHead, buildAlexNet2012 } from '../../../lib/model/networks/alexnet-2012';
import { coursePhotos, type Photo } from '../../../lib/image/photos';
import { photosIn } from '../../../lib/image/photos-in';
import { thumbnailGrid, thumbnailMap } from '../../../lib/03-embedding/thumbnails';
import { assertClose, failure, leakFree, tinyModel } from '../../helpers';
import { pseudoAlexNetWeights } from '../../pseudo-weights';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-features-'));
let photos: Photo[];
let model: ImageModel;

/** One-colour photos: every activation can be computed on paper. */
async function flatPhoto(name: string, [r, g, b]: number[]): Promise<void> {
  const image = tf.tidy(() => tf.tensor1d([r, g, b]).mul(tf.ones([6, 6, 3])) as tf.Tensor3D);
  fs.writeFileSync(path.join(folder, `${name}.png`), await encodePng(image));
  image.dispose();
}

test.before(async () => {
  await startBackend();
  await flatPhoto('a', [1, 0, 0]);
  await flatPhoto('b', [0, 1, 0]);
  await flatPhoto('c', [0.2, 0.4, 0.6]);
  photos = photosIn(folder).photos;
  // 1x1 filters: red + green, and blue - red.
  const kernel = [1, -1, 1, 0, 0, 1];
  model = tinyModel([4, 4], [{ kernel, size: [1, 1], filters: 2 }]);
});

test.after(() => {
  model.dispose();
  fs.rmSync(folder, { recursive: true });
});

test('featureMatrix on paper: a row per photo, positions kept or averaged, any batch size', async () => {
  const perPhoto = [[1, 0], [1, 0], [0.6, 0.4]]; // prettier-ignore
  for (const batchSize of [1, 2, 16]) {
    const mean = await featureMatrix(model, photos, 'relu1', { pool: 'mean', batchSize });
    assert.equal([mean.rows, mean.columns, mean.layer, mean.pool], [3, 2, 'relu1', 'mean']);
    assertClose(mean.data, perPhoto.flat(), 1e-5);
    assert.equal(mean.photos, photos);
    const whole = await featureMatrix(model, photos, 'relu1', { batchSize });
    assert.equal([whole.columns, whole.pool], [32, 'none']);
    assertClose(
      whole.data,
      perPhoto.flatMap((row) => Array(16).fill(row).flat()),
      1e-5,
    );
  }
  const top = await featureMatrix(model, photos);
  assert.is(top.layer, 'scores');
  assertClose(top.data, perPhoto.flat(), 1e-5);
});

test('featureMatrices: the same numbers, several layers in one pass', async () => {
  const [c1, scores] = await featureMatrices(model, photos, ['c1', 'scores'], { batchSize: 2 });
  assert.equal(c1, await featureMatrix(model, photos, 'c1'));
  assert.equal(scores, await featureMatrix(model, photos, 'scores'));
  await leakFree(() => featureMatrices(model, photos, ['c1', 'relu1']));
  assert.match((await failure(() => featureMatrices(model, photos, []))).message, /layers/);
});

test("AlexNet with its head: fc7's 4096 numbers are the default (pseudo-weights)", async () => {
  const alexnet = imageModel(buildAlexNet2012(pseudoAlexNetWeights()), {
    ...alexnet2012WithHead,
    classes: [],
  });
  try {
    const two = coursePhotos().slice(0, 2);
    const features = await featureMatrix(alexnet, two);
    assert.equal([features.layer, features.rows, features.columns, features.pool], ['relu7', 2, 4096, 'none']);
    assert.ok(features.data.every((value) => value >= 0) && features.data.some((value) => value > 0));
    await leakFree(() => featureMatrix(alexnet, two));
  } finally {
    alexnet.dispose();
  }
});

test('unitRows and selectRows', async () => {
  const features = await featureMatrix(model, photos, 'scores');
  const scaled = { ...features, data: Float32Array.from([3, 4, 0, 0, 0, 2]) };
  assertClose(unitRows(scaled).data, [0.6, 0.8, 0, 0, 0, 1], 1e-6);
  assert.is(scaled.data[0], 3, '原来的矩阵不变');
  const some = selectRows(scaled, (row) => row !== 1);
  assert.equal([some.rows, [...some.data]], [2, [3, 4, 0, 2]]);
  assert.equal(some.photos, [photos[0], photos[2]]);
});

test('averagePositions: the mean over the places of each channel', async () => {
  const features = await featureMatrix(model, photos.slice(0, 1), 'scores');
  const maps = { ...features, columns: 4, data: Float32Array.from([1, 10, 3, 30]) };
  const averaged = averagePositions(maps, 2);
  assert.equal([averaged.columns, averaged.pool, [...averaged.data]], [2, 'mean', [2, 20]]);
  assert.match((await failure(() => averagePositions(maps, 3))).message, /整除一行的 4 个数，得到 3/);
});

test('topPhotos: inner products by hand, ties in the order of the rows', async () => {
  const features = await featureMatrix(model, photos, 'scores');
  const scaled = { ...features, data: Float32Array.from([3, 4, 0, 1, 6, 0]) };
  const rows = (direction: number[], count?: number) =>
    topPhotos(scaled, direction, { count }).map(({ row, value }) => [row, value]);
  assert.equal(rows([1, 0]), [[2, 6], [0, 3], [1, 0]]); // prettier-ignore
  assert.equal(rows([-1, 0.75], 2), [
    [1, 0.75],
    [0, 0],
  ]);
  assert.equal(
    rows([0, 0], 3).map(([row]) => row),
    [0, 1, 2],
  );
  assert.is(topPhotos(scaled, [1, 0])[0].photo, photos[2]);
  assert.throws(() => topPhotos(scaled, [1, 0, 0]), /方向应有 2 个数/);
  assert.throws(() => topPhotos(scaled, [1, 0], { count: 0 }), /count 应为正整数/);
});

test('pixelMatrix: the photos themselves', async () => {
  const pixels = await pixelMatrix(photos, 2);
  assert.equal([pixels.rows, pixels.columns, pixels.layer], [3, 12, 'pixels']);
  assertClose(pixels.data.subarray(24), Array(4).fill([0.2, 0.4, 0.6]).flat(), 5e-3);
});

test('no tensor is left behind: after a call, an abort, an error', async () => {
  await leakFree(() => featureMatrix(model, photos, 'relu1'));
  await leakFree(() => pixelMatrix(photos, 4));
  const controller = new AbortController();
  await leakFree(async () => {
    const part = await featureMatrix(model, photos, 'c1', {
      batchSize: 1,
      signal: controller.signal,
      onStep: ({ done, total }) => {
        assert.is(total, 3);
        if (done === 2) controller.abort();
      },
    });
    assert.equal([part.stopped, part.rows, part.photos.length], ['aborted', 2, 2]);
    assertClose([part.data.length], [2 * part.columns]);
  });
  await leakFree(async () => {
    const missing = { ...photos[0], path: path.join(folder, 'missing.png') };
    await failure(() => featureMatrix(model, [photos[0], missing], 'c1'));
  });
  const none = await featureMatrix(model, photos, 'c1', { signal: AbortSignal.abort() });
  await leakFree(async () => {
    const stop = new AbortController();
    const part = await pixelMatrix(photos, 4, { batchSize: 1, signal: stop.signal, onStep: () => stop.abort() });
    assert.equal([part.stopped, part.rows, part.columns], ['aborted', 1, 48]);
  });
  const cells = photos.map((_, column) => ({ row: 0, column }));
  const points = photos.map((_, i) => [i, 0]);
  await leakFree(() => thumbnailGrid(photos, cells));
  for (const draw of [
    () => thumbnailMap(photos, points, { signal: AbortSignal.abort() }),
    () => thumbnailGrid(photos, cells, { signal: AbortSignal.abort() }),
  ]) {
    await leakFree(async () => {
      const map = await draw();
      assert.is(map.stopped, 'aborted');
      return map;
    });
  }
  assert.equal([none.rows, none.data.length, none.stopped], [0, 0, 'aborted']);
});

test('wrong arguments', async () => {
  assert.match((await failure(() => featureMatrix(model, [], 'c1'))).message, /没有照片/);
  assert.match((await failure(() => featureMatrix(model, photos, 'conv9'))).message, /conv9/);
  assert.match((await failure(() => featureMatrix(model, photos, 'c1', { batchSize: 0 }))).message, /batchSize/);
  assert.match((await failure(() => featureMatrix(model, photos, 'c1', { pool: 'max' as 'mean' }))).message, /max/);
  assert.match((await failure(() => pixelMatrix([], 4))).message, /没有照片/);
});

test('thumbnailMap: x to the right, y upwards; thumbnailGrid: a cell each', async () => {
  const colour = (image: tf.Tensor3D, row: number, column: number) =>
    tf.tidy(() => Array.from(image.slice([row, column, 0], [1, 1, 3]).dataSync()));
  const { image } = await thumbnailMap(photos.slice(0, 2), [[0, 0], [5, 5]], { size: 40, thumbnail: 10 }); // prettier-ignore
  assert.equal(image.shape, [40, 40, 3]);
  assertClose(colour(image, 35, 4), [1, 0, 0], 1e-2);
  assertClose(colour(image, 4, 35), [0, 1, 0], 1e-2);
  assertClose(colour(image, 20, 20), [1, 1, 1], 1e-2);
  image.dispose();
  const cells = [
    { row: 0, column: 1 },
    { row: 1, column: 0 },
    { row: 1, column: 1 },
  ];
  const grid = await thumbnailGrid(photos, cells, { thumbnail: 8 });
  assert.equal(grid.image.shape, [16, 16, 3]);
  assertClose(colour(grid.image, 4, 12), [1, 0, 0], 1e-2);
  assertClose(colour(grid.image, 12, 4), [0, 1, 0], 1e-2);
  assertClose(colour(grid.image, 4, 4), [1, 1, 1], 1e-2);
  grid.image.dispose();
  assert.match((await failure(() => thumbnailMap(photos, [[0, 0]]))).message, /3 张照片，1 个位置/);
  assert.match((await failure(() => thumbnailMap(photos.slice(0, 1), [[0, NaN]]))).message, /有限/);
});

test("a photo's crop box is kept", async () => {
  const halves = tf.tidy(() => tf.concat([tf.zeros([4, 4, 3]), tf.ones([4, 4, 3])], 1) as tf.Tensor3D);
  const file = path.join(folder, 'halves.png');
  fs.writeFileSync(file, await encodePng(halves));
  halves.dispose();
  const right: Photo = { ...photos[0], path: file, crop: [4, 0, 4, 4] };
  assertClose((await pixelMatrix([right], 2)).data, Array(12).fill(1), 1e-6);
  const { image } = await thumbnailGrid([right], [{ row: 0, column: 0 }], { thumbnail: 4 });
  assertClose(await image.data(), Array(48).fill(1), 1e-6);
  image.dispose();
});

test.run();
