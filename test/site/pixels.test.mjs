/** What loadImage reads in a page is what it reads in Node, whatever the format and however the camera was held. */
import fs from 'node:fs';
import path from 'node:path';
import { createCanvas, loadImage as decode } from 'canvas';
import { require as load } from 'tsx/cjs/api';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inRoot } from '../../scripts/setup/paths.mjs';
import { newProfile, openChapter, runCode, startSite, textOf, upload } from './lab.mjs';

const own = (file) => load(inRoot(...file.split('/')), import.meta.url);
const { startBackend } = own('lib/tf/backend.ts');
const { loadImage } = own('lib/image/image.ts');
const stored = own('test/lib/image/stored.ts');

const photo = (name) => fs.readFileSync(inRoot('data', 'photos', ...name.split('/')));

/** The red panda again, to be written in another format. */
async function repainted() {
  const image = await decode(photo('mammal/red-panda.jpg'));
  const canvas = createCanvas(image.width, image.height);
  canvas.getContext('2d').drawImage(image, 0, 0);
  return canvas;
}

/** A glass pane: every alpha from 0 to 255. */
function transparent() {
  const canvas = createCanvas(256, 200);
  const context = canvas.getContext('2d');
  const pixels = context.createImageData(256, 200);
  for (let i = 0; i < 256 * 200; i++) pixels.data.set([i % 251, (i * 7) % 253, (i * 13) % 255, i % 256], 4 * i);
  context.putImageData(pixels, 0, 0);
  return canvas.toBuffer('image/png');
}

async function pictures() {
  const panda = photo('mammal/red-panda.jpg');
  const canvas = await repainted();
  const webp = canvas.toBuffer('image/webp', 90);
  const avif = JSON.parse(fs.readFileSync(inRoot('test', 'lib', 'image', 'upright.avif.json'), 'utf8'));
  return {
    ...Object.fromEntries(['mammal/red-panda.jpg', 'building/india-gate.jpg', 'fish/fish-28.jpg'].map((name) => [path.basename(name), photo(name)])), // prettier-ignore
    'photo.png': canvas.toBuffer('image/png'),
    'dog.png': fs.readFileSync(inRoot('test', 'checks', 'dog-224.png')),
    'glass.png': transparent(),
    'photo.webp': webp,
    'photo.avif': canvas.toBuffer('image/avif', { quality: 90 }),
    ...Object.fromEntries([2, 3, 6, 7].map((way) => [`turned-${way}.jpg`, stored.turnedJpeg(panda, way)])),
    ...Object.fromEntries([6, 7].map((way) => [`turned-${way}.webp`, stored.turnedWebp(webp, way)])),
    ...Object.fromEntries([1, 5, 6, 8].map((way) => [`turned-${way}.png`, stored.png(way)])),
    ...Object.fromEntries([5, 6, 8].map((way) => [`turned-${way}.avif`, Buffer.from(avif[way], 'base64')])),
  };
}

/** In the page: the largest difference to the numbers that Node has written down. */
const LOOK = `
import { loadImage, startBackend } from '../lib/index';
import * as fs from 'fs';
await startBackend('cpu');
const pictures = JSON.parse(fs.readFileSync('pictures.json', 'utf8')) as Record<string, string>;
const numbers = fs.readFileSync('numbers.bin');
let at = 0;
for (const [name, base64] of Object.entries(pictures))
  for (const size of [undefined, 224, 64]) {
    const image = await loadImage(Buffer.from(base64, 'base64'), { size });
    const own = await image.data();
    let largest = 0;
    for (let i = 0; i < own.length; i++, at += 4) largest = Math.max(largest, Math.abs(own[i] - numbers.readFloatLE(at)));
    console.log(name, image.shape.join('×'), largest);
    image.dispose();
  }
console.log(numbers.length - at, 'bytes left');`;

/** One level of 255, and the rounding of the floats: AVIF's colours are computed by two decoders. */
const MOST = 1 / 255 + 1e-6;

test('every picture comes out within 1/255 of what Node makes of it, at its own size, 224 and 64', async () => {
  await startBackend('cpu');
  const all = await pictures();
  const [shapes, numbers] = [[], []];
  for (const [name, bytes] of Object.entries(all))
    for (const size of [undefined, 224, 64]) {
      const image = await loadImage(bytes, { size });
      shapes.push(`${name} ${image.shape.join('×')}`);
      numbers.push(Buffer.from((await image.data()).buffer.slice(0)));
      image.dispose();
    }
  const site = await startSite();
  try {
    const page = await openChapter(await newProfile(site), '01-filters');
    const texts = Object.entries(all).map(([name, bytes]) => [name, bytes.toString('base64')]);
    await upload(page, 'pictures.json', Buffer.from(JSON.stringify(Object.fromEntries(texts))));
    await upload(page, 'numbers.bin', Buffer.concat(numbers));
    const lines = textOf(await runCode(page, LOOK))
      .trim()
      .split('\n');
    assert.is(lines.at(-1), '0 bytes left', lines.join('\n'));
    lines.pop();
    assert.equal(
      lines.map((line) => line.replace(/ \S+$/, '')),
      shapes,
    );
    const differences = new Map(lines.map((line) => [line, Number(line.split(' ').pop())]));
    assert.equal([...differences].filter(([, largest]) => !(largest <= MOST)), []); // prettier-ignore
    // where both have the same decoder, nothing differs at all
    assert.equal([...differences].filter(([line, largest]) => !line.includes('.avif') && largest > 0), []); // prettier-ignore
  } finally {
    await site.close();
  }
});

test.run();
