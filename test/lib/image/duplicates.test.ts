import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { encodeJpeg, loadImage, type ImageSource } from '../../../lib/image/image';
import { coursePhotos, photo } from '../../../lib/image/photos';

/**
 * No photo is there twice, not even scaled, compressed or lit differently: a doubled photo is its own nearest neighbour
 * and counts twice in every table. A checksum does not see it. A difference hash does (64 bits: is a grey brighter than
 * its left neighbour?), but so simple an outline as an apricot's on grey has the hash of another; where two hashes are
 * near, the greys themselves decide: 0.9998 for a copy, 0.91 for the most similar pair that is none.
 */
const NEAR = 6;
const SAME = 0.98;

interface Look {
  readonly hash: boolean[];
  /** 32 x 36 greys, mean 0, length 1. */
  readonly greys: Float32Array;
}

async function look(source: ImageSource): Promise<Look> {
  const image = await loadImage(source, { size: [32, 36] });
  const [greys, small] = tf.tidy(() => {
    const grey = image.mean<tf.Tensor3D>(2, true);
    const centred = grey.sub<tf.Tensor3D>(grey.mean());
    return [centred.div(centred.norm()), grey.avgPool(4, 4, 'valid')].map((t) => t.dataSync() as Float32Array);
  });
  image.dispose();
  const hash = Array.from({ length: 64 }, (_, i) => {
    const pixel = Math.floor(i / 8) * 9 + (i % 8);
    return small[pixel + 1] > small[pixel] + 0.01; // so that JPEG's noise on a grey ground is no bit
  });
  return { hash, greys };
}

function same(a: Look, b: Look): boolean {
  const distance = a.hash.filter((bit, i) => bit !== b.hash[i]).length;
  return distance <= NEAR && a.greys.reduce((sum, v, i) => sum + v * b.greys[i], 0) >= SAME;
}

/** The pairs that look the same, by name. */
function doubles(looks: ReadonlyMap<string, Look>): string[] {
  const list = [...looks];
  return list.flatMap(([name, its], i) =>
    list.slice(0, i).flatMap(([other, look]) => (same(look, its) ? [`${other} = ${name}`] : [])),
  );
}

test.before(async () => {
  await startBackend('cpu');
});

test('no photo is there twice', async () => {
  const looks = new Map<string, Look>();
  for (const { file, path: full } of coursePhotos()) looks.set(file, await look(full));
  assert.equal(doubles(looks), []);

  // Copies of every kind of photo are found: smaller, paler, more compressed.
  for (const file of ['building/colosseum.jpg', 'mammal/dog.jpg', 'bird/penguin.jpg', 'fruit/apricot.jpg']) {
    const { path: full, background } = photo(file);
    const small = await loadImage(full, { size: background === 'flat' ? 150 : [150, 200] });
    const pale = tf.tidy(() => small.mul<tf.Tensor3D>(0.8).add<tf.Tensor3D>(0.1));
    const copy = await look(await encodeJpeg(pale, 60));
    assert.equal(doubles(new Map([...looks, ['copy', copy]])), [`${file} = copy`]);
    tf.dispose([small, pale]);
  }
});

test('every picture in the folder is in the list', () => {
  const folder = path.dirname(path.dirname(coursePhotos()[0].path));
  const files = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => file.replace(/\\/g, '/'));
  assert.equal(
    files.filter((file) => /\.jpg$/.test(file)).sort(),
    coursePhotos()
      .map(({ file }) => file)
      .sort(),
  );
});

test.run();
