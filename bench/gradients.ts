/**
 * Input gradients beside PyTorch and Captum: the same weights, the same number of threads (THREADS, default 2), in turns
 * in one run, so that a busy machine troubles nobody alone. Compares the maps too.
 *
 *     npx tsx bench/export-weights.ts FOLDER
 *     PYTHON=... npx tsx bench/gradients.ts FOLDER [--rounds 4] [TITLE]        those whose title begins so; prints only
 *     NATIVE_ONLY=1 ...                                                    without wasm
 *
 * On a machine with more cores: taskset -c 0,1.
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { startBackend, type tf } from '../lib/tf/backend';
import { strongestUnits } from '../lib/05-deconv/feature-map-gradients';
import type { Rule } from '../lib/05-deconv/gradients';
import { loadImage } from '../lib/image/image';
import { loadModel, type NetworkId } from '../lib/model/networks/load';
import { Contestant } from './contestant';
import type { Answer, Place, Request } from './gradients-side';
import { readWords } from './words';

const DOG = 235;
/** On a busy machine two threads of PyTorch mostly wait for each other: THREADS=1 compares the work itself. */
const THREADS = process.env.THREADS ?? '2';
const REPEATS = Number(process.env.REPEATS ?? 7);
const SIZES: Partial<Record<NetworkId, number>> = { squeezenet: 227, 'alexnet-2012': 227 };
const RULES: readonly Rule[] = ['backprop', 'deconv', 'guided'];
const median = (values: number[]) => {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
};

/** l2 of the difference over l2 of the second. */
function difference(a: string, b: string): number {
  const [x, y] = [a, b].map((file) => new Float32Array(new Uint8Array(fs.readFileSync(file)).buffer));
  let [above, below] = [0, 0];
  x.forEach((v, i) => {
    above += (v - y[i]) ** 2;
    below += y[i] ** 2;
  });
  return Math.sqrt(above / below);
}

interface Task {
  title: string;
  network: NetworkId;
  target: Request['target'];
  rule: Rule;
  repeats: number;
}

interface Side {
  name: string;
  who: Contestant<Answer>;
  method?: Request['method'];
}

async function compare(task: Task, sides: Side[], weights: string, folder: string, rounds: number) {
  const size = SIZES[task.network] ?? 224;
  const times = sides.map((): number[] => []);
  const processor = sides.map((): number[] => []);
  const outs = sides.map(({ name }) => path.join(folder, `${name}.f32`));
  const request = (i: number, repeats: number) => ({
    ...task,
    ...{ weights, size, repeats, image: path.join(folder, `${size}.f32`), method: sides[i].method, out: outs[i] },
  });
  const versions: string[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const [i, { who }] of sides.entries()) {
      // The first turn of all loads the network and warms up.
      if (round === 0 && task.repeats > 1) await who.run(request(i, 3));
      const answer = await who.run(request(i, task.repeats));
      times[i].push(...answer.times);
      processor[i].push(...answer.processor);
      versions[i] = answer.version;
    }
  }
  const used = processor.map(median);
  const middle = times.map(median);
  const least = times.map((t) => Math.min(...t));
  const captum = outs[sides.findIndex((s) => s.method === 'captum')];
  const lines = sides.map(({ name }, i) => {
    const ms = [middle[i], least[i], used[i]].map((s) => (1000 * s).toFixed(s < 1 ? 1 : 0));
    const ratios = [middle[i] / middle[0], least[i] / least[0], used[i] / used[0]].map((r) => r.toFixed(2));
    const error = outs[i] === captum ? '' : difference(outs[i], captum).toExponential(0);
    return `| ${[task.title, task.rule, name, ...ms.flatMap((t, k) => [t, ratios[k]]), error].join(' | ')} |`;
  });
  console.log(lines.join('\n'));
  return { lines, versions };
}

async function tasks(image: tf.Tensor3D, small: tf.Tensor3D): Promise<Task[]> {
  const alexnet = await loadModel('alexnet-2012', { head: false, full: false });
  const units = await strongestUnits(alexnet, image, 'conv5', { count: 256 });
  const place = ({ channel, at }: (typeof units)[0]): Place => [channel, ...at];
  const every = [...units].sort((a, b) => a.channel - b.channel).map(place);
  alexnet.dispose();
  const tower = await loadModel('alexnet');
  const [strongest] = await strongestUnits(tower, small, 'conv5', { count: 1 });
  tower.dispose();
  const one = (title: string, network: NetworkId, target: Request['target']) =>
    RULES.map((rule): Task => ({ title, network, target, rule, repeats: REPEATS }));
  return [
    ...one('AlexNet, one conv5 unit', 'alexnet', ['conv5', place(strongest)]),
    ...one('GoogLeNet, class', 'googlenet', DOG),
    ...one('AlexNet 2012, one conv5 unit', 'alexnet-2012', ['conv5', place(units[0])]),
    ...one('SqueezeNet, class', 'squeezenet', DOG),
    ...one('EfficientNet-Lite0, class', 'efficientnet-lite0', DOG),
    {
      title: 'AlexNet 2012, all 256 maps of conv5',
      network: 'alexnet-2012',
      target: ['conv5', every],
      rule: 'guided',
      repeats: 1,
    },
  ];
}

/** The dog at both sizes, and as files for the contestants. */
async function dogs(folder: string): Promise<tf.Tensor3D[]> {
  const images: tf.Tensor3D[] = [];
  for (const size of [227, 224]) {
    const image = await loadImage('mammal/dog.jpg', { size, crop: [56, 0, 256, 256] });
    fs.writeFileSync(path.join(folder, `${size}.f32`), new Uint8Array(image.dataSync().slice().buffer));
    images.push(image);
  }
  return images;
}

function contestants() {
  const side = path.join(__dirname, 'gradients-side.ts');
  const ours = (backend: string) =>
    new Contestant<Answer>(process.execPath, [...process.execArgv, side], {
      CONVSCOPE_BACKEND: backend,
      TF_NUM_INTRAOP_THREADS: THREADS,
    });
  const python = new Contestant<Answer>(process.env.PYTHON ?? 'python3', [path.join(__dirname, 'gradients.py')], {
    THREADS,
  });
  const [native, wasm] = [ours('tensorflow'), ours('wasm')];
  const sidesOf = ({ rule, target }: Task): Side[] => {
    const single = typeof target === 'number' || typeof target[1][0] === 'number';
    const torch: Side[] = rule === 'backprop' && single ? [{ name: 'PyTorch', who: python, method: 'torch' }] : [];
    const ours = [
      { name: 'native', who: native },
      { name: 'wasm', who: wasm },
    ].slice(0, single && !process.env.NATIVE_ONLY ? 2 : 1);
    return [...torch, { name: 'Captum', who: python, method: 'captum' }, ...ours];
  };
  return { sidesOf, stop: () => [python, native, wasm].forEach((c) => c.stop()) };
}

const HEAD = [
  '| what | rule | | ms | ratio | least ms | ratio | CPU ms | ratio | difference to Captum |',
  '|---|---|---|---|---|---|---|---|---|---|',
];

function report(lines: readonly string[], versions: readonly string[]): string {
  const machine = `${os.cpus()[0].model.trim()}, ${os.cpus().length} cores, Node ${process.version}`;
  return [
    '# Input gradients beside PyTorch and Captum',
    '',
    `${new Date().toISOString().slice(0, 10)}, ${machine}, ${versions.join(', ')}; ${THREADS} thread(s), load average ${os.loadavg()[1].toFixed(1)}.`,
    'Batch 1, the same weights and image, in turns, medians: by the clock, and of the processor (all threads together,',
    'which a busy machine hardly changes). "ratio" is the time over that of the first line of the same group (PyTorch for',
    'backprop, Captum elsewhere); "difference" is l2 of the difference over l2 of Captum\'s map.',
    '',
    ...HEAD,
    ...lines,
    '',
    NOTES,
    '',
    'Run again: `npx tsx bench/export-weights.ts FOLDER`, then `PYTHON=... npx tsx bench/gradients.ts FOLDER`.',
    '',
  ].join('\n');
}

async function main(): Promise<void> {
  const usage = 'gradients.ts FOLDER [--rounds 4] [TITLE]';
  const { values, positionals } = readWords(usage, { rounds: { type: 'string', default: '4' } }, 1);
  const [weights, pattern = ''] = positionals;
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-gradients-'));
  await startBackend();
  const [image, small] = await dogs(folder);
  const { sidesOf, stop } = contestants();
  console.log(HEAD.join('\n'));
  const lines: string[] = [];
  let versions: string[] = [];
  for (const task of await tasks(image, small)) {
    if (!task.title.startsWith(pattern)) continue;
    const result = await compare(task, sidesOf(task), weights, folder, task.repeats === 1 ? 1 : Number(values.rounds));
    lines.push(...result.lines);
    versions = [...new Set(result.versions)];
  }
  stop();
  fs.rmSync(folder, { recursive: true });
  // Part of the comparison does not replace the whole.
  if (pattern) return;
  fs.mkdirSync(path.join(__dirname, 'results'), { recursive: true });
  fs.writeFileSync(path.join(__dirname, 'results', 'gradients.md'), report(lines, versions));
}

const NOTES = `Aims, times PyTorch's: native at most 1.2 (AlexNet, both), 1.9 (EfficientNet-Lite0), 2.2 (SqueezeNet), wasm at most 6;
all maps of conv5 faster than Captum. Captum gets the maps in batches of 16, each example with a neuron of its own; ours go
in batches of 8, which take half the memory: 0.58 and 0.63 in two runs (with 16 it was 0.58).

What made native faster: convolutions with a stride run backwards as one forward convolution of the phases (conv1 of
AlexNet 11 to 3 ms, of SqueezeNet 17 to 7); TensorFlow's own ReluGrad; max pooling's gradient as an operation of ours in the
binding (SqueezeNet's first pool 15 to 0.8 ms, PyTorch needs 0.9). Tried without gain: fused convolution + bias,
Conv2DBackpropInput against a forward convolution at stride 1, 1x1 convolutions backwards as matrix products.

Why the 256 maps together differ from Captum's by 3e-3 in some runs and by 5e-7 in others: ONE ReLU. On this dog the
input of relu2 at row 23, column 22, channel 177 is 2.8e-5 in float64; native gets +5.9e-6, PyTorch -7.6e-6, so it is open on one side and closed on the other.
244 of the 256 maps agree (median 4e-7); the 12 that have this place in their way differ by 6e-4 to 4e-2, all in the
same 50 x 50 pixels. With that ReLU opened in PyTorch too, all 12 agree to 5e-7. No other unit was chosen and no pool differs
otherwise. Other photos: gradient-agreement.md.`;

void main();
