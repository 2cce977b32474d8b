import { createCanvas } from 'canvas';
import * as fs from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { encodePng, loadImage } from '../../../lib/image/image';
import { failure } from '../../helpers';
import { folder, file, quarters, at, near } from './pictures';

test.before(async () => {
  await startBackend('cpu');
});

test.after(() => fs.rmSync(folder, { recursive: true, force: true }));

test('every format gives RGB in [0, 1], height before width', async () => {
  for (const format of ['png', 'jpeg', 'webp', 'avif'] as const) {
    const image = await loadImage(
      file(`四色.${format}`, await (quarters().encode as (f: string) => Promise<Buffer>)(format)),
    );
    assert.equal(image.shape, [20, 40, 3], format);
    assert.is(image.dtype, 'float32');
    const tolerance = format === 'png' ? 1e-6 : 0.06;
    near(at(image, 4, 8), [1, 0, 0], tolerance);
    near(at(image, 4, 32), [0, 1, 0], tolerance);
    near(at(image, 15, 8), [0, 0, 1], tolerance);
    near(at(image, 15, 32), [128 / 255, 128 / 255, 128 / 255], tolerance);
    image.dispose();
  }
});

test('all eight EXIF orientations come out upright', async () => {
  const upright = quarters(48, 32);
  const shuffle: Record<number, [number, number, number, number, number, number]> = {
    1: [1, 0, 0, 1, 0, 0],
    2: [-1, 0, 0, 1, 48, 0],
    3: [-1, 0, 0, -1, 48, 32],
    4: [1, 0, 0, -1, 0, 32],
    5: [0, 1, 1, 0, 0, 0],
    6: [0, -1, 1, 0, 0, 48],
    7: [0, -1, -1, 0, 32, 48],
    8: [0, 1, -1, 0, 32, 0],
  };
  for (const [orientation, transform] of Object.entries(shuffle)) {
    const turned = Number(orientation) > 4;
    const stored = createCanvas(turned ? 32 : 48, turned ? 48 : 32);
    const context = stored.getContext('2d');
    context.setTransform(...transform);
    context.drawImage(upright, 0, 0);
    const image = await loadImage(withOrientation(stored.toBuffer('image/jpeg', 98), Number(orientation)));
    assert.equal(image.shape, [32, 48, 3], `方向 ${orientation}`);
    near(at(image, 8, 12), [1, 0, 0], 0.06);
    near(at(image, 8, 36), [0, 1, 0], 0.06);
    near(at(image, 24, 12), [0, 0, 1], 0.06);
    image.dispose();
  }
});

/** Inserts an APP1 segment that holds one entry: the orientation. */
function withOrientation(jpeg: Buffer, orientation: number): Buffer {
  const exif = Buffer.from('45786966000049492a000800000001001201030001000000000000000000', 'hex');
  exif.writeUInt16LE(orientation, 24);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(exif.length + 2);
  return Buffer.concat([jpeg.subarray(0, 2), Buffer.from([0xff, 0xe1]), length, exif, jpeg.subarray(2)]);
}

test('resizing agrees with torch (antialiased bilinear, short side, centre crop)', async () => {
  const [height, width] = [23, 37];
  const source = tf.tidy(() => {
    const values: number[] = [];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) values.push((x * 7 + y * 13) % 256, (x * x + 3 * y) % 256, (x * y) % 256);
    }
    return tf.tensor3d(values, [height, width, 3]).div<tf.Tensor3D>(255);
  });
  const png = await encodePng(source);
  const exact = await loadImage(png);
  assert.ok(tf.tidy(() => exact.sub(source).abs().max().dataSync()[0]) < 1e-6, 'PNG 无损');
  // torch.nn.functional.interpolate(mode='bilinear', antialias=True) of the same numbers, then the centre.
  const expected: Record<number, number[][]> = {
    11: [
      [0.235066, 0.212353, 0.021358],
      [0.873595, 0.731513, 0.587745],
      [0.870816, 0.495208, 0.395131],
    ],
    40: [
      [0.184651, 0.178217, 0],
      [0.896501, 0.685827, 0.630426],
      [0.921232, 0.608364, 0.517708],
    ],
  };
  for (const size of [11, 40]) {
    const image = await loadImage(png, { size });
    assert.equal(image.shape, [size, size, 3]);
    near(at(image, 0, 0), expected[size][0], 1e-5);
    near(at(image, size >> 1, Math.floor(size / 3)), expected[size][1], 1e-5);
    near(at(image, size - 1, size - 1), expected[size][2], 1e-5);
    image.dispose();
  }
  tf.dispose([source, exact]);
});

test('a wall of one colour stays of one colour, to the last bit, at every size', async () => {
  const canvas = createCanvas(323, 251);
  const context = canvas.getContext('2d');
  context.fillStyle = 'rgb(236, 237, 121)';
  context.fillRect(0, 0, 323, 251);
  const png = canvas.toBuffer('image/png');
  for (const size of [undefined, 227, 224, 96, 300]) {
    const image = await loadImage(png, { size });
    const colours = new Set(Array.from(image.dataSync()));
    assert.equal(colours, new Set([236, 237, 121].map((v) => Math.fround(v / 255))));
    image.dispose();
  }
});

test('size may be [height, width]; crop cuts before resizing', async () => {
  const png = quarters(40, 20).toBuffer('image/png');
  const wide = await loadImage(png, { size: [10, 20] });
  assert.equal(wide.shape, [10, 20, 3]);
  near(at(wide, 2, 4), [1, 0, 0]);
  const blue = await loadImage(png, { crop: [0, 10, 20, 10] });
  assert.equal(blue.shape, [10, 20, 3]);
  near(at(blue, 0, 19), [0, 0, 1], 1e-6);
  const green = await loadImage(png, { size: 6, crop: [20, 0, 20, 10] });
  near(at(green, 5, 5), [0, 1, 0], 1e-6);
  tf.dispose([wide, blue, green]);
});

test('grey becomes three channels, transparency becomes white, one pixel stays one pixel', async () => {
  const grey = await encodePng(tf.tensor2d([0, 0.2, 0.4, 1], [2, 2]));
  const image = await loadImage(grey);
  near(at(image, 1, 0), [0.4, 0.4, 0.4], 1e-6);
  const canvas = createCanvas(2, 1);
  const context = canvas.getContext('2d');
  context.fillStyle = 'rgba(255, 0, 0, 0.5)';
  context.fillRect(1, 0, 1, 1);
  const clear = await loadImage(canvas.toBuffer('image/png'));
  near(at(clear, 0, 0), [1, 1, 1], 1e-6);
  near(at(clear, 0, 1), [1, 0.5, 0.5], 0.01);
  const dot = await loadImage(quarters(1, 1).toBuffer('image/png'), { size: 5 });
  assert.equal(dot.shape, [5, 5, 3]);
  assert.ok(dot.dataSync().every(Number.isFinite));
  tf.dispose([image, clear, dot]);
});

test('8000 x 6000 within memory', async () => {
  const jpeg = await quarters(8000, 6000).encode('jpeg', 60);
  const before = process.memoryUsage().rss;
  const image = await loadImage(jpeg, { size: 227 });
  assert.equal(image.shape, [227, 227, 3]);
  near(at(image, 30, 30), [1, 0, 0]);
  near(at(image, 200, 30), [0, 0, 1]);
  // The decoded picture takes 192 MB, twice that while it is read; as floats it would take 580 MB more.
  assert.ok(process.memoryUsage().rss - before < 600e6, `${(process.memoryUsage().rss - before) / 1e6} MB`);
  image.dispose();
});

test('bad options are refused before anything is read', async () => {
  for (const size of [0, -3, 1.5, NaN, [224, 0], 1e6]) {
    assert.match((await failure(() => loadImage('没有.png', { size: size as number }))).message, /size 应为/);
  }
  const png = quarters(40, 20).toBuffer('image/png');
  for (const crop of [
    [0, 0, 41, 20],
    [-1, 0, 5, 5],
    [0, 0, 0, 5],
    [0.5, 0, 5, 5],
  ] as const) {
    const error = await failure(() => loadImage(png, { crop: crop as [number, number, number, number] }));
    assert.instance(error, RangeError);
    assert.match(error.message, /crop.*宽 40，高 20/);
  }
});

test.run();
