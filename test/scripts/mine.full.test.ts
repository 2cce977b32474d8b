/** npm run mine in processes of its own: shardings, a kill in the middle, bad files, Dask. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadModel } from '../../lib/model/networks/load';
import { topPatches } from '../../lib/02-patches/patches';
import { coursePhotos } from '../../lib/image/photos';
import { photosIn } from '../../lib/image/photos-in';
import { Worker } from '../../mine/pool';
import { root } from '../helpers';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-mine-'));
test.after(() => fs.rmSync(folder, { recursive: true, force: true }));
const photos = path.join(folder, 'photos');
const OUTPUTS = ['top.json', 'features.npy', 'index.csv', 'bad.csv'];
// the embedded network: this test needs no weights
const NETWORK = ['--network', 'efficientnet-lite0', '--layer', 'b2', '--top', '4'];

test.before(() => {
  const some = coursePhotos()
    .filter((_, i) => i % 7 === 0)
    .slice(0, 57);
  some.forEach((photo, i) => {
    const file = path.join(photos, i % 2 ? 'odd' : 'even', path.basename(photo.path));
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.copyFileSync(photo.path, file);
  });
  const whole = fs.readFileSync(some[0].path);
  fs.writeFileSync(path.join(photos, 'even', 'cut.jpg'), whole.subarray(0, whole.length >> 1));
  fs.writeFileSync(path.join(photos, 'empty, "quoted".png'), '');
  fs.writeFileSync(path.join(photos, 'text.jpg'), 'not a picture\n');
});

const words = (out: string, more: string[]) => [
  '--photos',
  photos,
  '--out',
  path.join(folder, out),
  ...NETWORK,
  ...more,
];
const program = path.join(root, 'scripts', 'mine.mjs');

function mine(out: string, ...more: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...words(out, more)], { encoding: 'utf8' });
  assert.is(status, 0, stderr);
  return { stdout, stderr };
}

const outputs = (out: string) => OUTPUTS.map((name) => fs.readFileSync(path.join(folder, out, name)));

function sameAs(expected: Buffer[], out: string) {
  outputs(out).forEach((bytes, i) => assert.ok(bytes.equals(expected[i]), `${out}: ${OUTPUTS[i]} differs`));
}

const partials = (out: string) => {
  const work = path.join(folder, out, 'work');
  return fs.existsSync(work) ? fs.readdirSync(work).filter((name) => name.endsWith('.partial')) : [];
};

async function until(condition: () => boolean, what: string, seconds = 240): Promise<void> {
  for (const start = Date.now(); !condition();) {
    assert.ok(Date.now() - start < seconds * 1000, `waited ${seconds} s for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('60 张照片分成 1 份与 3 份、一个进程与两个、不同的批次：同样的字节；坏文件列出并跳过', () => {
  const { stdout } = mine('one', '--workers', '1');
  assert.match(stdout, '57 张照片，3 个坏文件');
  const expected = outputs('one');
  const bad = expected[3].toString().trim().split('\n').slice(1);
  assert.is(bad.length, 3);
  for (const [i, reason] of [
    /^"empty, ""quoted"".png",.*空文件/,
    /^even\/cut.jpg,.*损坏/,
    /^text.jpg,.*文本文件/,
  ].entries())
    assert.match(bad[i], reason);
  mine('three', '--workers', '2', '--shard', '20', '--batch', '7');
  assert.is(partials('three').length, 3);
  sameAs(expected, 'three');
});

test('与 topPatches 在同一批照片上的结果相同', async () => {
  const model = await loadModel('efficientnet-lite0');
  const usable = photosIn(photos).photos;
  const expected = await topPatches(model, usable, 'b2', { count: 4, cache: false });
  const { channels } = JSON.parse(outputs('one')[0].toString());
  const plain = expected.map(({ channel, patches }) => ({
    channel,
    patches: patches.map(({ photo, value, at, box }) => ({ photo: photo.file, value, at, box })),
  }));
  for (const [c, { patches }] of plain.entries()) {
    patches.forEach((patch, k) => {
      const got = channels[c].patches[k];
      assert.ok(Math.abs(got.value - patch.value) < 1e-4 * Math.abs(patch.value) + 1e-6);
      assert.equal({ ...got, value: 0 }, JSON.parse(JSON.stringify({ ...patch, value: 0 })));
    });
  }
  model.dispose();
});

test('工作进程占的内存多了：做完一份就换一个新的进程，结果是同样的字节', async () => {
  const settings = { photos, network: 'efficientnet-lite0', layer: 'b2', top: 4, batch: 8, work: 'w' };
  const listed = photosIn(photos)
    .photos.slice(0, 4)
    .map(({ file }) => ({ file }));
  const files: Record<string, string[]> = { kept: [], replaced: [] };
  for (const [name, retireBytes] of [
    ['kept', Infinity],
    ['replaced', 0],
  ] as const) {
    const worker = new Worker(settings, () => undefined, retireBytes);
    for (const id of [0, 1]) {
      const file = path.join(folder, `${name}-${id}.partial`);
      await worker.scan(id, listed.slice(2 * id, 2 * id + 2), file);
      files[name].push(fs.readFileSync(file, 'latin1'));
      assert.is(worker.isRunning, name === 'kept');
    }
    worker.end();
  }
  assert.equal(files.replaced, files.kept);
});

test('中途被 kill -9：再运行一次接着做，做好的份不重算，结果是同样的字节', async () => {
  const out = 'killed';
  const options = [...words(out, ['--workers', '1', '--shard', '6']), '--batch', '3'];
  const child: ChildProcess = spawn(process.execPath, [program, ...options], { stdio: 'ignore', detached: true });
  await until(() => partials(out).length >= 2, 'two shards');
  // the whole group at once, as a machine that loses its power
  process.kill(-child.pid!, 'SIGKILL');
  await new Promise((resolve) => child.on('close', resolve));
  const done = partials(out);
  assert.ok(done.length >= 2 && done.length < 10, `${done.length} of 10 shards were done`);
  const time = (name: string) => fs.statSync(path.join(folder, out, 'work', name)).mtimeMs;
  const times = done.map(time);
  assert.not(fs.existsSync(path.join(folder, out, 'top.json')));
  const { stdout } = mine(out, '--workers', '1', '--shard', '6', '--batch', '3');
  assert.match(stdout, `其中 ${done.length} 份已经算好`);
  assert.equal(done.map(time), times);
  const left = fs.readdirSync(path.join(folder, out), { recursive: true, encoding: 'utf8' });
  assert.equal(
    left.filter((name) => name.endsWith('.part')),
    [],
  );
  sameAs(outputs('one'), out);
});

test('参数不对：说清要什么，不开始工作', () => {
  const say = (...list: string[]) => spawnSync(process.execPath, [program, ...list], { encoding: 'utf8' }).stderr;
  assert.match(say('--photos', photos), /缺少 --out/);
  assert.match(say('--photos', path.join(folder, 'no'), '--out', folder), /找不到照片文件夹/);
  assert.match(say(...words('x', ['--top', '0'])), /--top 应为正整数/);
  assert.match(say(...words('x', ['--bottom', '1'])), /不认识的选项 --bottom/);
  assert.match(say(...words('x', ['--layer', 'b99'])), /没有名为"b99"的层/);
  assert.match(say(...words('x', ['--layer', 'fc'])), /没有空间位置/);
  assert.match(say(...words('x', ['--network', 'vgg'])), /没有名为"vgg"的网络/);
});

// The program makes its own Python environment the first time: half a minute, and the package index must be reachable.
const asked = spawnSync(process.execPath, [path.join(root, 'scripts', 'mine-dask.mjs'), '--help'], {
  encoding: 'utf8',
});
const dask = asked.status === 0;
if (!dask) console.log(`SKIP Dask：装不上它的 Python 环境：${asked.stderr}`);
(dask ? test : test.skip)('Dask 的两个工作进程，中途杀死一个：同样的字节', async () => {
  const out = 'dask';
  const script = path.join(root, 'scripts', 'mine-dask.mjs');
  const options = words(out, ['--local', '2', '--shard', '4', '--batch', '4']);
  const child = spawn(process.execPath, [script, ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const ended = new Promise((resolve) => child.on('close', resolve));
  await until(() => partials(out).length >= 2, 'two shards from Dask');
  const pid = Number(/进程号 (\d+)/.exec(output)![1]);
  process.kill(pid, 'SIGKILL');
  assert.ok(partials(out).length < 15, 'killed in the middle');
  assert.is(await ended, 0, output);
  assert.match(output, '其中 15 份已经算好');
  sameAs(outputs('one'), out);
});

(dask ? test : test.skip)('工作进程一份也算不成：留到最后，由本机完成；同样的字节', () => {
  // as on machines where the course is not installed
  const env = { ...process.env, CONVSCOPE_HOME: path.join(folder, 'nowhere') };
  const script = path.join(root, 'scripts', 'mine-dask.mjs');
  const options = words('left', ['--local', '1', '--shard', '30']);
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...options], { encoding: 'utf8', env });
  assert.is(status, 0, stderr);
  assert.match(stderr, '第 1 份没有算成，留到最后');
  assert.not.match(stdout, '已经算好');
  sameAs(outputs('one'), 'left');
});

/** Plays Slurm on this machine: sbatch starts the script it is given, scancel ends it. */
function standInForSlurm(): string {
  const bin = path.join(folder, 'slurm');
  fs.mkdirSync(bin);
  const head = '#!/usr/bin/env python3\nimport os, signal, subprocess, sys\n';
  const sbatch = `job = subprocess.Popen(["bash", sys.argv[-1]], start_new_session=True, stdin=-3, stdout=-3, stderr=-3)
print("Submitted batch job", job.pid)\n`;
  const scancel = 'for job in sys.argv[1:]:\n  os.killpg(int(job), signal.SIGTERM)\n';
  for (const [name, body] of Object.entries({ sbatch, scancel }))
    fs.writeFileSync(path.join(bin, name), head + body, { mode: 0o755 });
  return bin;
}

(dask && process.platform === 'linux' ? test : test.skip)('Slurm（替身 sbatch 在本机运行作业）：同样的字节', () => {
  const env = { ...process.env, PATH: `${standInForSlurm()}${path.delimiter}${process.env.PATH}` };
  const script = path.join(root, 'scripts', 'mine-dask.mjs');
  const options = words('slurm', ['--slurm', '2', '--shard', '10', '--slurm-option=--partition=cpu']);
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...options], { encoding: 'utf8', env });
  assert.is(status, 0, stderr);
  assert.match(stdout, '其中 6 份已经算好');
  sameAs(outputs('one'), 'slurm');
});

test.run();
