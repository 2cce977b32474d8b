import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend } from '../../../lib/tf/backend';
import { type PhotoSummary, readSummary, writeSummary } from '../../../lib/02-patches/cache';
import { loadModel } from '../../../lib/model/networks/load';
import { scanPhotos, topPatches } from '../../../lib/02-patches/patches';
import { coursePhotos, type Photo } from '../../../lib/image/photos';
import { longTest, tinyModel } from '../../helpers';

/** What a layer answers to a photo is kept: a second pass reads it, and gives the same. */

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-patch-cache-'));
const inFolder = (name: string) => (process.env.CONVSCOPE_CACHE = path.join(folder, name));
const model = () =>
  tinyModel([4, 4], [{ kernel: [1, -1, 0, 0, 0, 0, ...Array(18).fill(0)], size: [2, 2], filters: 2 }]);

test.before(async () => {
  await startBackend();
});

test.after(() => fs.rmSync(folder, { recursive: true }));

test('缓存有大小上限：超过时丢掉最早写的，留下刚写的；两种 perPhoto 互不相混', async () => {
  const tiny = model();
  const kind = { model: tiny, layer: 'c1', perPhoto: 1 };
  inFolder('small');
  const some = coursePhotos({ category: 'fish' }).slice(0, 12);
  const summary = (i: number): PhotoSummary => ({
    value: Float32Array.of(i, -i),
    at: Int32Array.of(i, 0),
    mean: Float32Array.of(0, i),
  });
  const bytes = 2 * 12;
  for (const [i, photo] of some.entries()) {
    writeSummary(kind, photo, summary(i), 5 * bytes);
    assert.equal(readSummary(kind, photo, 2), summary(i), '刚写的一定在');
    const kept = some.filter((p) => readSummary(kind, p, 2));
    assert.ok(kept.length <= 5, `上限是 5 张，留着 ${kept.length} 张`);
    assert.ok(kept.length >= Math.min(i + 1, 4), `丢得太多：只剩 ${kept.length} 张`);
    await new Promise((done) => setTimeout(done, 5)); // the time of writing tells which is older
  }
  assert.is(readSummary({ ...kind, perPhoto: 2 }, some[11], 2), undefined);
  assert.is(readSummary(kind, some[0], 2), undefined);
  tiny.dispose();
});

test('全在缓存里的许多照片：每张恰好看一遍，次序不变，进度走到头', async () => {
  const tiny = model();
  inFolder('large');
  const many = coursePhotos().slice(0, 200);
  for (const [i, photo] of many.entries()) {
    const own = { value: Float32Array.of(i, 0), at: Int32Array.of(0, 0), mean: Float32Array.of(0, 0) };
    writeSummary({ model: tiny, layer: 'c1', perPhoto: 1 }, photo, own);
  }
  const seen: number[] = [];
  const done: number[] = [];
  const visit = (_: Photo, { value }: PhotoSummary, index: number) => {
    assert.is(value[0], index);
    seen.push(index);
  };
  await scanPhotos(tiny, many, 'c1', visit, { cache: true, onStep: (s) => void done.push(s.done) });
  assert.equal(seen, [...many.keys()]);
  assert.equal(done, [64, 128, 192, 200]);
  tiny.dispose();
});

longTest(test, '真实网络：第二次从缓存读，结果相同；缓存损坏则重算', async () => {
  const cache = inFolder('real');
  const network = await loadModel('efficientnet-lite0');
  const some = coursePhotos({ labelled: true, background: 'scene' }).slice(0, 6);
  const steps: number[] = [];
  const onStep = (s: { cached: number }) => void steps.push(s.cached);
  const first = await topPatches(network, some, 'b2', { count: 3, onStep });
  assert.is(steps[steps.length - 1], 0);
  const second = await topPatches(network, some, 'b2', { count: 3, onStep });
  assert.is(steps[steps.length - 1], 6);
  assert.equal(second, first);
  const files = fs
    .readdirSync(cache, { recursive: true, encoding: 'utf8' })
    .map((f) => path.join(cache, f))
    .filter((f) => fs.statSync(f).isFile());
  assert.is(files.length, 6);
  fs.writeFileSync(files[0], 'x');
  assert.equal(await topPatches(network, some, 'b2', { count: 3 }), first);
  network.dispose();
});

test.run();
