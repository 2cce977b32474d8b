/** Whatever way a picture is stored, it comes upright: PNG (eXIf) and AVIF (irot, imir), all eight ways. */
import { createCanvas } from 'canvas';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, type tf } from '../../../lib/tf/backend';
import { crc32, readHeader } from '../../../lib/image/header';
import { loadImage, photoBoxes } from '../../../lib/image/image';

test.before(async () => {
  await startBackend('cpu');
});

const RED = [220, 0, 0];
const BLUE = [0, 0, 220];
const GREEN = [0, 160, 0];
/** Upright: 24 wide and 16 high, red on the top left, blue on the top right, green below. */
const colourAt = (x: number, y: number) => (y >= 8 ? GREEN : x < 12 ? RED : BLUE);

/** Where the stored pixel (x, y) of a picture with this EXIF orientation comes from in the upright one. */
const STORED: Record<number, (x: number, y: number) => [number, number]> = {
  1: (x, y) => [x, y],
  2: (x, y) => [23 - x, y],
  3: (x, y) => [23 - x, 15 - y],
  4: (x, y) => [x, 15 - y],
  5: (x, y) => [y, x],
  6: (x, y) => [23 - y, x],
  7: (x, y) => [23 - y, 15 - x],
  8: (x, y) => [y, 15 - x],
};

function chunk(type: string, body: Buffer): Buffer {
  const framed = Buffer.alloc(body.length + 12);
  framed.writeUInt32BE(body.length, 0);
  framed.write(type, 4, 'latin1');
  body.copy(framed, 8);
  framed.writeUInt32BE(crc32(framed.subarray(4, 8 + body.length)), 8 + body.length);
  return framed;
}

/** A TIFF header and a directory of two entries, the second of which is the orientation. */
function exif(orientation: number, little: boolean): Buffer {
  const data = Buffer.alloc(38);
  data.write(little ? 'II' : 'MM', 0, 'latin1');
  const short = (value: number, at: number) => (little ? data.writeUInt16LE(value, at) : data.writeUInt16BE(value, at));
  const long = (value: number, at: number) => (little ? data.writeUInt32LE(value, at) : data.writeUInt32BE(value, at));
  short(42, 2);
  long(8, 4);
  short(2, 8);
  [0x0100, 0x0112].forEach((tag, i) => {
    short(tag, 10 + 12 * i);
    short(3, 12 + 12 * i);
    long(1, 14 + 12 * i);
    short(i === 0 ? 24 : orientation, 18 + 12 * i);
  });
  return data;
}

function png(orientation: number, little = false): Buffer {
  const [width, height] = orientation > 4 ? [16, 24] : [24, 16];
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      context.fillStyle = `rgb(${colourAt(...STORED[orientation](x, y)).join(' ')})`;
      context.fillRect(x, y, 1, 1);
    }
  const bytes = canvas.toBuffer('image/png');
  const afterHeader = 8 + 25;
  return Buffer.concat([bytes.subarray(0, afterHeader), chunk('eXIf', exif(orientation, little)), bytes.subarray(afterHeader)]); // prettier-ignore
}

async function judge(image: tf.Tensor3D, tolerance: number, what: string) {
  assert.equal(image.shape, [16, 24, 3], what);
  const values = await image.data();
  image.dispose();
  for (let y = 0; y < 16; y++)
    for (let x = 0; x < 24; x++)
      colourAt(x, y).forEach((wanted, c) => {
        const found = 255 * values[3 * (24 * y + x) + c];
        assert.ok(Math.abs(found - wanted) <= tolerance, `${what}: ${found} for ${wanted} at ${x}, ${y}`);
      });
}

test('PNG with an eXIf chunk, both byte orders', async () => {
  for (const orientation of [1, 2, 3, 4, 5, 6, 7, 8])
    for (const little of [false, true])
      await judge(await loadImage(png(orientation, little)), 0.01, `PNG ${orientation}`);
});

test('AVIF with irot and imir', async () => {
  const files = JSON.parse(fs.readFileSync(path.join(__dirname, 'upright.avif.json'), 'utf8')) as Record<
    string,
    string
  >;
  assert.is(Object.keys(files).length, 8);
  for (const [orientation, base64] of Object.entries(files))
    await judge(await loadImage(Buffer.from(base64, 'base64')), 2, `AVIF ${orientation}`);
});

test('crop and photoBoxes count in upright pixels', async () => {
  const bytes = png(6);
  const red = await loadImage(bytes, { crop: [0, 0, 12, 8] });
  assert.equal(red.shape, [8, 12, 3]);
  const back = await photoBoxes(bytes, { crop: [12, 0, 12, 8], size: 8 });
  assert.equal(back({ x: 0, y: 0, width: 8, height: 8 }), { x: 14, y: 0, width: 8, height: 8 });
  red.dispose();
});

test('EXIF that is cut short or says nonsense changes nothing', () => {
  const short = chunk('eXIf', exif(6, true).subarray(0, 6));
  const bytes = png(1);
  const cut = Buffer.concat([bytes.subarray(0, 33), short, bytes.subarray(33 + 50)]);
  assert.is(readHeader(cut, 'x').orientation, undefined);
  const absurd = Buffer.concat([bytes.subarray(0, 33), chunk('eXIf', exif(77, false)), bytes.subarray(33 + 50)]);
  assert.is(readHeader(absurd, 'x').orientation, undefined);
});

test.run();
