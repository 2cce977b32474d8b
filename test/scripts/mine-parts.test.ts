/** Many photos without a network: the walk, partial results that add up, the files that come out. */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Strongest } from '../../lib/02-patches/strongest';
import { randomGenerator } from '../../lib/base/random';
import { assemble } from '../../mine/assemble';
import { linesOf } from '../../mine/files';
import {
  firstOf,
  type Geometry,
  mergePartials,
  type Partial,
  readPartial,
  type Seen,
  writePartial,
} from '../../mine/partial';
import { makePlan, listedIn, missingShards, partialFile } from '../../mine/plan';
import { scanSafely, type Worker, WorkerDied } from '../../mine/pool';
import { walkPhotos } from '../../mine/walk';
import { failure } from '../helpers';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-mine-'));
test.after(() => fs.rmSync(folder, { recursive: true }));

const put = (file: string, content = '') => {
  const full = path.join(folder, file);
  fs.mkdirSync(path.dirname(full), { recursive: true });
  fs.writeFileSync(full, content);
};

const CHANNELS = 5;
const TOP = 3;
const field = { size: 20, stride: 16, offset: -2 };
const geometry: Geometry = {
  inputSize: [64, 64],
  shape: [4, 4, CHANNELS],
  fields: [field, field],
};
const work = 'w';

/** Made-up numbers for a file, from its name alone; few values, so that many are equal. */
function numbers(file: string) {
  const seed = [...file].reduce((sum, letter) => (31 * sum + letter.codePointAt(0)!) >>> 0, 7);
  const { integer, uniform } = randomGenerator(seed);
  const bad = integer(8) === 0;
  const size = [100 + integer(50), 80 + integer(50)] as const;
  const value = Array.from({ length: CHANNELS }, () => integer(3));
  const at = value.map(() => integer(16));
  return { bad, size, value, at, mean: value.map(() => Math.fround(uniform())) };
}

function partial(files: readonly string[], engine = 'cpu'): Partial {
  const sorted = [...files].sort();
  const strongest = Array.from({ length: CHANNELS }, () => new Strongest(TOP));
  const rows: number[] = [];
  const seen = sorted.map((file, index): Seen => {
    const { bad, size, value, at, mean } = numbers(file);
    if (bad) return { file, reason: `"${file}" 坏了` };
    strongest.forEach((s, c) => s.offer(value[c], at[c], index));
    rows.push(...mean);
    return { file, size };
  });
  return { seen, features: Float32Array.from(rows), top: strongest.map((s) => s.descending()), geometry, engine };
}

const names = Array.from(
  { length: 97 },
  (_, i) => `${['a', 'a-b', 'a/b', '照片', 'x,"y'][i % 5]}/${(i * 7919) % 1000}.jpg`,
);
const OUTPUTS = ['top.json', 'features.npy', 'index.csv', 'bad.csv'];

/** Shares the files out with `share`, writes the partial results, puts them together; the four files as bytes. */
function outcome(label: string, share: (i: number) => number): Buffer[] {
  const out = path.join(folder, label);
  const shards = new Map<number, string[]>();
  names.forEach((name, i) => shards.set(share(i), [...(shards.get(share(i)) ?? []), name]));
  const files = [...shards].map(([id, list]) => {
    writePartial(partialFile(out, id), work, partial(list));
    return partialFile(out, id);
  });
  assemble(out, files, { work, network: 'n', layer: 'l', top: TOP });
  return OUTPUTS.map((name) => fs.readFileSync(path.join(out, name)));
}

test('遍历的次序就是整条路径的次序；链接、断链都有交代，别的文件不算', () => {
  for (const file of ['b.jpg', 'a/z.PNG', 'a/c/1.jpeg', 'a-b/2.jpg', 'a.jpg', 'a0.webp', 'a/notes.txt', 'é/ü.jpg', '照/片.jpg'])
    put(`walk/${file}`); // prettier-ignore
  const root = path.join(folder, 'walk');
  const regular = [...walkPhotos(root)].map(({ file }) => file);
  assert.equal(regular, [...regular].sort());
  assert.is(regular.length, 8);
  assert.ok(regular.includes('a-b/2.jpg') && regular.indexOf('a-b/2.jpg') < regular.indexOf('a.jpg'));
  fs.symlinkSync(path.join(root, 'a'), path.join(root, 'loop'));
  fs.symlinkSync(path.join(root, 'b.jpg'), path.join(root, 'c.jpg'));
  fs.symlinkSync(path.join(root, 'nowhere.jpg'), path.join(root, 'd.jpg'));
  const all = new Map([...walkPhotos(root)].map(({ file, reason }) => [file, reason]));
  assert.is(all.size, 11);
  assert.match(all.get('loop')!, /链接/);
  assert.is(all.get('c.jpg'), undefined);
  assert.match(all.get('d.jpg')!, /不存在/);
});

test('合并满足结合律与交换律：怎样分组、什么次序，结果都与一次算完相同', () => {
  const whole = partial(names);
  const parts = [0, 1, 2].map((k) => partial(names.filter((_, i) => ((i * i) % 7) % 3 === k)));
  const [a, b, c] = parts;
  const merge = (x: Partial, y: Partial) => mergePartials(x, y, TOP);
  assert.equal(merge(merge(a, b), c), whole);
  assert.equal(merge(a, merge(b, c)), whole);
  assert.equal(merge(merge(c, a), b), whole);
  assert.equal(merge(b, a), merge(a, b));
  assert.throws(() => merge(a, a), /两份结果/);
});

test('怎样分份都得到同样的字节：一份、连续的三份、交错的、每份一张', () => {
  const sorted = new Map([...names].sort().map((name, i) => [name, i]));
  const one = outcome('one', () => 0);
  const ways = {
    blocks: (i: number) => Math.floor(sorted.get(names[i])! / 40),
    interleaved: (i: number) => i % 4,
    single: (i: number) => i,
  };
  for (const [label, share] of Object.entries(ways)) {
    outcome(label, share).forEach((bytes, k) => assert.ok(bytes.equals(one[k]), `${label}: ${OUTPUTS[k]}`));
  }
});

test('输出与手算一致：前几名、特征、索引、坏文件', () => {
  const [top, npy, index, bad] = outcome('hand', (i) => i % 2);
  const good = [...names].sort().filter((name) => !numbers(name).bad);
  const { channels, photos } = JSON.parse(top.toString());
  assert.is(photos, good.length);
  for (const { channel, patches } of channels) {
    const expected = good
      .map((photo, i) => ({ photo, value: numbers(photo).value[channel], i }))
      .sort((x, y) => y.value - x.value || x.i - y.i)
      .slice(0, TOP);
    assert.equal(
      patches.map((p: { photo: string }) => p.photo),
      expected.map(({ photo }) => photo),
    );
    const { size, at } = numbers(patches[0].photo);
    assert.equal(patches[0].at, [Math.floor(at[channel] / 4), at[channel] % 4]);
    assert.ok(Math.abs(patches[0].box.height / 20 - Math.min(...size) / 64) < 0.02, 'the short side becomes 64 pixels');
  }
  const header = npy.toString('latin1', 0, 128);
  assert.match(header, `'descr': '<f4', 'fortran_order': False, 'shape': (${good.length}, ${CHANNELS}), }`);
  assert.is(npy.readUInt16LE(8), 118);
  assert.is(header[127], '\n');
  const row = good.length - 1;
  const last = Array.from({ length: CHANNELS }, (_, c) => npy.readFloatLE(128 + 4 * (row * CHANNELS + c)));
  assert.equal(last, numbers(good[row]).mean);
  const quoted = (name: string) => (/[",]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name);
  assert.equal(
    index
      .toString()
      .split('\n')
      .slice(1, -1)
      .map((l) => l.replace(/,\d+,\d+$/, '')),
    good.map((n, i) => `${i},${quoted(n)}`),
  );
  assert.is(bad.toString().split('\n').length - 2, names.length - good.length);
});

test('计划：同样的工作接着做，不同的拒绝；不完整、别的工作的部分结果不算', async () => {
  for (let i = 0; i < 10; i++) put(`photos/${i}.jpg`);
  const out = path.join(folder, 'plan');
  const wanted = { photos: path.join(folder, 'photos'), network: 'n', layer: 'l', top: TOP, shard: 4 };
  const plan = makePlan(out, wanted);
  assert.equal(
    plan.shards.map(({ count }) => count),
    [4, 4, 2],
  );
  const listed = plan.shards.flatMap((shard) => listedIn(out, shard));
  assert.equal(listed, [...walkPhotos(wanted.photos)]);
  plan.shards.forEach((shard, id) =>
    writePartial(partialFile(out, id), plan.work, partial(listedIn(out, shard).map((l) => l.file))),
  );
  assert.equal(missingShards(out, makePlan(out, wanted)), []);
  fs.truncateSync(partialFile(out, 1), fs.statSync(partialFile(out, 1)).size - 1);
  writePartial(partialFile(out, 2), 'other work', partial(['8.jpg', '9.jpg']));
  assert.equal(
    missingShards(out, plan).map(({ id }) => id),
    [1, 2],
  );
  assert.match((await failure(() => makePlan(out, { ...wanted, top: 5 }))).message, /top：3 → 5/);
  put('photos/10.jpg');
  assert.match((await failure(() => makePlan(out, wanted))).message, /files：10 → 11/);
  assert.not(fs.readdirSync(path.join(out, 'work')).some((name) => name.endsWith('.part')));
  const bytes = fs.readFileSync(partialFile(out, 0));
  bytes[bytes.length - 5] ^= 1;
  fs.writeFileSync(partialFile(out, 0), bytes);
  assert.is(firstOf(partialFile(out, 0), plan.work), '0.jpg');
  assert.match((await failure(() => readPartial(partialFile(out, 0)))).message, /校验和/);
});

test('按字节范围读清单：行再长也不断开', () => {
  const lines = ['x'.repeat(200_000), '短', 'y'.repeat(70_000)];
  put('lines', `${lines.join('\n')}\n`);
  assert.equal([...linesOf(path.join(folder, 'lines'))], lines);
  assert.equal([...linesOf(path.join(folder, 'lines'), 200_001, 200_005)], ['短']);
});

test('总让进程崩溃的文件会被找出来，列为坏文件；其余的照常', async () => {
  const poison = [...names].sort()[41];
  let deaths = 0;
  const worker: Pick<Worker, 'scan' | 'engine'> = {
    engine: async () => ({ geometry, engine: 'cpu' }),
    scan: async (_, listed, file) => {
      if (listed.some((l) => l.file === poison)) {
        deaths++;
        throw new WorkerDied('SIGSEGV');
      }
      writePartial(file, work, partial(listed.map((l) => l.file)));
      return { rss: 0, seconds: 0 };
    },
  };
  const out = path.join(folder, 'poison');
  const listed = [...names].sort().map((file) => ({ file }));
  const settings = { photos: '', network: 'n', layer: 'l', top: TOP, batch: 4, work };
  await scanSafely(worker, settings, { id: 0, listed, file: partialFile(out, 0) });
  const got = readPartial(partialFile(out, 0));
  const { reason } = got.seen.find(({ file }) => file === poison)!;
  assert.match(reason!, /崩溃.*SIGSEGV/);
  const rest = names.filter((name) => name !== poison);
  const bad = { ...partial([]), seen: [{ file: poison, reason }] };
  assert.equal(got, mergePartials(partial(rest), bad, TOP));
  assert.ok(deaths <= 3 + Math.ceil(Math.log2(names.length)) + 1, `${deaths} deaths`);
  assert.equal(fs.readdirSync(path.join(out, 'work')), ['000000.partial'], 'nothing else is left behind');
});

test.run();
