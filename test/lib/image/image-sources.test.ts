import { createCanvas } from 'canvas';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as path from 'node:path';
import { deflateSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { CourseError } from '../../../lib/base/errors';
import { loadImage } from '../../../lib/image/image';
import { crc32 } from '../../../lib/image/header';
import { failure, leakFree } from '../../helpers';
import { folder, file, quarters } from './pictures';

test.before(async () => {
  await startBackend('cpu');
});

test.after(() => fs.rmSync(folder, { recursive: true, force: true }));

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

test.run();
