/**
 * Targeted attacks on every labelled course photo that the network gets right: how many succeed within an L-infinity
 * bound, as floats, after rounding to 8 bit, through PNG and JPEG; and the smallest perturbations of DeepFool and of
 * one-step FGSM on every sixth of them.
 *
 *     npx tsx bench/adversarial.ts [NETWORK ...] > bench/results/adversarial.md
 */
import { execFileSync } from 'node:child_process';
import * as os from 'node:os';
import { targeted } from '../lib/08-adversarial/attacks';
import { deepFool } from '../lib/08-adversarial/deepfool';
import { loadPhoto, retest, rightPhotos, smallestEpsilon } from '../lib/08-adversarial/robustness';
import { startBackend, tf } from '../lib/tf/backend';
import { findClass } from '../lib/model/classes';
import { l2Norm } from '../lib/image/metrics';
import type { ImageModel } from '../lib/model/model';
import { loadModel, type NetworkId } from '../lib/model/networks/load';
import { coursePhotos, type Photo } from '../lib/image/photos';
import { readWords } from './words';

/** Chapter 08's two grey levels, and `targeted`'s own number of steps. */
const EPSILON = 2 / 255;
const STEPS = 20;
/** Of the photos, where each takes long. */
const EVERY = 6;
const OSTRICH = findClass('鸵鸟').index;
/** Qualities from hardly visible to what cameras of telephones send. */
const JPEG = [95, 85, 75];

const percent = (n: number, of: number) => `${n} of ${of} (${((100 * n) / of).toFixed(1)} %)`;
const mean = (v: readonly number[]) => v.reduce((a, b) => a + b, 0) / v.length;
const median = (v: readonly number[]) => [...v].sort((a, b) => a - b)[v.length >> 1];

interface Tally {
  /** With cross entropy alone, after rounding. */
  readonly first: boolean[];
  readonly float: boolean[];
  readonly rounded: boolean[];
  readonly forms: Map<string, boolean[]>;
  readonly probability: number[];
  readonly linf: number[];
  readonly failed: string[];
}

async function attackAll(model: ImageModel, photos: readonly Photo[]): Promise<Tally> {
  const tally: Tally = { first: [], float: [], rounded: [], forms: new Map(), probability: [], linf: [], failed: [] };
  for (const photo of photos) {
    const image = await loadPhoto(model, photo);
    const options = { epsilon: EPSILON, steps: STEPS, classIndex: photo.imagenet!.index };
    let found = await targeted(model, image, { class: OSTRICH }, options);
    tally.first.push(found.success8bit);
    if (!found.success8bit) {
      tf.dispose([found.image, found.perturbation]);
      found = await targeted(model, image, { class: OSTRICH }, { ...options, loss: 'margin' });
    }
    tally.float.push(found.success);
    tally.rounded.push(found.success8bit);
    tally.probability.push(found.after8bit.find((s) => s.index === OSTRICH)?.probability ?? 0);
    tally.linf.push(found.linf);
    if (!found.success8bit) tally.failed.push(photo.file);
    for (const { form, success } of await retest(model, found, { jpeg: JPEG, blur: [1] })) {
      tally.forms.set(form, [...(tally.forms.get(form) ?? []), success]);
    }
    tf.dispose([image, found.image, found.perturbation]);
  }
  return tally;
}

/** ||r|| / ||x|| of DeepFool, and of FGSM at the smallest epsilon that works. */
async function smallest(model: ImageModel, photos: readonly Photo[]) {
  const rows: { deepFool: number; steps: number; fgsm: number; epsilon: number }[] = [];
  for (const photo of photos.filter((_, i) => i % EVERY === 0)) {
    const image = await loadPhoto(model, photo);
    const found = await deepFool(model, image);
    const { epsilon } = await smallestEpsilon(model, image, { max: 64 / 255 });
    const fgsm = (epsilon * Math.sqrt(image.size)) / l2Norm(await image.data());
    rows.push({ deepFool: found.relative, steps: found.trace.length - 1, fgsm, epsilon });
    tf.dispose([image, found.image, found.perturbation]);
  }
  return rows;
}

async function report(id: NetworkId): Promise<void> {
  const model = await loadModel(id);
  const labelled = coursePhotos({ labelled: true });
  const right = (await rightPhotos(model, labelled)).photos.map((r) => r.photo);
  const photos = right.filter((p) => p.imagenet!.index !== OSTRICH);
  const { first, float, rounded, forms, probability, linf, failed } = await attackAll(model, photos);
  const count = (v: readonly boolean[]) => percent(v.filter(Boolean).length, v.length);
  console.log(`\n## ${model.title}\n`);
  console.log(
    `${labelled.length} labelled photos, ${right.length} right before the attack, ${photos.length} attacked.\n`,
  );
  console.log('| targeted attack | |\n|---|---|');
  console.log(`| cross entropy alone, after rounding to 8 bit | ${count(first)} |`);
  console.log('| and the margin of scores where that failed: | |');
  console.log(`| succeeds, float | ${count(float)} |`);
  console.log(`| succeeds after rounding to 8 bit | ${count(rounded)} |`);
  for (const [form, all] of forms)
    if (!/浮点|8 位/.test(form)) console.log(`| ${form.replace('模糊', 'Gaussian blur, sigma')} | ${count(all)} |`);
  console.log(`| mean probability of the target after rounding | ${mean(probability).toFixed(3)} |`);
  console.log(`| largest change of a number | ${(Math.max(...linf) * 255).toFixed(3)}/255 |`);
  if (failed.length) console.log(`\nFailed: ${failed.join(', ')}.`);
  const rows = await smallest(model, photos);
  const finite = rows.filter((r) => Number.isFinite(r.epsilon));
  console.log(`\nSmallest perturbations, every ${EVERY}th photo (${rows.length}):\n`);
  console.log('| | mean norm of r over norm of x | median | |\n|---|---|---|---|');
  console.log(
    `| DeepFool | ${mean(rows.map((r) => r.deepFool)).toExponential(2)} | ${median(rows.map((r) => r.deepFool)).toExponential(2)} | ${mean(rows.map((r) => r.steps)).toFixed(1)} steps |`,
  );
  console.log(
    `| FGSM, smallest epsilon | ${mean(finite.map((r) => r.fgsm)).toExponential(2)} | ${median(finite.map((r) => r.fgsm)).toExponential(2)} | works on ${percent(finite.length, rows.length)}, median epsilon ${(median(finite.map((r) => r.epsilon)) * 255).toFixed(2)}/255 |`,
  );
  model.dispose();
}

async function main(): Promise<void> {
  const { positionals: networks } = readWords('adversarial.ts [NETWORK ...]', {});
  const backend = await startBackend();
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  console.log(`# Targeted attacks on the course's photos\n`);
  console.log(
    `${new Date().toISOString().slice(0, 10)}, ${os.cpus()[0].model}, ${os.cpus().length} cores, Node ${process.version}, ${backend.name} ${backend.version}, commit ${commit}.\n` +
      `Target: ostrich. L-infinity bound ${EPSILON * 255}/255, ${STEPS} steps, photos rounded to 8 bit before the attack.\n` +
      `Run again: \`npx tsx bench/adversarial.ts\`.`,
  );
  for (const id of networks.length ? networks : ['squeezenet', 'efficientnet-lite0']) await report(id as NetworkId);
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
