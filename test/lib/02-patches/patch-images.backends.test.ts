import * as path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tf } from '../../../lib/tf/backend';
import { effectiveFields, energySquare } from '../../../lib/02-patches/effective-field';
import { patchImage, patchSheets } from '../../../lib/02-patches/patch-image';
import { topPatches } from '../../../lib/02-patches/patches';
import { photosIn } from '../../../lib/image/photos-in';
import { failure, leakFree, tinyModel } from '../../helpers';
import { corner, dotPhotos, writePhoto } from './dots';

const { folder, photos } = dotPhotos(test);

test('照片比输入大：方框是照片自己的像素；越出边界的部分看得出来', async () => {
  const image = tf.tidy(() => {
    const dot = tf.pad(tf.ones([2, 2, 1]), [[2, 4], [4, 2], [0, 0]]); // prettier-ignore
    return tf.concat([dot, tf.zeros([8, 8, 2])], 2) as tf.Tensor3D;
  });
  const large = path.join(folder, 'large');
  await writePhoto(large, '大', image);
  const model = tinyModel([4, 4], [corner]);
  const [{ patches }] = await topPatches(model, photosIn(large).photos, 'c1', { channels: [0] });
  assert.equal([patches[0].at, patches[0].box], [[1, 2], { x: 4, y: 2, width: 4, height: 4 }]);
  const over = { ...patches[0], box: { x: -2, y: 0, width: 8, height: 8 } };
  const picture = await patchImage(over, { size: 8, fill: 0.25 });
  const pixel = (row: number, col: number) =>
    Array.from(picture.dataSync().slice(3 * (8 * row + col), 3 * (8 * row + col) + 3));
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
  await writePhoto(wide, '宽', image);
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
  const at = (row: number, col: number) =>
    Array.from(marked.dataSync().slice(3 * (160 * row + col), 3 * (160 * row + col) + 3));
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
  assert.equal(boxes, [
    { x: 2, y: 1, width: 1, height: 1 },
    { x: 1, y: 2, width: 1, height: 1 },
  ]);
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

test.run();
