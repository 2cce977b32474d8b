/**
 * Maximisation beside PyTorch: a class of GoogLeNet, SqueezeNet and EfficientNet-Lite0, a channel of AlexNet; 200
 * steps, the same algorithm on the same weights, two threads. The
 * two take turns, 20 steps each, so that a busy machine troubles nobody alone.
 *
 *     npx tsx bench/export-weights.ts FOLDER
 *     PYTHON=... npx tsx bench/optimize.ts FOLDER [--steps 200] [NETWORK ...]
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { startBackend, tf } from '../lib/tf/backend';
import type { ImageModel } from '../lib/model/model';
import { loadModel, type NetworkId } from '../lib/model/networks/load';
import { channel, classScore, type Objective } from '../lib/06-optimization/objectives';
import { maximize, type MaximizeOptions, type Optimized } from '../lib/06-optimization/optimize';
import { pixels } from '../lib/06-optimization/parametrization';
import { blur } from '../lib/06-optimization/projections';
import { jitter } from '../lib/06-optimization/transforms';
import { livePicture } from '../lib/show/live';
import { setSink } from '../lib/show/sink';
import { Contestant } from './contestant';
import { readWords } from './words';

interface Answer {
  seconds: number;
  cpu: number;
  score: number;
  version: string;
}

const FLAMINGO = 130;

interface Task {
  readonly title: string;
  readonly objective: Objective;
  /** The same for PyTorch: a layer and the channel whose mean is the score. */
  readonly target: readonly [layer: string, channel: number];
}

const TASKS: Partial<Record<NetworkId, Task>> = {
  googlenet: { title: 'GoogLeNet, flamingo', objective: classScore(FLAMINGO), target: ['logits', FLAMINGO] },
  alexnet: { title: 'AlexNet, conv5 channel 10', objective: channel('conv5', 10), target: ['conv5', 10] },
  squeezenet: { title: 'SqueezeNet, flamingo', objective: classScore(FLAMINGO), target: ['conv10', FLAMINGO] },
  'efficientnet-lite0': {
    title: 'EfficientNet-Lite0, flamingo',
    objective: classScore(FLAMINGO),
    target: ['fc', FLAMINGO],
  },
};
const TURN = 20;
/** Long enough that the first and the last picture, which are always drawn, are not all there is. */
const LOOKED = 100;
const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** One turn of ours: so many steps on, without the verdict and the images' disposal in the time of the next. */
async function turn(
  model: ImageModel,
  objective: Objective,
  options: MaximizeOptions,
  resume?: Optimized,
  steps = TURN,
) {
  const start = performance.now();
  const before = process.cpuUsage();
  const result = await maximize(model, objective, { ...options, steps, verdict: false, resume });
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(before);
  tf.dispose([result.image, result.best]);
  return { seconds, cpu: (user + system) / 1e6, result };
}

async function compare(
  model: ImageModel,
  { title, objective, target }: Task,
  python: Contestant<Answer>,
  weights: string,
  steps: number,
  regular: boolean,
) {
  const start = tf.tidy(() => tf.add(tf.zeros([...model.inputSize, 3]), tf.tensor1d([...model.mean])) as tf.Tensor3D);
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-bench-')), 'start.f32');
  fs.writeFileSync(file, new Uint8Array(start.dataSync().slice().buffer));
  const regularized: MaximizeOptions = { projections: [blur(0.6, 2)], transforms: [jitter(16)] };
  const plain: MaximizeOptions = { parametrization: pixels(), ...(regular ? regularized : {}) };
  const options: MaximizeOptions = { ...plain, start, learningRate: 0.03 };
  const request = { weights, network: model.id, target, rate: 0.03, regular, steps: TURN };
  // Both warm up.
  await python.run({ ...request, start: file, steps: 3 });
  tf.dispose((({ image, best }) => [image, best])(await maximize(model, objective, { ...options, steps: 3 })));
  const [ours, theirs, ourCpu, theirCpu]: number[][] = [[], [], [], []];
  let resume: Optimized | undefined;
  let answer!: Answer;
  for (let done = 0; done < steps; done += TURN) {
    answer = await python.run(done ? request : { ...request, start: file });
    theirs.push(answer.seconds);
    theirCpu.push(answer.cpu);
    const mine = await turn(model, objective, options, resume);
    resume = mine.result;
    ours.push(mine.seconds);
    ourCpu.push(mine.cpu);
  }
  start.dispose();
  const sum = (v: number[]) => v.reduce((a, b) => a + b, 0);
  const perStep = (v: number[]) => ((1000 * median(v)) / TURN).toFixed(0);
  const cells = (name: string, v: number[], cpu: number[], score: number) => {
    const way = `${title}; ${regular ? 'blur, jitter' : 'no regularisation'}`;
    const ratios = [sum(v) / sum(theirs), sum(cpu) / sum(theirCpu)].map((r) => r.toFixed(2));
    return `| ${[way, name, sum(v).toFixed(1), ratios[0], perStep(v), sum(cpu).toFixed(1), ratios[1], perStep(cpu), score.toFixed(score < 1000 ? 1 : 0)].join(' | ')} |`;
  };
  console.log(cells(answer.version, theirs, theirCpu, answer.score));
  console.log(cells(`convscope, ${tf.getBackend()}`, ours, ourCpu, resume!.trace[resume!.trace.length - 1]));
}

/** What looking costs: the same steps with a live picture, and with the values read at every step. */
async function looking(model: ImageModel) {
  const sink = setSink(() => undefined);
  const options = { learningRate: 0.03 };
  const watched = {
    'nobody looks': undefined,
    'value read at every step': () => undefined,
    'live picture': livePicture,
  };
  const seconds: Record<string, number[]> = {};
  for (let round = 0; round < 2; round++) {
    for (const [name, watch] of Object.entries(watched)) {
      const onStep = watch === livePicture ? livePicture('flamingo') : (watch as MaximizeOptions['onStep']);
      (seconds[name] ??= []).push(
        (await turn(model, classScore(FLAMINGO), { ...options, onStep }, undefined, LOOKED)).seconds,
      );
    }
  }
  setSink(sink);
  const base = Math.min(...seconds['nobody looks']);
  console.log(`\n| ${LOOKED} steps with | better of 2, s | ratio |\n|---|---|---|`);
  for (const [name, v] of Object.entries(seconds)) {
    console.log(`| ${name} | ${Math.min(...v).toFixed(2)} | ${(Math.min(...v) / base).toFixed(2)} |`);
  }
}

async function main(): Promise<void> {
  const usage = 'optimize.ts FOLDER [--steps 200] [NETWORK ...]';
  const { values, positionals } = readWords(usage, { steps: { type: 'string', default: '200' } }, 1);
  const [weights, ...only] = positionals;
  const steps = Number(values.steps);
  const backend = await startBackend();
  const python = new Contestant<Answer>(process.env.PYTHON ?? 'python3', [path.join(__dirname, 'optimize.py')]);
  console.log(`${os.cpus()[0].model}, ${os.cpus().length} cores; Node ${process.version}; ${backend.name} ${backend.version}; load ${os.loadavg()[0].toFixed(1)}\n`); // prettier-ignore
  console.log(`| ${steps} steps of maximisation | | s | ratio | ms / step | CPU s | ratio | CPU ms / step | score |\n|---|---|---|---|---|---|---|---|---|`); // prettier-ignore
  for (const [id, task] of Object.entries(TASKS)) {
    if (only.length > 0 && !only.includes(id)) continue;
    const model = await loadModel(id as NetworkId);
    for (const regular of [false, true]) await compare(model, task, python, weights, steps, regular);
    model.dispose();
  }
  python.stop();
  if (only.length > 0) return;
  const model = await loadModel('squeezenet');
  await looking(model);
  model.dispose();
}

void main();
