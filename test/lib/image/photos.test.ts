import { createCanvas } from 'canvas';
import { createHash } from 'node:crypto';
import real, * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { CourseError } from '../../../lib/base/errors';
import { loadImage } from '../../../lib/image/image';
import { coursePhotos, photo } from '../../../lib/image/photos';
import { photosIn } from '../../../lib/image/photos-in';
import { failure } from '../../helpers';

test.before(async () => {
  await startBackend('cpu');
});

test('416 photos in 15 categories, each file there and unchanged', () => {
  const photos = coursePhotos();
  assert.is(photos.length, 416);
  assert.is(new Set(photos.map((p) => p.category)).size, 15);
  assert.is(new Set(photos.map((p) => p.file)).size, 416);
  for (const { path: file, license, source, sha256 } of photos as ((typeof photos)[number] & { sha256: string })[]) {
    assert.ok(license && source);
    assert.is(createHash('sha256').update(fs.readFileSync(file)).digest('hex'), sha256, file);
  }
});

test('every photo has a Chinese name', () => {
  for (const { file, nameZh } of coursePhotos()) assert.match(nameZh, /^[\u4e00-\u9fff]{1,8}$/, file);
});

test('filters combine', () => {
  assert.is(coursePhotos({ background: 'scene' }).length + coursePhotos({ background: 'flat' }).length, 416);
  const labelled = coursePhotos({ labelled: true });
  assert.ok(labelled.length > 100 && labelled.every((p) => p.imagenet));
  assert.is(coursePhotos({ labelled: false }).length, 416 - labelled.length);
  const animals = coursePhotos({ category: ['mammal', 'bird'], labelled: true, background: 'scene' });
  assert.ok(animals.length > 10);
  assert.ok(animals.every((p) => ['mammal', 'bird'].includes(p.category) && p.imagenet && p.background === 'scene'));
  assert.equal(coursePhotos({ category: 'plant', background: 'scene' }), []);
});

test('an unknown category or background lists what there is', async () => {
  const error = await failure(() => coursePhotos({ category: 'mamal' }));
  assert.instance(error, RangeError);
  assert.match(error.message, /mamal.*最接近：mammal.*可选：.*vehicle/s);
  assert.match((await failure(() => coursePhotos({ background: 'grey' as never }))).message, /scene、flat/);
});

test('photo finds by file, by name and says what is near', async () => {
  assert.is(photo('mammal/panda.jpg').name, 'panda');
  assert.is(photo('panda').file, 'mammal/panda.jpg');
  assert.is(photo('horse.jpg').file, 'mammal/horse.jpg');
  assert.is(photo('mammal\\horse.jpg').file, 'mammal/horse.jpg');
  assert.is(photo('大熊猫').file, 'mammal/panda.jpg');
  assert.match((await failure(() => photo('马'))).message, /不止一张：.*horse-2\.jpg/);
  assert.match((await failure(() => photo('pnada'))).message, /panda\.jpg.*coursePhotos/s);
  assert.match((await failure(() => photo('baobab tree of the south'))).message, /最接近/);
});

test('crop boxes are squares inside their picture, and the dog is whole', async () => {
  const cropped = coursePhotos().filter((p) => p.crop);
  assert.ok(cropped.some((p) => p.file === 'mammal/dog.jpg'));
  for (const { path: file, crop } of cropped) {
    const [x, y, width, height] = crop!;
    assert.is(width, height);
    const image = await loadImage(file, { crop, size: 16 });
    assert.equal(image.shape, [16, 16, 3], `${file} ${x} ${y}`);
    image.dispose();
  }
  // The German shepherd's head (looked up in the picture): columns 260-301.
  const [x, , width] = photo('mammal/dog.jpg').crop!;
  assert.ok(x < 255 && x + width > 305);
});

test('a folder of one’s own: bad files are listed, not thrown', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-照片 '));
  const png = createCanvas(4, 4).toBuffer('image/png');
  assert.match((await failure(() => photosIn(folder))).message, /没有可用的照片/);
  fs.mkdirSync(path.join(folder, '猫'));
  fs.writeFileSync(path.join(folder, '猫', '花花.png'), png);
  fs.writeFileSync(path.join(folder, '一张.PNG'), png);
  fs.writeFileSync(path.join(folder, '坏.jpg'), '文字');
  fs.writeFileSync(path.join(folder, '说明.txt'), '不是图片');
  const jpeg = createCanvas(4, 4).toBuffer('image/jpeg');
  for (const name of ['a.jfif', 'b.jpe', '没有扩展名']) fs.writeFileSync(path.join(folder, name), jpeg);
  fs.writeFileSync(path.join(folder, '扫描.tiff'), Buffer.from('II*\0\b\0\0\0'));
  fs.writeFileSync(path.join(folder, '空.png'), '');
  fs.writeFileSync(path.join(folder, '.DS_Store'), 'x');
  if (process.platform !== 'win32') fs.symlinkSync(path.join(folder, '不在了'), path.join(folder, '链接.jpg'));
  const { photos, skipped } = photosIn(folder);
  assert.equal(
    photos.map((p) => [p.file, p.category, p.name]),
    [
      ['a.jfif', 'own', 'a'],
      ['b.jpe', 'own', 'b'],
      ['一张.PNG', 'own', '一张'],
      ['没有扩展名', 'own', '没有扩展名'],
      ['猫/花花.png', '猫', '花花'],
    ],
  );
  const reasons = new Map(skipped.map(({ file, reason }) => [file, reason]));
  assert.match(reasons.get('坏.jpg')!, /坏\.jpg.*文本文件/);
  assert.match(reasons.get('说明.txt')!, /文本文件/);
  assert.match(reasons.get('扫描.tiff')!, /TIFF.*另存为/);
  assert.match(reasons.get('空.png')!, /空文件/);
  if (process.platform !== 'win32') assert.match(reasons.get('链接.jpg')!, /读不了：ENOENT/);
  assert.is(reasons.size, process.platform === 'win32' ? 4 : 5);
  const image = await loadImage(photos[4].path);
  assert.equal(image.shape, [4, 4, 3]);
  tf.dispose(image);
  const missing = await failure(() => photosIn(path.join(folder, '没有')));
  assert.instance(missing, CourseError);
  assert.match(missing.message, /找不到文件夹/);
  assert.match((await failure(() => photosIn(photos[0].path))).message, /不是文件夹.*loadImage/);
  fs.rmSync(folder, { recursive: true, force: true });
});

test('what loadImage cannot read because a part is missing is skipped, with the same reason', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-照片 '));
  const canvas = createCanvas(40, 30);
  canvas.getContext('2d').fillRect(5, 5, 20, 10);
  for (const format of ['png', 'jpeg', 'webp', 'avif'] as const) {
    const bytes = await (canvas.encode as (f: string) => Promise<Buffer>)(format);
    const cuts = [20, 0.3 * bytes.length, 0.6 * bytes.length, 0.95 * bytes.length, bytes.length - 1].map(Math.floor);
    for (const cut of cuts) fs.writeFileSync(path.join(folder, `${cut}.${format}`), bytes.subarray(0, cut));
    fs.writeFileSync(path.join(folder, `whole.${format}`), bytes);
  }
  const { photos, skipped } = photosIn(folder);
  assert.equal(
    photos.map(({ file }) => file),
    ['whole.avif', 'whole.jpeg', 'whole.png', 'whole.webp'],
  );
  assert.is(skipped.length, 20);
  for (const { file, reason } of skipped) {
    assert.match(reason, /已损坏：.*(只有一部分|没有图像数据).*重新/);
    const error = await failure(() => loadImage(path.join(folder, file)));
    assert.is(error.message.replaceAll(`${folder}/`, ''), reason);
  }
  fs.rmSync(folder, { recursive: true, force: true });
});

test('a locked subfolder and a link to a folder have their reason; the rest is there', async () => {
  if (process.platform === 'win32') return;
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-照片 '));
  const png = createCanvas(4, 4).toBuffer('image/png');
  for (const name of ['内', '锁']) fs.mkdirSync(path.join(folder, name));
  for (const name of ['一.png', '内/二.png', '锁/三.png']) fs.writeFileSync(path.join(folder, name), png);
  fs.symlinkSync(folder, path.join(folder, '内', '回来'));
  // root may read every folder: refuse in its place
  const { readdirSync } = real;
  const refuse = (place: unknown, ...rest: unknown[]) => {
    if (String(place).endsWith('锁')) throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
    return (readdirSync as (...args: unknown[]) => unknown)(place, ...rest);
  };
  Object.assign(real, { readdirSync: refuse });
  try {
    const { photos, skipped } = photosIn(folder);
    assert.equal(
      photos.map(({ file }) => file),
      ['一.png', '内/二.png'],
    );
    assert.equal(
      skipped.map(({ file }) => file),
      ['内/回来', '锁'],
    );
    assert.match(skipped[0].reason, /链接/);
    assert.match(skipped[1].reason, /读不了：EACCES/);
    const error = await failure(() => photosIn(path.join(folder, '锁')));
    assert.instance(error, CourseError);
    assert.match(error.message, /读不了文件夹.*EACCES/);
  } finally {
    Object.assign(real, { readdirSync });
    fs.rmSync(folder, { recursive: true, force: true });
  }
});

test.run();
