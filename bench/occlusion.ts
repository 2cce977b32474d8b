/**
 * Occlusion maps beside Captum's: the same weights, the same 625 windows, two threads, in turns in one run, so that a
 * busy machine troubles nobody alone. Compares the maps too.
 *
 *     npx tsx bench/export-weights.ts FOLDER
 *     PYTHON=... npx tsx bench/occlusion.ts FOLDER [--rounds 3] [NETWORK ...]        with names: prints only
 *     NATIVE_ONLY=1 ...                                                          without wasm
 *
 * AlexNet 2012 has pseudo-random weights (nobody needs its head for a timing); AlexNet in one tower has no class scores,
 * so the means of pool5's maps stand for them.
 * On a machine with more cores: taskset -c 0,1.
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
import { alexnet } from '../lib/model/networks/alexnet';
import { loadModel, type NetworkId } from '../lib/model/networks/load';
import { occlusionMap } from '../lib/04-occlusion/occlusion';
import { pseudoAlexNetWeights } from '../test/pseudo-weights';
import { Contestant } from './contestant';
import { readWords } from './words';

const SIZE = 40;
const STRIDE = 8;
const SWITCHES = { rounds: { type: 'string', default: '3' }, serve: { type: 'boolean' } } as const;
interface Contest {
  readonly title: string;
  /** Side of the input, pixels. */
  readonly side: number;
  readonly class: number;
}

const SHEEP = 348;
const NETWORKS: Readonly<Record<string, Contest>> = {
  googlenet: { title: 'GoogLeNet', side: 224, class: SHEEP },
  'alexnet-means': { title: 'AlexNet', side: 224, class: 3 },
  squeezenet: { title: 'SqueezeNet', side: 227, class: SHEEP },
  'efficientnet-lite0': { title: 'EfficientNet-Lite0', side: 224, class: SHEEP },
  'alexnet-pseudo': { title: 'AlexNet 2012', side: 227, class: SHEEP },
};

interface Request {
  network: string;
  image: string;
  out: string;
  incremental?: boolean;
  stride: number;
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
    const { network, image, out, incremental, stride } = JSON.parse(line) as Request;
    if (!models.has(network)) models.set(network, await build(network));
    const { side, class: classIndex } = NETWORKS[network];
    const pixels = tf.tensor3d(new Float32Array(new Uint8Array(fs.readFileSync(image)).buffer), [side, side, 3]);
    const [start, processor] = [performance.now(), process.cpuUsage()];
    let coarse: number | undefined;
    const result = await occlusionMap(
      models.get(network)!,
      pixels,
      { class: classIndex },
      {
        size: SIZE,
        stride,
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
  if (network === 'alexnet-means') return means(await loadModel('alexnet'));
  if (network !== 'alexnet-pseudo') return loadModel(network as NetworkId);
  const description = { ...alexnet2012WithHead, preprocess: { mean: [123, 117, 104] as const, scale: 1 } };
  return imageModel(buildAlexNet2012(pseudoAlexNetWeights()), { ...description, classes: imageNetClasses() });
}

/** A trunk with the means of its last maps as class scores. */
function means(trunk: ImageModel): ImageModel {
  const [input] = trunk.network.inputs;
  const last = trunk.network.outputs[0];
  const scores = tf.layers.globalAveragePooling2d({ name: 'means' }).apply(last) as tf.SymbolicTensor;
  const classes = Array.from({ length: 256 }, (_, index) => ({ index, wnid: '', en: '', zh: '' }));
  const roles = { ...trunk.roles, logits: 'means' };
  const description = { id: 'alexnet-means', title: 'AlexNet', classes, roles, preprocess: alexnet.preprocess };
  return imageModel(tf.model({ inputs: input, outputs: scores }), description);
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
    ...(process.env.NATIVE_ONLY ? [] : [run('wasm, plain', wasm, false), run('wasm, incremental', wasm, true)]),
  ];
  const { side, class: index } = NETWORKS[network];
  const image = path.join(folder, `${side}.f32`);
  for (let round = 0; round < rounds; round++) {
    for (const { who, incremental, answers, map } of runs) {
      const request = {
        network,
        image,
        out: map,
        weights,
        side,
        class: index,
        size: SIZE,
        stride: STRIDE,
        incremental,
      };
      // The first turn of all, a coarse one, loads the network and warms up.
      if (round === 0) await who.run({ ...request, stride: SIZE });
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
    return `| ${[NETWORKS[network].title, name, ...times, plain, coarse, difference].join(' | ')} |`;
  });
}

async function main(): Promise<void> {
  const { values, positionals } = readWords('occlusion.ts FOLDER [--rounds 3] [NETWORK ...]', SWITCHES, 1);
  if (values.serve) return serve();
  const [weights, ...only] = positionals;
  const rounds = Number(values.rounds);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-bench-'));
  for (const side of [224, 227]) {
    const image = await loadImage('mammal/sheep.jpg', { size: side });
    fs.writeFileSync(path.join(folder, `${side}.f32`), new Uint8Array((await image.data()).slice().buffer));
  }
  const ours = (backend: string) =>
    new Contestant<Answer>(process.execPath, [...process.execArgv, __filename, weights, '--serve'], {
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
  for (const network of only.length ? only : Object.keys(NETWORKS)) {
    const runs = await compare(network, weights, folder, rounds, contestants);
    versions = [...new Set(runs.map((r) => r.answers[0].version))];
    const part = table(network, runs);
    console.log(part.join('\n'));
    lines.push(...part);
  }
  contestants.forEach((c) => c.stop());
  fs.rmSync(folder, { recursive: true });
  if (only.length > 0) return;
  const machine = `${os.cpus()[0].model.trim()}, ${os.cpus().length} cores, Node ${process.version}`;
  const text = [
    '# Occlusion beside Captum',
    '',
    `${new Date().toISOString().slice(0, 10)}, ${machine}, ${versions.join(', ')}; two threads, load average ${os.loadavg()[1].toFixed(1)}.`,
    `Patch ${SIZE}, stride ${STRIDE}: 625 positions (576 at 224 x 224 pixels); probability of the class "ram"; medians of ${rounds} turns.`,
    'Bars: Captum / incremental on native at least 5 on SqueezeNet and 4 on AlexNet 2012; plain / incremental at least 3 on',
    'native and 2.5 on wasm; the first coarse map (share of the whole time) under a sixth. The maps (mean drop per pixel)',
    "differ from Captum's by rounding only. AlexNet 2012 has pseudo-random weights; AlexNet's scores are the means of pool5.",
    '',
    ...lines,
    '',
    'Run again: `npx tsx bench/export-weights.ts FOLDER`, then `PYTHON=... npx tsx bench/occlusion.ts FOLDER`.',
    '',
  ].join('\n');
  fs.mkdirSync(path.join(__dirname, 'results'), { recursive: true });
  fs.writeFileSync(path.join(__dirname, 'results', 'occlusion.md'), text);
}

void main();
