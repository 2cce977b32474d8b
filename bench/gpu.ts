/**
 * One graphics card, three ways: TensorFlow on CUDA, WebGPU, PyTorch. Classification, the input gradient, 200 steps of
 * maximisation, an occlusion map; the same weights and images, in turns. At most 8 minutes; what does not come to its
 * turn is left out and said.
 *
 *     npm run setup -- --webgpu
 *     PYTHON=... npm run bench:gpu          a Python with torch (for CUDA) and captum; without it that side is missing
 *     npm run bench:gpu -- --small [WORD ...]   few steps of what has one of the words in its title: tries the way, and
 *                                               writes nothing
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { startBackend } from '../lib/tf/backend';
import { loadImage } from '../lib/image/image';
import type { NetworkId } from '../lib/model/networks/load';
import { networkFilesPresent } from '../lib/model/weights/present';
import { Contestant } from './contestant';
import type { Answer, Request } from './gpu-side';
import { readWords } from './words';

/** Of one run on a card that is borrowed; what is not measured by then says so in the table. */
const MINUTES = 8;
const END = Date.now() + (MINUTES - 0.5) * 60_000;
const { values, positionals: WORDS } = readWords('gpu.ts [--small] [WORD ...]', { small: { type: 'boolean' } });
const SMALL = values.small;
/** Who needs longer for one answer is out: a card needs seconds, and the others have their turn, too. */
const PATIENCE_SECONDS = SMALL ? 400 : 75;
const [DOG, FLAMINGO] = [235, 130];

type Task = Pick<Request, 'task' | 'network' | 'target'> & Partial<Request> & { readonly title: string };

const LOGITS: Partial<Record<NetworkId, string>> = { 'efficientnet-lite0': 'fc', googlenet: 'logits' };
const WITH_CLASSES: readonly [NetworkId, string][] = [
  ['efficientnet-lite0', 'EfficientNet-Lite0'],
  ['googlenet', 'GoogLeNet'],
];

function tasks(): Task[] {
  const batch = SMALL ? 4 : 32;
  const steps = SMALL ? 4 : 200;
  const passes = (title: string, network: NetworkId, target: Task['target']): Task[] => [
    { title: `${title}: forward, 1 image`, task: 'classify', network, target, batch: 1 },
    { title: `${title}: forward, ${batch} images`, task: 'classify', network, target, batch },
    { title: `${title}: input gradient`, task: 'gradient', network, target },
  ];
  const withClasses = WITH_CLASSES.filter(([id]) => id !== 'googlenet' || networkFilesPresent('googlenet').present);
  return [
    ...passes('AlexNet', 'alexnet', ['conv5', 10]),
    {
      title: `AlexNet: ${steps} steps of maximisation`,
      task: 'maximise',
      network: 'alexnet',
      target: ['conv5', 10],
      steps,
      repeats: 1,
    },
    ...withClasses.flatMap(([network, title]): Task[] => [
      ...passes(title, network, DOG),
      {
        title: `${title}: ${steps} steps of maximisation`,
        task: 'maximise',
        network,
        target: FLAMINGO,
        steps,
        repeats: 1,
      },
      { title: `${title}: occlusion map`, task: 'occlusion', network, target: DOG, repeats: 1 },
    ]),
  ];
}

interface Side {
  readonly name: string;
  readonly who: Contestant<Answer>;
  /** It has not answered, and will not be asked again. */
  gone?: string;
  version?: string;
  device?: string;
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1];
const numbers = (file: string) => new Float32Array(new Uint8Array(fs.readFileSync(file)).buffer);

/** l2 of the difference over l2 of the second. */
function difference(a: string, b: string): string {
  const [x, y] = [numbers(a), numbers(b)];
  const square = (sum: number, v: number) => sum + v * v;
  return Math.sqrt(x.map((v, i) => v - y[i]).reduce(square, 0) / y.reduce(square, 0)).toExponential(0);
}

/** An answer in time, or undefined; who did not give one is not asked again. */
async function ask(side: Side, request: object): Promise<Answer | undefined> {
  if (side.gone) return undefined;
  let timer: NodeJS.Timeout | undefined;
  const patience = Math.max(0, Math.min(END - Date.now(), 1000 * PATIENCE_SECONDS));
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${Math.round(patience / 1000)} s`)), patience);
  });
  try {
    const answer = await Promise.race([side.who.run(request), late]);
    Object.assign(side, { version: answer.version, device: answer.device });
    return answer;
  } catch (error) {
    side.gone = (error as Error).message;
    side.who.kill();
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

async function compare(task: Task, sides: readonly Side[], folder: string): Promise<string[]> {
  const request = {
    ...{ logits: LOGITS[task.network], weights: folder, image: path.join(folder, 'dog.f32'), size: 224 },
    ...{ batch: 1, steps: 1, stride: SMALL ? 40 : 8, repeats: SMALL ? 2 : 20, limit: 4 },
    ...task,
  };
  const outs = sides.map(({ name }) => path.join(folder, `${name}.f32`));
  const times: (number | undefined)[] = [];
  for (const [i, side] of sides.entries()) {
    const mine = { ...request, out: outs[i] };
    // Shaders are compiled and kernels chosen at the first run of each shape.
    await ask(side, { ...mine, repeats: 3, steps: 3, stride: 40 });
    const answer = await ask(side, mine);
    times.push(answer && median(answer.seconds));
  }
  const last = sides.length - 1;
  return sides.map(({ name }, i) => {
    const [time, reference] = [times[i], times[last]];
    const ratio = time && reference ? (time / reference).toFixed(2) : '';
    const ms = time === undefined ? 'not measured' : (1000 * time).toFixed(time < 0.1 ? 1 : 0);
    const error = time && reference && i < last ? difference(outs[i], outs[last]) : '';
    return `| ${[task.title, name, ms, ratio, error].join(' | ')} |`;
  });
}

function start(): Side[] {
  const ours = (backend: string) =>
    new Contestant<Answer>(process.execPath, [...process.execArgv, path.join(__dirname, 'gpu-side.ts')], {
      CONVSCOPE_BACKEND: backend,
    });
  const python = process.env.PYTHON ?? 'python3';
  return [
    { name: 'TensorFlow', who: ours('tensorflow') },
    { name: 'webgpu', who: ours('webgpu') },
    { name: 'PyTorch', who: new Contestant<Answer>(python, [path.join(__dirname, 'gpu.py')]) },
  ];
}

async function main(): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-gpu-'));
  const wanted = ({ title }: Task) => WORDS.length === 0 || WORDS.some((word) => title.includes(word));
  const all = tasks().filter(wanted);
  const networks = [...new Set(all.map(({ network }) => network))];
  execFileSync(process.execPath, [...process.execArgv, path.join(__dirname, 'export-weights.ts'), folder, ...networks]);
  await startBackend('cpu');
  const image = await loadImage('mammal/dog.jpg', { size: 224, crop: [56, 0, 256, 256] });
  fs.writeFileSync(path.join(folder, 'dog.f32'), new Uint8Array((await image.data<'float32'>()).slice().buffer));
  const sides = start();
  const lines = ['| what | | ms | ratio to PyTorch | difference to PyTorch |', '|---|---|---|---|---|'];
  for (const task of all) {
    const added = Date.now() < END ? await compare(task, sides, folder) : [`| ${task.title} | no time left | | | |`];
    console.log(added.join('\n'));
    lines.push(...added);
  }
  sides.forEach(({ who }) => who.stop());
  fs.rmSync(folder, { recursive: true });
  const named = sides.map(
    ({ name, version, device, gone }) =>
      `- ${name}: ${version ? `${version}, on ${device}` : 'did not start'}${gone ? ` (${gone})` : ''}`,
  );
  console.log(`\n${named.join('\n')}`);
  const onCard = sides.filter(({ device }) => device && device !== 'cpu').length;
  if (SMALL || onCard === 0)
    return console.log('\nnothing written: the small setting, or nobody was on a graphics card');
  const machine = `${os.cpus()[0].model.trim()}, ${os.cpus().length} cores, Node ${process.version}`;
  const head = `${new Date().toISOString().slice(0, 10)}, ${machine}. Medians, reading the result included; one warm-up.`;
  const text = [
    '# On a graphics card',
    '',
    head,
    '',
    ...named,
    '',
    ...lines,
    '',
    'Run again: bench/gpu.ts says how.',
    '',
  ];
  fs.writeFileSync(path.join(__dirname, 'results', 'gpu.md'), text.join('\n'));
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
