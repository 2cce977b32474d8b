/**
 * Many photos, on one machine: 20,000 through one process, then over a local Dask cluster of three workers of which
 * one is killed in the middle; the results must be the same bytes. Figures: bench/results/many-photos.json.
 *
 *     CONVSCOPE_MODELS=DIR npx tsx bench/many-photos.ts [--count 20000] [photos | single | dask | compare]
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { startBackend } from '../lib/tf/backend';
import { encodeJpeg, loadImage } from '../lib/image/image';
import { cacheFolder, projectRoot } from '../lib/base/paths';
import { makePhotoFolder } from './many-photos-folder';
import { readWords } from './words';

const FILES = ['top.json', 'features.npy', 'index.csv', 'bad.csv'];
const WORKERS = 3;
/** Part of the shards that are done when a worker is killed. */
const KILL_AT = 0.4;
/** Photos of ILSVRC 2012's training set, for the extrapolation. */
const IMAGENET = 1_281_167;

const { values, positionals: steps } = readWords('many-photos.ts [--count 20000] [photos | single | dask | compare]', {
  count: { type: 'string', default: '20000' },
});
const count = Number(values.count);
/** Enough shards that a worker can be killed in the middle, of a small count too. */
const shard = Math.min(256, Math.ceil(count / 40));
const folder = (...parts: string[]) => cacheFolder('many-photos', String(count), ...parts);

interface Run {
  readonly date: string;
  readonly host: string;
  readonly seconds: number;
  /** Not of Dask: its workers do not wait for their Node processes, so their time is not told. */
  readonly cpuSeconds?: number;
  /** Runnable processes per minute when it began: on a busy machine only processor time says something. */
  readonly load: number;
  readonly killed?: { readonly pid: number; readonly atShard: number; readonly of: number };
}

/** Runs one of our scripts with its output in view; `watch` sees every line of it. */
async function script(name: string, words: string[], watch: (line: string) => void = () => {}): Promise<Run> {
  const start = Date.now();
  const before = childrenCpu();
  const load = os.loadavg()[0];
  const program = [
    path.join(projectRoot(), 'scripts', name),
    '--photos',
    folder('photos'),
    '--shard',
    String(shard),
    ...words,
  ];
  const child = spawn(process.execPath, program, { stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    process.stdout.write(text);
    text.split('\n').forEach(watch);
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`${name} ended with ${code}`);
  return {
    date: new Date(start).toISOString(),
    host: `${os.cpus().length} × ${os.cpus()[0].model.trim()}`,
    seconds: (Date.now() - start) / 1000,
    // of all descendants that have been waited for
    cpuSeconds: childrenCpu() - before,
    load,
  };
}

function childrenCpu(): number {
  const fields = fs.readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ');
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

async function single(): Promise<void> {
  fs.rmSync(folder('single'), { recursive: true, force: true });
  const run = await script('mine.mjs', ['--out', folder('single'), '--workers', '1']);
  fs.writeFileSync(folder('single.json'), JSON.stringify(run));
}

async function dask(): Promise<void> {
  fs.rmSync(folder('dask'), { recursive: true, force: true });
  const pids: number[] = [];
  let killed: Run['killed'];
  const watch = (line: string) => {
    const pid = /进程号 (\d+)/.exec(line)?.[1];
    if (pid) pids.push(Number(pid));
  };
  const work = folder('dask', 'work');
  const timer = setInterval(() => {
    if (killed || pids.length < WORKERS) return;
    const of = JSON.parse(fs.readFileSync(path.join(work, 'plan.json'), 'utf8')).shards.length as number;
    const atShard = fs.readdirSync(work).filter((name) => name.endsWith('.partial')).length;
    if (atShard < KILL_AT * of) return;
    process.kill(pids[1], 'SIGKILL');
    killed = { pid: pids[1], atShard, of };
    console.log(`killed worker ${pids[1]} after ${atShard} of ${of} shards`);
  }, 200);
  try {
    const run = await script('mine-dask.mjs', ['--out', folder('dask'), '--local', String(WORKERS)], watch);
    if (!killed) throw new Error('the run was over before a worker could be killed');
    fs.writeFileSync(folder('dask.json'), JSON.stringify({ ...run, cpuSeconds: undefined, killed }));
  } finally {
    clearInterval(timer);
  }
}

const sha256 = (file: string) => createHash('sha256').update(fs.readFileSync(file)).digest('hex');
const readJson = (...parts: string[]) => JSON.parse(fs.readFileSync(folder(...parts), 'utf8'));

/** Processor milliseconds for reading one photo, over the photos of a list. */
async function readingCost(photos: readonly (string | Uint8Array)[]): Promise<number> {
  const before = process.cpuUsage();
  for (const photo of photos) (await loadImage(photo, { size: 227 })).dispose();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / photos.length;
}

/** ImageNet's photos are larger than ours, 500 × 375 for the most part: what reading them costs beyond ours. */
async function imageNetExtra(): Promise<{ ours: number; imageNet: number }> {
  await startBackend();
  const ours = fs
    .readdirSync(folder('photos', '000'))
    .filter((name) => name < '000060')
    .slice(0, 60)
    .map((name) => folder('photos', '000', name));
  const large: Uint8Array[] = [];
  for (const file of ours) {
    const image = await loadImage(file, { size: [375, 500] });
    large.push(await encodeJpeg(image, 90));
    image.dispose();
  }
  await readingCost(ours);
  return { ours: await readingCost(ours), imageNet: await readingCost(large) };
}

async function compare(): Promise<void> {
  const same = FILES.map((name) => {
    const [a, b] = ['single', 'dask'].map((run) => folder(run, name));
    if (!fs.readFileSync(a).equals(fs.readFileSync(b))) throw new Error(`${name} differs`);
    return { file: name, bytes: fs.statSync(a).size, sha256: sha256(a) };
  });
  const { photos, bad, memory } = readJson('single', 'run.json');
  const single: Run = readJson('single.json');
  const reading = await imageNetExtra();
  const perPhoto = (1000 * single.cpuSeconds!) / (photos + bad);
  // a machine like this one: as many processes as cores, each on a core of its own
  const cores = os.cpus().length;
  const cpuHours = ((perPhoto + reading.imageNet - reading.ours) * IMAGENET) / 3.6e6;
  const hours = Object.fromEntries([1, 8, 64].map((machines) => [machines, cpuHours / cores / machines]));
  const each = Math.ceil(memory.length / 12);
  const kept = memory.filter((_: unknown, i: number) => i % each === 0 || i === memory.length - 1);
  const imageNet = { photos: IMAGENET, cores, readingMs: reading, cpuHours, hours };
  const figures = { count, single, dask: readJson('dask.json'), photos, bad, cpuMsPerPhoto: perPhoto, imageNet, same, memory: kept }; // prettier-ignore
  const file = path.join(projectRoot(), 'bench', 'results', 'many-photos.json');
  fs.writeFileSync(file, `${JSON.stringify(figures, null, 1)}\n`);
  console.log(`the same bytes: ${FILES.join(', ')}; ${perPhoto.toFixed(1)} ms of processor time a photo; ${file}`);
}

async function main(): Promise<void> {
  const { bad } = await makePhotoFolder(folder('photos'), count);
  console.log(`${count} files in ${folder('photos')}, ${bad} of them bad`);
  const all: Record<string, () => unknown> = { photos: () => {}, single, dask, compare };
  for (const step of steps.length ? steps : Object.keys(all)) await all[step]();
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
