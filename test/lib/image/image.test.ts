import { createCanvas, type Canvas } from 'canvas';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as os from 'node:os';
import * as path from 'node:path';
import { deflateSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { CourseError } from '../../../lib/base/errors';
import { checkImage } from '../../../lib/image/check';
import { assertImage, encodeJpeg, encodePng, loadImage, toPixels } from '../../../lib/image/image';
import { crc32 } from '../../../lib/image/header';
import { failure, leakFree } from '../../helpers';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-图片 '));
const file = (name: string, bytes: Uint8Array | string) => {
  fs.writeFileSync(path.join(folder, name), bytes);
  return path.join(folder, name);
};

/** A picture whose pixels are known: red, green | blue, grey quarters. */
function quarters(width = 40, height = 20): Canvas {
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  ['#ff0000', '#00ff00', '#0000ff', '#808080'].forEach((color, i) => {
    context.fillStyle = color;
    context.fillRect(((i % 2) * width) / 2, (i < 2 ? 0 : 1) * (height / 2), width / 2, height / 2);
  });
  return canvas;
}

const at = (image: tf.Tensor3D, row: number, column: number) =>
  Array.from(image.dataSync().slice(3 * (row * image.shape[1] + column), 3 * (row * image.shape[1] + column) + 3));

function near(got: readonly number[], expected: readonly number[], tolerance = 0.02): void {
  const worst = Math.max(...expected.map((v, i) => Math.abs(v - got[i])));
  assert.ok(worst <= tolerance, `得到 ${got}，应为 ${expected}`);
}

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

test('URLs: data, file and http, also with an error or nobody at home', async () => {
  const png = quarters().toBuffer('image/png');
  const server = http.createServer((request, response) => {
    // a connection kept open would answer "closed" instead of "refused" after the server has gone
    response.setHeader('connection', 'close');
    response.statusCode = request.url === '/a.png' ? 200 : 404;
    response.end(request.url === '/a.png' ? png : '没有');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  const fileUrl = new URL(`file://${encodeURI(file('地址.png', png))}`);
  for (const source of [`data:image/png;base64,${png.toString('base64')}`, fileUrl, fileUrl.href, `${address}/a.png`]) {
    const image = await loadImage(source);
    assert.equal(image.shape, [20, 40, 3]);
    image.dispose();
  }
  assert.match((await failure(() => loadImage(`${address}/b.png`))).message, /404.*检查网址/s);
  await new Promise((resolve) => server.close(resolve));
  const gone = await failure(() => loadImage(`${address}/a.png`));
  assert.instance(gone, CourseError);
  assert.match(gone.message, /取不到.*ECONNREFUSED.*网络/s);
});

test('relative paths: the notebook first, then the project, then the course photos', async () => {
  const image = await loadImage('mammal/panda.jpg', { size: 8 });
  const fromRoot = await loadImage('data/photos/mammal/panda.jpg', { size: 8 });
  assert.equal(Array.from(image.dataSync()), Array.from(fromRoot.dataSync()));
  const previous = process.env.NOTEBOOK_DIR;
  process.env.NOTEBOOK_DIR = folder;
  file('旁边.png', quarters().toBuffer('image/png'));
  const beside = await loadImage('旁边.png');
  assert.equal(beside.shape, [20, 40, 3]);
  if (previous === undefined) delete process.env.NOTEBOOK_DIR;
  else process.env.NOTEBOOK_DIR = previous;
  tf.dispose([image, fromRoot, beside]);
});

test('bad files: a Chinese message that says what to do, and no tensor left behind', async () => {
  const noise = createCanvas(120, 120);
  const context = noise.getContext('2d');
  for (let i = 0; i < 120; i++) {
    context.fillStyle = `rgb(${(i * 37) % 256}, ${(i * 91) % 256}, ${(i * 53) % 256})`;
    context.fillRect(i, (i * 7) % 120, 60, 9);
  }
  const png = noise.toBuffer('image/png');
  const jpeg = noise.toBuffer('image/jpeg', 90);
  const bent = Buffer.from(png);
  bent[png.length >> 1] ^= 0x55;
  const cases: [unknown, RegExp][] = [
    [file('损坏.png', bent), /"[^"]*损坏\.png"已损坏.*校验和.*重新/],
    [file('半张.png', png.subarray(0, png.length >> 1)), /已损坏.*只有一部分/],
    [file('半张.jpg', jpeg.subarray(0, jpeg.length >> 1)), /已损坏.*只有一部分/],
    [file('缺行.png', shortPng()), /已损坏.*一部分|已损坏，解码失败/],
    [file('半张.webp', (await noise.encode('webp')).subarray(0, 200)), /已损坏/],
    [file('文本.jpg', '这是一段文字，不是照片。'), /文本文件.*改了扩展名.*PNG、JPEG/],
    [file('网页.jpg', '<!DOCTYPE html><html></html>'), /网页/],
    [file('手机.heic', Buffer.from('\0\0\0\x18ftypheic\0\0\0\0', 'latin1')), /HEIC.*JPEG/],
    [file('动画.gif', Buffer.from('GIF89a\x01\0\x01\0', 'latin1')), /GIF.*PNG/],
    [file('矢量.svg', '<svg xmlns="http://www.w3.org/2000/svg"/>'), /SVG/],
    [file('空.png', ''), /空文件/],
    [new Uint8Array(0), /空文件/],
    [file('巨大.png', hugePng()), /太大.*40000×40000.*缩小/],
    [path.join(folder, '损环.png'), /找不到.*损坏\.png/],
    ['mammal/pnada.jpg', /找不到.*panda\.jpg/],
    [folder, /文件夹.*photosIn/],
    ...(process.platform === 'win32'
      ? []
      : ([['C:\\照片\\猫.jpg', /Windows.*拷贝到笔记本旁边/]] as [string, RegExp][])),
    ['file://别处/猫.jpg', /file:\/\/ 地址.*三条斜线|找不到/],
    ['', /空字符串/],
    [42, /number/],
  ];
  for (const [source, message] of cases) {
    await leakFree(async () => {
      const error = await failure(() => loadImage(source as string));
      assert.match(error.message, message);
      assert.ok(error instanceof CourseError || error instanceof TypeError, error.name);
    });
  }
});

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

function chunk(type: string, body: Buffer): Buffer {
  const content = Buffer.concat([Buffer.from(type), body]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(body.length, 0);
  ends.writeUInt32BE(crc32(content), 4);
  return Buffer.concat([ends.subarray(0, 4), content, ends.subarray(4)]);
}

function header(width: number, height: number): Buffer {
  const body = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  body.writeUInt32BE(width, 0);
  body.writeUInt32BE(height, 4);
  return chunk('IHDR', body);
}

const end = chunk('IEND', Buffer.alloc(0));

/** A valid header that promises 1.6 billion pixels. */
const hugePng = () => Buffer.concat([signature, header(40000, 40000), chunk('IDAT', Buffer.alloc(0)), end]);

/** Every checksum is right, but the pixels stop half way. */
function shortPng(): Buffer {
  const rows = Buffer.from(
    Uint8Array.from({ length: 61 * 60 * 3 + 60 }, (_, i) => (i % 181 === 0 ? 0 : (i * i) % 251)),
  );
  const pixels = deflateSync(rows);
  return Buffer.concat([signature, header(60, 60), chunk('IDAT', pixels.subarray(0, pixels.length >> 1)), end]);
}

/** Files that Pillow wrote, and its pixels over white: bits, channels, palettes, transparency, several pictures in one. */
test('every kind of PNG, JPEG, WebP and AVIF: the pixels that Pillow reads', async () => {
  const kinds = JSON.parse(fs.readFileSync(path.join(__dirname, 'kinds.json'), 'utf8')) as Record<string, Kind>;
  assert.is(Object.keys(kinds).length, 16);
  for (const [name, { file, pixels }] of Object.entries(kinds)) {
    const image = await loadImage(Buffer.from(file, 'base64'));
    const right = Buffer.from(pixels, 'base64');
    const off = Array.from(await image.data(), (value, i) => Math.abs(255 * value - right[i]));
    assert.equal(image.shape, [6, 8, 3], name);
    assert.ok(Math.max(...off) <= (name.endsWith('avif') ? 4 : 1.5), `${name}：相差 ${Math.max(...off)}`);
    image.dispose();
  }
});

interface Kind {
  readonly file: string;
  readonly pixels: string;
}

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

test('checkImage names what is wrong and how to mend it; assertImage says the same of the shape', async () => {
  const wrong = async (image: unknown) => {
    try {
      await checkImage(image as tf.Tensor);
    } catch (error) {
      return error as Error;
    } finally {
      tf.dispose(image as tf.Tensor);
    }
    return assert.unreachable('应当报错') as never;
  };
  assert.match((await wrong('panda.jpg')).message, /loadImage/);
  assert.match((await wrong(tf.zeros([1, 4, 4, 3]))).message, /squeeze/);
  assert.match((await wrong(tf.zeros([5, 4, 4, 3]))).message, /gather/);
  assert.match((await wrong(tf.zeros([4, 4]))).message, /stack/);
  assert.match((await wrong(tf.zeros([4, 4, 4]))).message, /透明/);
  assert.match((await wrong(tf.zeros([3, 5, 6]))).message, /transpose/);
  assert.match((await wrong(tf.zeros([4, 4, 3], 'int32'))).message, /int32.*toFloat/);
  assert.match((await wrong(tf.fill([4, 4, 3], 255))).message, /255.*div\(255\)/);
  assert.match((await wrong(tf.fill([4, 4, 3], -0.4))).message, /clipByValue/);
  assert.match((await wrong(tf.fill([4, 4, 3], NaN))).message, /NaN/);
  const gone = tf.zeros([2, 2, 3]);
  gone.dispose();
  assert.match((await wrong(gone)).message, /释放/);
  const good = tf.zeros([2, 2, 3]);
  await checkImage(good);
  assertImage(good);
  const batch = tf.zeros([1, 2, 2, 3]);
  assert.throws(() => assertImage(batch), /squeeze/);
  batch.dispose();
  good.dispose();
});

test('PNG keeps every 8-bit value, JPEG nearly; nothing leaks', async () => {
  await leakFree(async () => {
    const image = tf.tidy(() => tf.range(0, 256).tile([3]).reshape([16, 16, 3]).div(255)) as tf.Tensor3D;
    const back = await loadImage(await encodePng(image));
    assert.equal((await toPixels(back)).data, (await toPixels(image)).data);
    const smooth = tf.tidy(() => tf.linspace(0, 1, 64).reshape([1, 64, 1]).tile<tf.Tensor3D>([64, 1, 3]));
    const jpeg = await loadImage(await encodeJpeg(smooth, 95));
    assert.ok(tf.tidy(() => jpeg.sub(smooth).abs().max().dataSync()[0]) < 0.02);
    assert.match((await failure(() => encodeJpeg(smooth, 0))).message, /quality/);
    const batch = tf.zeros([1, 2, 2, 3]);
    assert.match((await failure(() => encodePng(batch as never))).message, /形状 \[1, 2, 2, 3\]/);
    return [image, back, smooth, jpeg, batch];
  });
});

test('PNG files are small: grey and few colours take one byte a pixel', async () => {
  const grey = await encodePng(tf.zeros<tf.Rank.R3>([64, 64, 3]));
  assert.is(grey[25], 0, '灰度');
  const two = await encodePng(tf.tensor3d([1, 0, 0, 0, 0, 1], [1, 2, 3]));
  const back = await loadImage(two);
  near(at(back, 0, 1), [0, 0, 1], 1e-6);
  back.dispose();
});

test.run();
