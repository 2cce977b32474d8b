/** Whatever way a picture is stored, it comes upright: PNG (eXIf) and AVIF (irot, imir), all eight ways. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, type tf } from '../../../lib/tf/backend';
import { readHeader } from '../../../lib/image/header';
import { loadImage, photoBoxes } from '../../../lib/image/image';
import { chunk, colourAt, exif, png } from './stored';

test.before(async () => {
  await startBackend('cpu');
});

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
