import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { check } from '../../../lib/course/check';
import { correspondence, signDifference, signPattern } from '../../../lib/04-occlusion/correspondence';
import { meanInside } from '../../../lib/04-occlusion/inside';
import { loadImage } from '../../../lib/image/image';
import { courseFaces, courseObjects, FACE_PARTS, landmarkIn, objectIn } from '../../../lib/04-occlusion/landmarks';
import { disposeAll, failure, leakFree, tinyModel } from '../../helpers';

test.before(async () => void (await startBackend()));

const grey = (size: number, value = 0.8) => tf.fill([size, size, 3], value) as tf.Tensor3D;

/** One 2x2 kernel that sums red, stride 2: each unit sees its own 2x2 pixels. */
const sums = () =>
  tinyModel([8, 8], [{ kernel: [1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0], size: [2, 2], filters: 1, stride: 2 }]);

test('符号图样：变暗的地方是 1，变亮的地方是 −1，方块够不到的地方是 0', async () => {
  const model = sums();
  const image = grey(8);
  const darker = await signPattern(model, { image, center: [3, 5] }, 'c1', { size: 2, fill: 0 });
  // Rows 2-3, columns 4-5: unit (1, 2) of 4 x 4.
  assert.equal(Array.from(darker), [0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  const brighter = await signPattern(model, { image, center: [0, 0] }, 'c1', { size: 4, fill: 1 });
  assert.equal(Array.from(brighter), [-1, -1, 0, 0, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  await leakFree(() => signPattern(model, { image, center: [4, 4] }, 'c1', { size: 3 }));
  image.dispose();
  model.dispose();
});

test('汉明距离：按定义；机会水平是两个比例互不相关时的值', () => {
  const patterns = [
    [1, 1, 0, 0],
    [1, 0, 0, -1],
    [-1, -1, -1, -1],
  ].map((p) => Int8Array.from(p));
  // Pairs: 2 of 4, 4 of 4, 3 of 4.
  const { mean, std, pairs, chance, images } = signDifference(patterns);
  assert.is(pairs, 3);
  assert.ok(Math.abs(mean - 0.75) < 1e-12);
  assert.ok(Math.abs(std - Math.sqrt((0.0625 + 0.0625 + 0) / 3)) < 1e-12);
  // Agreement by chance: (1: .5 x .25, 0: .5 x .5) = .375; 0; (-1: .25 x 1) = .25.
  assert.ok(Math.abs(chance - (0.625 + 1 + 0.75) / 3) < 1e-12);
  // Each image against the two others: (2 + 4) / 8, (2 + 3) / 8, (4 + 3) / 8.
  [6, 5, 7].forEach((n, i) => assert.ok(Math.abs(images[i].mean - n / 8) < 1e-12));
  assert.ok(Math.abs(images[1].chance - (0.625 + 0.75) / 2) < 1e-12);
  assert.throws(() => signDifference(patterns.slice(1, 2)), /至少要两幅/);
});

test('表 1：同一处变化的图距离为 0，随机位置大于 0；种子决定结果', async () => {
  const model = sums();
  const faces = [0.6, 0.7, 0.9].map((value) => ({
    image: grey(8, value),
    rightEye: [1, 1] as const,
    leftEye: [1, 6] as const,
    nose: [6, 4] as const,
  }));
  const run = (seed: number) => correspondence(model, faces, 'c1', { size: 2, fill: 0, samples: 4, seed });
  const [a, b, c] = [await run(1), await run(1), await run(2)];
  for (const part of FACE_PARTS) assert.is(a[part].mean, 0);
  assert.ok(a.random.mean > 0.05);
  assert.is(a.random.pairs, 12);
  const perImage = a.random.images.map((image) => image.mean);
  assert.is(perImage.length, 3);
  assert.ok(Math.abs(perImage.reduce((x, y) => x + y) / 3 - a.random.mean) < 1e-12);
  assert.equal(a, b);
  assert.not.equal(a.random, c.random);
  await leakFree(() => run(3));
  const stopped = await correspondence(model, faces, 'c1', { size: 2, signal: AbortSignal.abort() });
  assert.is(stopped.stopped, 'aborted');
  disposeAll(faces.map((f) => f.image));
  model.dispose();
});

test('矩形内外：绝对值的平均，正负不抵消；按像素的中心分', async () => {
  const map = tf.tensor2d([[-2, 2, 1], [4, -4, 1]]); // prettier-ignore
  const { inside, outside } = await meanInside(map, { rows: [0, 2], cols: [0.4, 1.6] });
  assert.is(inside, 3);
  assert.is(outside, 1);
  const all = await failure(() => meanInside(map, { rows: [0, 2], cols: [0, 3] }));
  assert.match(all.message, /分成两部分/);
  map.dispose();
});

test('错误：方块、位置、层', async () => {
  const model = sums();
  const image = grey(8);
  const run = (center: readonly [number, number], layer: string, size: number) => () =>
    signPattern(model, { image, center }, layer, { size });
  assert.match((await failure(run([4, 4], 'c1', 9))).message, /size 应为 1 到 8/);
  assert.match((await failure(run([4, 40], 'c1', 3))).message, /不在图像内/);
  assert.match((await failure(run([4, 4], 'c7', 3))).message, /没有名为"c7"的层/);
  image.dispose();
  model.dispose();
});

test('标注：点在头的方框里、右眼在左、鼻子在两眼之下；主体的方框在图里', async () => {
  const faces = courseFaces();
  assert.ok(faces.length >= 6);
  for (const face of faces) {
    const image = await loadImage(face.photo.path);
    const [x, y, width, height] = face.box;
    assert.is(width, height);
    assert.ok(x >= 0 && y >= 0 && x + width <= image.shape[1] && y + height <= image.shape[0], face.photo.file);
    const at = (part: (typeof FACE_PARTS)[number]) => landmarkIn(face, part, 227);
    for (const part of FACE_PARTS)
      assert.ok(
        at(part).every((v) => v > 15 && v < 212),
        `${face.photo.file} ${part}`,
      );
    assert.ok(at('rightEye')[1] < at('leftEye')[1]);
    assert.ok(at('nose')[0] > Math.min(at('rightEye')[0], at('leftEye')[0]));
    image.dispose();
  }
  for (const object of courseObjects()) {
    const image = await loadImage(object.photo.path);
    for (const [x, y, width, height] of [object.crop, object.box]) {
      assert.ok(x >= 0 && y >= 0 && x + width <= image.shape[1] && y + height <= image.shape[0], object.photo.file);
    }
    const { rows, cols } = objectIn(object, 227);
    assert.ok(rows[0] < rows[1] && cols[0] < cols[1] && rows[1] <= 227 && cols[1] <= 227);
    image.dispose();
  }
});

test('练习：正确的答案通过，常见的错误各有说明', () => {
  assert.ok(check.occlusionPositions(100).correct);
  assert.match(check.occlusionPositions(81).message, /截短/);
  assert.ok(check.occlusionPixel(0.3).correct);
  assert.match(check.occlusionPixel(-0.3).message, /符号/);
  assert.ok(check.occlusionColumns(23).correct);
  assert.match(check.occlusionColumns(20).message, /步幅/);
  assert.ok(check.occlusionFill('blur').correct);
  assert.match(check.occlusionFill('noise').message, /纹理/);
  assert.not(check.occlusionPositions(NaN).correct);
});

test.run();
