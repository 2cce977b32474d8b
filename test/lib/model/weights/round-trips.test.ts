import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { iterate, targeted } from '../../../../lib/08-adversarial/attacks';
import { startBackend, tf } from '../../../../lib/tf/backend';
import { invert, mahendranPreset } from '../../../../lib/07-inversion/inversion';
import type { ImageModel } from '../../../../lib/model/model';
import { classScore } from '../../../../lib/06-optimization/objectives';
import { maximize, type MaximizeOptions } from '../../../../lib/06-optimization/optimize';
import { yosinskiPresets } from '../../../../lib/06-optimization/presets';
import { randomGenerator } from '../../../../lib/base/random';
import { disposeAll, tinyModel } from '../../../helpers';

/**
 * Within a step nothing waits for a number from the device: on a GPU each such wait would stop the queue. The values
 * of up to 25 steps are read in one go, so that a longer run (below 25 steps) reads no more often than a short one.
 * On the native backend only: wasm's numbers are in the host's memory anyway, and its kernels look at them there.
 */
const [SHORT, LONG] = [4, 20];
const SIDE = 24;
let model: ImageModel;
let image: tf.Tensor3D;

let native = false;
test.before(async () => {
  native = (await startBackend()).name === 'tensorflow';
  const random = randomGenerator(5);
  const weights = (n: number) => Array.from({ length: n }, () => random.normal() / 3);
  model = tinyModel(
    [SIDE, SIDE],
    [
      { kernel: weights(108), size: [3, 3], filters: 4 },
      { kernel: weights(180), size: [3, 3], filters: 5, relu: false },
    ],
  );
  image = tf.randomUniform([SIDE, SIDE, 3], 0.2, 0.8, 'float32', 1) as tf.Tensor3D;
});

test.after(() => {
  image.dispose();
  model.dispose();
});

const skipped = (name: string) => console.log(`SKIP ${name}: the backend is not native TensorFlow`);

/** How often numbers are fetched from the backend while `run` lasts. */
async function reads(run: () => Promise<unknown>): Promise<number> {
  const backend = tf.backend() as unknown as Record<'read' | 'readSync', (id: object) => unknown>;
  const original = { read: backend.read, readSync: backend.readSync };
  let [count, depth] = [0, 0];
  for (const name of ['read', 'readSync'] as const) {
    backend[name] = function (id: object) {
      // The native `read` calls `readSync`: one reading.
      if (depth++ === 0) count++;
      try {
        return original[name].call(backend, id);
      } finally {
        depth--;
      }
    };
  }
  try {
    disposeAll(await run());
  } finally {
    Object.assign(backend, original);
  }
  return count;
}

const RUNS: Record<string, (steps: number, extra?: MaximizeOptions) => Promise<unknown>> = {
  'maximize, defaults': (steps, extra) => maximize(model, classScore(1), { steps, verdict: false, ...extra }),
  ...Object.fromEntries(
    yosinskiPresets.map(({ name, options }) => [
      `maximize, ${name}`,
      (steps: number) => maximize(model, classScore(1), { ...options, steps, verdict: false }),
    ]),
  ),
  "inversion, the paper's settings": (steps) =>
    invert(model, image, 'c2', { ...mahendranPreset(model, 'c2'), steps, verdict: false }),
  'inversion, Adam, part of the code': (steps) =>
    invert(model, image, 'c2', { steps, channels: [0, 2], region: [2, 2, 5, 5], verdict: false }),
  'iterated attack': (steps) => iterate(model, image, { steps }),
  'targeted attack': (steps) => targeted(model, image, { class: 0 }, { steps }),
};

for (const [name, run] of Object.entries(RUNS)) {
  test(`${name}: no number is read within a step`, async () => {
    if (!native) return skipped(name);
    // what is called for the fifth time is written down as a program and compared with single operations, once
    for (let i = 0; i < 6; i++) disposeAll(await run(SHORT));
    const [few, many] = [await reads(() => run(SHORT)), await reads(() => run(LONG))];
    assert.ok(few > 0, 'the result itself is read');
    assert.is(many, few, `${SHORT} steps read ${few} times, ${LONG} steps ${many} times`);
  });
}

test('the count sees a reading: looking at every step costs one each', async () => {
  if (!native) return skipped('the count of readings');
  const watched = { onStep: () => undefined };
  const run = (steps: number) => reads(() => RUNS['maximize, defaults'](steps, watched));
  assert.is((await run(LONG)) - (await run(SHORT)), LONG - SHORT);
});

test.run();
