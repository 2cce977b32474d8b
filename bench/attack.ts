/**
 * The targeted attack beside PyTorch: 20 steps with momentum, epsilon 2/255, the same photo and weights, two threads, in
 * turns.
 *
 *     npx tsx bench/export-weights.ts FOLDER
 *     PYTHON=... npx tsx bench/attack.ts FOLDER [--rounds 7]
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { targeted } from '../lib/08-adversarial/attacks';
import { loadImage } from '../lib/image/image';
import { photo } from '../lib/image/photos';
import { loadModel, type NetworkId } from '../lib/model/networks/load';
import { startBackend, tf } from '../lib/tf/backend';
import { Contestant } from './contestant';
import { readWords } from './words';

const OSTRICH = 9;
const NETWORKS: readonly NetworkId[] = ['efficientnet-lite0', 'squeezenet', 'googlenet'];
const SETTINGS = { epsilon: 2 / 255, steps: 20 };

interface Answer {
  seconds: number;
  cpu: number;
  probability: number;
  version: string;
}

async function main(): Promise<void> {
  const { values, positionals } = readWords(
    'attack.ts FOLDER [--rounds 7]',
    { rounds: { type: 'string', default: '7' } },
    1,
  );
  const [weights] = positionals;
  const backend = await startBackend();
  const python = new Contestant<Answer>(process.env.PYTHON ?? 'python3', [path.join(__dirname, 'attack.py')]);
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-bench-')), 'image.f32');
  console.log(`${os.cpus()[0].model}, ${os.cpus().length} cores; Node ${process.version}; ${backend.name} ${backend.version}; load ${os.loadavg()[0].toFixed(1)}\n`); // prettier-ignore
  console.log('| network | | s | ratio | least s | ratio | CPU s | ratio | probability of the target |\n|---|---|---|---|---|---|---|---|---|'); // prettier-ignore
  for (const id of NETWORKS) {
    const model = await loadModel(id);
    const { path: source, crop } = photo('dog');
    const image = await loadImage(source, { size: [...model.inputSize], crop });
    fs.writeFileSync(file, Buffer.from((await image.data<'float32'>()).slice().buffer));
    const ours: Answer[] = [];
    const theirs: Answer[] = [];
    // the first of each warms up
    for (let turn = 0; turn <= Number(values.rounds); turn++) {
      const answer = await python.run({ weights, network: id, image: file, target: OSTRICH, ...SETTINGS });
      const mine = await attackOnce(model, image);
      if (turn === 0) continue;
      theirs.push(answer);
      ours.push({ ...mine, version: `convscope, ${tf.getBackend()}` });
    }
    for (const answers of [theirs, ours]) console.log(row(model.title, answers, theirs));
    image.dispose();
    model.dispose();
  }
  python.stop();
}

async function attackOnce(model: Awaited<ReturnType<typeof loadModel>>, image: tf.Tensor3D) {
  const [start, before] = [performance.now(), process.cpuUsage()];
  const result = await targeted(model, image, { class: OSTRICH }, SETTINGS);
  const { user, system } = process.cpuUsage(before);
  const answer = { seconds: (performance.now() - start) / 1000, cpu: (user + system) / 1e6 };
  const logits = model.activations(result.image);
  const probabilities = tf.softmax(logits);
  const probability = (await probabilities.data())[OSTRICH];
  tf.dispose([logits, probabilities, result.image, result.perturbation]);
  return { ...answer, probability };
}

const sorted = (answers: readonly Answer[], key: 'seconds' | 'cpu') => answers.map((a) => a[key]).sort((a, b) => a - b);

function row(title: string, answers: readonly Answer[], base: readonly Answer[]): string {
  const numbers = (of: readonly Answer[]) => {
    const [seconds, cpu] = [sorted(of, 'seconds'), sorted(of, 'cpu')];
    return [seconds[seconds.length >> 1], seconds[0], cpu[cpu.length >> 1]];
  };
  const other = numbers(base);
  const cells = numbers(answers).flatMap((value, i) => [value.toFixed(2), (value / other[i]).toFixed(2)]);
  const { version, probability } = answers[answers.length - 1];
  return `| ${[title, version, ...cells, probability.toFixed(3)].join(' | ')} |`;
}

void main();
