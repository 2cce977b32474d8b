import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import type { Test } from 'uvu';
import { encodePng } from '../../../lib/image/image';
import type { Photo } from '../../../lib/image/photos';
import { photosIn } from '../../../lib/image/photos-in';
import { startBackend, tf } from '../../../lib/tf/backend';

/** One channel answers to red at the top left of its 2x2 window, the other to its opposite (never positive). */
export const corner = {
  kernel: [1, -1, 0, 0, 0, 0, ...Array<number>(18).fill(0)],
  size: [2, 2] as [number, number],
  filters: 2,
};

/** Into a folder, which is made if it is not there; disposes of the image. */
export async function writePhoto(folder: string, name: string, image: tf.Tensor3D): Promise<void> {
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, `${name}.png`), await encodePng(image));
  image.dispose();
}

/** 4x4, black but for one red pixel. */
const dot = (row: number, col: number, red: number) =>
  tf.tidy(() => {
    const buffer = tf.buffer([4, 4, 3]);
    buffer.set(red, row, col, 0);
    return buffer.toTensor() as tf.Tensor3D;
  });

/** Three photos of a dot each, a folder and a cache of the test's own, and the backend. */
export function dotPhotos(test: Test): { folder: string; photos: Photo[] } {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-patches-'));
  process.env.CONVSCOPE_CACHE = path.join(folder, 'cache');
  const photos: Photo[] = [];
  test.before(async () => {
    await startBackend();
    const at = path.join(folder, 'photos');
    await writePhoto(at, 'a', dot(0, 0, 0.4));
    await writePhoto(at, 'b', dot(1, 2, 1));
    await writePhoto(at, 'c', dot(2, 1, 0.8));
    photos.push(...photosIn(at).photos);
  });
  test.after(() => fs.rmSync(folder, { recursive: true }));
  return { folder, photos };
}
