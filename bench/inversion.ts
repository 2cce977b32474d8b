/**
 * Inversion and attack beside PyTorch: the same weights, start, objective, penalties, step rules and number of steps,
 * two threads, in turns in one run, so that a busy machine troubles nobody alone. Compares the final values too.
 *
 *     npx tsx bench/export-weights.ts FOLDER
 *     PYTHON=... npx tsx bench/inversion.ts FOLDER [--rounds 3]
 *
 * Bar: at most 1.5 times PyTorch's time on native.
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import * as readline from 'node:readline';
import { targeted } from '../lib/08-adversarial/attacks';
import { loadPhoto } from '../lib/08-adversarial/robustness';
import { startBackend, tf } from '../lib/tf/backend';
import { invert, mahendranPreset } from '../lib/07-inversion/inversion';
import { variationWeight } from '../lib/07-inversion/presets';
import type { ImageModel } from '../lib/model/model';
import { loadModel, type NetworkId } from '../lib/model/networks/load';
import { photo } from '../lib/image/photos';
import { Contestant } from './contestant';
import { readWords } from './words';

const OSTRICH = 9;
const INVERSION_STEPS = 200;
const ATTACK_STEPS = 20;
const LAYER = 'relu3';
const SWITCHES = { rounds: { type: 'string', default: '3' }, serve: { type: 'boolean' } } as const;

interface Answer {
  readonly seconds: number;
  readonly value: number;
  readonly version: string;
}

interface Request {
  readonly task: 'inversion' | 'attack';
  readonly network: NetworkId;
  readonly image: string;
  readonly start: string;
  readonly side: number;
}

const readImage = (file: string, side: number) =>
  tf.tensor3d(new Float32Array(new Uint8Array(fs.readFileSync(file)).buffer), [side, side, 3]);

async function solve(model: ImageModel, { task, image, start, side }: Request): Promise<number> {
  const picture = readImage(image, side);
  const from = readImage(start, side);
  try {
    if (task === 'attack') {
      const found = await targeted(model, picture, { class: OSTRICH }, { steps: ATTACK_STEPS, momentum: 0.5 });
      tf.dispose([found.image, found.perturbation]);
      return found.trace[ATTACK_STEPS];
    }
    const found = await invert(model, picture, LAYER, {
      ...mahendranPreset(model, LAYER, { steps: INVERSION_STEPS }),
      start: from,
      noise: 0,
      verdict: false,
    });
    tf.dispose([found.image, found.best]);
    return -found.trace[INVERSION_STEPS];
  } finally {
    tf.dispose([picture, from]);
  }
}

/** Our side, in a process of its own for each backend. */
async function serve(): Promise<void> {
  const { name, version } = await startBackend();
  const models = new Map<string, ImageModel>();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as Request;
    if (!models.has(request.network)) models.set(request.network, await loadModel(request.network));
    const start = performance.now();
    const value = await solve(models.get(request.network)!, request);
    const seconds = (performance.now() - start) / 1000;
    process.stdout.write(`${JSON.stringify({ seconds, value, version: `${name} ${version}` } satisfies Answer)}\n`);
  }
}

const median = (values: readonly number[]) => {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
};

async function requests(folder: string, weights: string): Promise<(Request & Record<string, unknown>)[]> {
  await startBackend();
  const write = (name: string, t: tf.Tensor) => {
    const file = path.join(folder, name);
    fs.writeFileSync(file, new Uint8Array(t.dataSync().slice().buffer));
    return file;
  };
  const alexnet = await loadModel('alexnet-2012', { head: false, full: false });
  const panda = await loadPhoto(alexnet, photo('red-panda'));
  const start = tf.tidy(() => {
    const noise = tf.randomNormal(panda.shape, 0, 0.27, 'float32', 1);
    return tf.clipByValue(tf.add(noise, tf.tensor1d([...alexnet.mean])), 0, 1);
  });
  const { alpha, lambda } = mahendranPreset(alexnet, LAYER);
  const tv = variationWeight(alexnet, lambda);
  const rate = 0.004 * 0.27 ** 2 * panda.size;
  const inversion = { alpha, tv, rate, layer: LAYER, mean: alexnet.mean, steps: INVERSION_STEPS };
  const list: (Request & Record<string, unknown>)[] = [
    { task: 'inversion', network: 'alexnet-2012', image: write('panda', panda), start: write('start', start), side: 227, ...inversion }, // prettier-ignore
  ];
  for (const network of ['squeezenet', 'efficientnet-lite0'] as const) {
    const model = await loadModel(network);
    const dog = write(`dog-${network}`, await loadPhoto(model, photo('dog.jpg')));
    const attack = { epsilon: 2 / 255, rate: (2.5 * (2 / 255)) / ATTACK_STEPS, steps: ATTACK_STEPS, target: OSTRICH };
    list.push({ task: 'attack', network, image: dog, start: dog, side: model.inputSize[0], scoreMap: model.scoreMap ?? '', ...attack }); // prettier-ignore
  }
  return list.map((request) => ({ ...request, weights }));
}

async function main(): Promise<void> {
  const usage = 'inversion.ts FOLDER [--rounds 3]';
  const { values, positionals } = readWords(usage, SWITCHES, 1);
  if (values.serve) return serve();
  const [weights] = positionals;
  const rounds = Number(values.rounds);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-bench-'));
  const ours = (backend: string) =>
    new Contestant<Answer>(process.execPath, [...process.execArgv, __filename, weights, '--serve'], {
      CONVSCOPE_BACKEND: backend,
    });
  const torch = new Contestant<Answer>(process.env.PYTHON ?? 'python3', [path.join(__dirname, 'inversion.py')]);
  const contestants = { PyTorch: torch, native: ours('tensorflow'), wasm: ours('wasm') };
  const lines = ['| | | seconds | this / PyTorch | final value |', '|---|---|---|---|---|'];
  const versions = new Set<string>();
  for (const request of await requests(folder, weights)) {
    const answers: Record<string, Answer[]> = { PyTorch: [], native: [], wasm: [] };
    for (let round = 0; round <= rounds; round++) {
      for (const [name, who] of Object.entries(contestants)) {
        const answer = await who.run(request);
        // The first turn loads the network and warms up.
        if (round > 0 || rounds === 0) answers[name].push(answer);
        versions.add(answer.version);
      }
    }
    const title = request.task === 'attack' ? `attack, ${ATTACK_STEPS} steps, ${request.network}` : `inversion, ${INVERSION_STEPS} steps, ${request.network} ${LAYER}`; // prettier-ignore
    const base = median(answers.PyTorch.map((a) => a.seconds));
    for (const [name, all] of Object.entries(answers)) {
      const seconds = median(all.map((a) => a.seconds));
      const line = `| ${title} | ${name} | ${seconds.toFixed(2)} | ${(seconds / base).toFixed(2)} | ${all[0].value.toPrecision(4)} |`;
      console.log(line);
      lines.push(line);
    }
  }
  Object.values(contestants).forEach((c) => c.stop());
  fs.rmSync(folder, { recursive: true });
  const machine = `${os.cpus()[0].model.trim()}, ${os.cpus().length} cores, Node ${process.version}`;
  const text = [
    '# Inversion and attack beside PyTorch',
    '',
    `${new Date().toISOString().slice(0, 10)}, ${machine}, ${[...versions].join(', ')}; two threads, load average ${os.loadavg()[1].toFixed(1)}.`,
    `Medians of ${rounds} turns. Bar: at most 1.5 times PyTorch's time on native. The final value is the relative error of`,
    'the code (inversion) and the log probability of the target (attack).',
    '',
    ...lines,
    '',
    'Run again: `npx tsx bench/export-weights.ts FOLDER`, then `PYTHON=... npx tsx bench/inversion.ts FOLDER`.',
    '',
  ].join('\n');
  fs.mkdirSync(path.join(__dirname, 'results'), { recursive: true });
  fs.writeFileSync(path.join(__dirname, 'results', 'inversion.md'), text);
  process.exit(0);
}

void main();
