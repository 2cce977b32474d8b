/**
 * t-SNE beside scikit-learn's Barnes-Hut on one thread: the same points, perplexity 30, 1000 steps, PCA start. CPU
 * seconds, in turns, so that a busy machine troubles neither; one evaluator (scikit-learn's P over all pairs) judges all layouts.
 *
 *     npx tsx bench/tsne.ts [POINTS ...]    PYTHON=… chooses an interpreter that has scikit-learn
 */
import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { embed, type EmbedOptions } from '../lib/03-embedding/embedding';
import { readWords } from './words';

const PYTHON = process.env.PYTHON ?? 'python3';
const ROUNDS = 3;
const { positionals: only } = readWords('tsne.ts [POINTS ...]', {});
/** About as many as the course has photos, and more. */
const SIZES = only.length > 0 ? only.map(Number) : [419, 1000, 5000];
const OURS: Record<string, EmbedOptions> = {
  'convscope, barnes-hut': { repulsion: 'barnes-hut' },
  'convscope, exact': { repulsion: 'exact' },
};

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-bench-'));
const python = (...args: (string | number)[]) =>
  execFileSync(PYTHON, [path.join(__dirname, 'tsne.py'), ...args.map(String)], { encoding: 'utf8' });
const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1];

interface Runs {
  seconds: number[];
  layouts: string[];
}

async function runOurs(
  file: string,
  rows: number,
  seed: number,
  options: EmbedOptions,
  layout: string,
): Promise<number> {
  const bytes = fs.readFileSync(file);
  const data = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const start = process.cpuUsage();
  const { points } = await embed({ data, rows, columns: 64 }, { perplexity: 30, steps: 1000, seed, ...options });
  const { user, system } = process.cpuUsage(start);
  const seconds = (user + system) / 1e6;
  fs.writeFileSync(layout, Float64Array.from(points.flat()));
  return seconds;
}

async function compare(rows: number): Promise<{ lines: string[]; version: string }> {
  const file = path.join(folder, `points-${rows}.f32`);
  python('points', rows, file);
  const runs = new Map<string, Runs>();
  const record = (name: string, seconds: number, layout: string) => {
    const entry = runs.get(name) ?? { seconds: [], layouts: [] };
    runs.set(name, { seconds: [...entry.seconds, seconds], layouts: [...entry.layouts, layout] });
  };
  let version = '';
  for (let round = 0; round < ROUNDS; round++) {
    const layout = path.join(folder, `sklearn-${rows}-${round}.f64`);
    const [named, seconds] = python('run', file, rows, round, layout).trim().split(' ');
    version = named;
    record('scikit-learn', Number(seconds), layout);
    for (const [name, options] of Object.entries(OURS)) {
      if (rows > 2000 && options.repulsion === 'exact') continue;
      const own = path.join(folder, `${name}-${rows}-${round}.f64`);
      record(name, await runOurs(file, rows, round, options, own), own);
    }
  }
  const judged = python('judge', file, rows, ...[...runs.values()].flatMap((run) => run.layouts));
  const kl = judged.trim().split('\n').map(Number);
  const result = [...runs].map(([name, { seconds }], i) => ({
    name,
    seconds: median(seconds),
    kl: median(kl.slice(i * ROUNDS, (i + 1) * ROUNDS)),
  }));
  const [theirs] = result;
  const lines = result.map(
    (r) =>
      `| ${rows} | ${r.name} | ${r.seconds.toFixed(2)} | ${(r.seconds / theirs.seconds).toFixed(2)} | ` +
      `${r.kl.toFixed(4)} | ${((r.kl / theirs.kl - 1) * 100).toFixed(1)} % |`,
  );
  return { lines, version };
}

async function main(): Promise<void> {
  const table = ['| points | | CPU seconds | ratio | exact KL | above |', '|---|---|---|---|---|---|'];
  let version = '';
  console.log(table.join('\n'));
  for (const rows of SIZES) {
    const part = await compare(rows);
    version = part.version;
    table.push(...part.lines);
    console.log(part.lines.join('\n'));
  }
  fs.rmSync(folder, { recursive: true });
  const machine = `${os.cpus()[0].model.trim()}, ${os.cpus().length} cores, Node ${process.version}, scikit-learn ${version}`;
  const text = [
    '# t-SNE beside scikit-learn',
    '',
    `${new Date().toISOString().slice(0, 10)}, ${machine}. Handwritten digits (64 numbers each), perplexity 30, 1000 steps,`,
    `PCA start, one thread, medians of ${ROUNDS} turns (seeds 0 to ${ROUNDS - 1}). "ratio" is the time over scikit-learn's in the`,
    'same run; bars: at most 0.80 at 1000 and 5000 points, KL at most 2 % above. With 419',
    'points one method ends up to 5 % apart from start to start: compare there by eye, not by the last digit.',
    '',
    ...table,
    '',
    'Run again: `npx tsx bench/tsne.ts` (PYTHON chooses the interpreter).',
    '',
  ].join('\n');
  if (only.length > 0) return; // a part only
  fs.mkdirSync(path.join(__dirname, 'results'), { recursive: true });
  fs.writeFileSync(path.join(__dirname, 'results', 'tsne.md'), text);
}

void main();
