/**
 * Occlusion maps beside Captum's: the same weights, the same 625 windows, two threads, in turns in one run, so that a
 * busy machine troubles nobody alone. Compares the maps too.
 *
 *     npx tsx bench/export-weights.ts FOLDER squeezenet
 *     PYTHON=... npx tsx bench/occlusion.ts FOLDER [ROUNDS]
 *
 * AlexNet has pseudo-random weights (nobody needs its head for a timing). On a machine with more cores: taskset -c 0,1.
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import * as readline from 'node:readline';
import { startBackend, tf } from '../lib/tf/backend';
import { imageNetClasses } from '../lib/model/classes';
import { loadImage } from '../lib/image/image';
import { type ImageModel, imageModel } from '../lib/model/model';
import { alexnet2012WithHead, buildAlexNet2012 } from '../lib/model/networks/alexnet-2012';
import { loadModel } from '../lib/model/networks/load';
import { occlusionMap } from '../lib/04-occlusion/occlusion';
import { pseudoAlexNetWeights } from '../test/pseudo-weights';
import { Contestant } from './contestant';

const SIZE = 40;
const STRIDE = 8;
const SHEEP = 348;
const NETWORKS = ['squeezenet', 'alexnet-pseudo'];
const TITLES: Record<string, string> = { squeezenet: 'SqueezeNet', 'alexnet-pseudo': 'AlexNet' };

interface Request {
  network: string;
  image: string;
  out: string;
  incremental?: boolean;
}

interface Answer {
  seconds: number;
  processor: number;
  /** Seconds until the first coarse map of the whole picture. */
  coarse?: number;
  version: string;
}

/** Our side, in a process of its own for each backend. */
async function serve(): Promise<void> {
  const { name, version } = await startBackend();
  const models = new Map<string, ImageModel>();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { network, image, out, incremental } = JSON.parse(line) as Request;
    if (!models.has(network)) models.set(network, await build(network));
    const pixels = tf.tensor3d(new Float32Array(new Uint8Array(fs.readFileSync(image)).buffer), [227, 227, 3]);
    const [start, processor] = [performance.now(), process.cpuUsage()];
    let coarse: number | undefined;
    const result = await occlusionMap(
      models.get(network)!,
      pixels,
      { class: SHEEP },
      {
        size: SIZE,
        stride: STRIDE,
        incremental,
        onStep: ({ stage, done }) => {
          if (stage === 1 && done === 49) coarse = (performance.now() - start) / 1000;
        },
      },
    );
    const seconds = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(processor);
    fs.writeFileSync(out, new Uint8Array(result.map.dataSync().slice().buffer));
    tf.dispose([result as never, pixels]);
    const answer: Answer = { seconds, processor: (user + system) / 1e6, coarse, version: `${name} ${version}` };
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}

async function build(network: string): Promise<ImageModel> {
  if (network === 'squeezenet') return loadModel('squeezenet');
  const description = { ...alexnet2012WithHead, preprocess: { mean: [123, 117, 104] as const, scale: 1 } };
  return imageModel(buildAlexNet2012(pseudoAlexNetWeights()), { ...description, classes: imageNetClasses() });
}

const median = (values: number[]) => {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
};

const read = (file: string) => new Float32Array(new Uint8Array(fs.readFileSync(file)).buffer);

function largestDifference(a: string, b: string): number {
  const [x, y] = [read(a), read(b)];
  return x.reduce((worst, v, i) => Math.max(worst, Math.abs(v - y[i])), 0);
}

interface Run {
  name: string;
  who: Contestant<Answer>;
  incremental?: boolean;
  answers: Answer[];
  map: string;
}

async function compare(
  network: string,
  weights: string,
  folder: string,
  rounds: number,
  contestants: Contestant<Answer>[],
) {
  const [captum, native, wasm] = contestants;
  const run = (name: string, who: Contestant<Answer>, incremental?: boolean): Run => ({
    name,
    who,
    incremental,
    answers: [],
    map: path.join(folder, `${network}-${name.replace(/\W/g, '-')}.f32`),
  });
  const runs = [
    run('Captum', captum),
    run('native, plain', native, false),
    run('native, incremental', native, true),
    run('wasm, plain', wasm, false),
    run('wasm, incremental', wasm, true),
  ];
  const image = path.join(folder, 'image.f32');
  for (let round = 0; round < rounds; round++) {
    for (const { who, incremental, answers, map } of runs) {
      const request = { network, image, out: map, weights, class: SHEEP, size: SIZE, stride: STRIDE, incremental };
      // The first turn of all loads the network and warms up.
      if (round === 0 && incremental !== false) await who.run(request);
      answers.push(await who.run(request));
    }
  }
  return runs;
}

function table(network: string, runs: Run[]): string[] {
  const seconds = runs.map(({ answers }) => median(answers.map((a) => a.seconds)));
  const processor = runs.map(({ answers }) => median(answers.map((a) => a.processor)));
  return runs.map(({ name, answers, map, incremental }, i) => {
    const plain = incremental ? (seconds[i - 1] / seconds[i]).toFixed(1) : '';
    const coarse = incremental ? (median(answers.map((a) => a.coarse!)) / seconds[i]).toFixed(2) : '';
    const difference = i ? largestDifference(map, runs[0].map).toExponential(0) : '';
    const times = [seconds[i].toFixed(1), processor[i].toFixed(1), (seconds[0] / seconds[i]).toFixed(1)];
    return `| ${[TITLES[network], name, ...times, plain, coarse, difference].join(' | ')} |`;
  });
}

async function main([weights, rounds = '3']: string[]): Promise<void> {
  if (weights === '--serve') return serve();
  if (!weights) throw new Error('npx tsx bench/occlusion.ts FOLDER [ROUNDS]');
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-bench-'));
  const image = await loadImage('mammal/sheep.jpg', { size: 227 });
  fs.writeFileSync(path.join(folder, 'image.f32'), new Uint8Array((await image.data()).slice().buffer));
  const ours = (backend: string) =>
    new Contestant<Answer>(process.execPath, [...process.execArgv, __filename, '--serve'], {
      CONVSCOPE_BACKEND: backend,
    });
  const captum = new Contestant<Answer>(process.env.PYTHON ?? 'python3', [path.join(__dirname, 'occlusion.py')]);
  const contestants = [captum, ours('tensorflow'), ours('wasm')];
  const lines = [
    '| network | | seconds | CPU seconds | Captum / this | plain / incremental | first coarse map | difference to Captum |',
    '|---|---|---|---|---|---|---|---|',
  ];
  console.log(lines.join('\n'));
  let versions: string[] = [];
  for (const network of NETWORKS) {
    const runs = await compare(network, weights, folder, Number(rounds), contestants);
    versions = [runs[0], runs[1], runs[3]].map((r) => r.answers[0].version);
    const part = table(network, runs);
    console.log(part.join('\n'));
    lines.push(...part);
  }
  contestants.forEach((c) => c.stop());
  fs.rmSync(folder, { recursive: true });
  const machine = `${os.cpus()[0].model.trim()}, ${os.cpus().length} cores, Node ${process.version}`;
  const text = [
    '# Occlusion beside Captum',
    '',
    `${new Date().toISOString().slice(0, 10)}, ${machine}, ${versions.join(', ')}; two threads, load average ${os.loadavg()[1].toFixed(1)}.`,
    `227 x 227 pixels, patch ${SIZE}, stride ${STRIDE}: 625 positions; probability of the class "ram"; medians of ${rounds} turns.`,
    'Bars: Captum / incremental on native at least 5 on SqueezeNet and 4 on AlexNet; plain / incremental at least 3 on',
    'native and 2.5 on wasm; the first coarse map (share of the whole time) under a sixth. The maps (mean drop per pixel)',
    "differ from Captum's by rounding only. AlexNet has pseudo-random weights.",
    '',
    ...lines,
    '',
    'Run again: `npx tsx bench/export-weights.ts FOLDER squeezenet`, then `PYTHON=... npx tsx bench/occlusion.ts FOLDER`.',
    '',
  ].join('\n');
  fs.mkdirSync(path.join(__dirname, 'results'), { recursive: true });
  fs.writeFileSync(path.join(__dirname, 'results', 'occlusion.md'), text);
}

void main(process.argv.slice(2));
