/** A folder of any number of photos made from the course's: each altered a little, some exact copies, some bad files. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { createCanvas, loadImage } from 'canvas';
import { coursePhotos } from '../lib/image/photos';
import { randomGenerator } from '../lib/base/random';

/** As people sort theirs: a folder with all of them is slow to list. */
const PER_FOLDER = 1000;
/** Every 50th is the same file as the one before it, every 500th is bad: ties and faults belong to the task. */
const COPY_EVERY = 50;
const BAD_EVERY = 500;

const BAD: readonly ((photo: Buffer) => Buffer)[] = [
  () => Buffer.alloc(0),
  (photo) => photo.subarray(0, photo.length >> 1),
  () => Buffer.from('this is not a picture\n'),
];

/** A random piece (75 to 100 % of each side), perhaps mirrored, a little brighter or darker, as JPEG. */
async function altered(photo: Buffer, random: () => number): Promise<Buffer> {
  const image = await loadImage(photo);
  const [width, height] = [image.width, image.height].map((side) => Math.round(side * (0.75 + 0.25 * random())));
  const [x, y] = [image.width - width, image.height - height].map((room) => Math.floor(room * random()));
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  if (random() < 0.5) context.setTransform(-1, 0, 0, 1, width, 0);
  context.drawImage(image, x, y, width, height, 0, 0, width, height);
  context.fillStyle = random() < 0.5 ? '#000' : '#fff';
  context.globalAlpha = 0.15 * random();
  context.fillRect(0, 0, width, height);
  return canvas.encode('jpeg', 85);
}

/** Fills the folder, or does nothing when it is full already; the same count gives the same files. */
export async function makePhotoFolder(folder: string, count: number): Promise<{ bad: number }> {
  const done = path.join(folder, 'complete.txt');
  const bad = Math.floor(count / BAD_EVERY);
  if (fs.existsSync(done) && fs.readFileSync(done, 'utf8') === String(count)) return { bad };
  fs.rmSync(folder, { recursive: true, force: true });
  const photos = coursePhotos().map((photo) => fs.readFileSync(photo.path));
  const generator = randomGenerator(8);
  let before = '';
  for (let i = 0; i < count; i++) {
    const below = path.join(folder, String(Math.floor(i / PER_FOLDER)).padStart(3, '0'));
    if (i % PER_FOLDER === 0) fs.mkdirSync(below, { recursive: true });
    const file = path.join(below, `${String(i).padStart(6, '0')}.jpg`);
    const photo = photos[i % photos.length];
    if (i % BAD_EVERY === BAD_EVERY - 1) fs.writeFileSync(file, BAD[Math.floor(i / BAD_EVERY) % BAD.length](photo));
    else if (i % COPY_EVERY === COPY_EVERY - 1) fs.linkSync(before, file);
    else if (i < photos.length) fs.writeFileSync(file, photo);
    else fs.writeFileSync(file, await altered(photo, () => generator.uniform()));
    before = file;
  }
  fs.writeFileSync(done, String(count));
  return { bad };
}
