import { Worker } from 'worker_threads';
import { BREATH_MS, type InterruptWatch } from '../../base/interrupt';
import type { Matrix } from '../nearest-rows';
import { learningRate } from './optimizer';

type Point = [number, number];
type Message = { step: number; kl: number; points: Point[] };

/** Steps from one report to the next: forty in a layout of 1000, more than a live picture draws. */
export const REPORT_EVERY = 25;

/**
 * The package knows no seed, no pause and no way out. So it runs in a thread of its own, starts from given points,
 * sends a message every 25 steps and waits there until the other side asks for more. Its default learning rate, 1000,
 * throws a few hundred points apart for good, so it gets ours.
 */
const WORKER = `
const { parentPort, workerData: w } = require('worker_threads');
const TSNE = require(w.path);
const model = new TSNE({ dim: 2, perplexity: w.perplexity, nIter: w.steps, learningRate: w.learningRate });
model.init({ data: w.rows, type: 'dense' });
w.start.forEach((p, i) => p.forEach((value, d) => model.outputEmbedding.set(i, d, value)));
const gate = new Int32Array(w.gate);
const send = (step, kl) => {
  parentPort.postMessage({ step, kl, points: model.getOutput() });
  Atomics.wait(gate, 0, 0);
  Atomics.store(gate, 0, 0);
};
model.on('progressIter', ([i, kl]) => { if (i % ${REPORT_EVERY} === 0 && i > 0) send(i, kl); });
const [kl, step] = model.run();
send(step, kl);
`;

/** tsne-js, 25 steps at a time; when the watch says stop, the thread is ended at once. */
export async function* tsneJsSteps(
  { data, rows, columns }: Matrix,
  start: Point[],
  settings: { perplexity: number; steps: number },
  watch: InterruptWatch,
): AsyncGenerator<Message> {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const list = Array.from({ length: rows }, (_, i) => Array.from(data.subarray(i * columns, (i + 1) * columns)));
  const workerData = {
    ...settings,
    learningRate: learningRate(rows),
    start,
    gate: gate.buffer,
    rows: list,
    path: require.resolve('tsne-js'),
  };
  const worker = new Worker(WORKER, { eval: true, workerData });
  const ended = new Promise<undefined>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', () => resolve(undefined));
  });
  ended.catch(() => undefined); // reported by the race below; without this also as an unhandled rejection
  let poll: NodeJS.Timeout | undefined;
  const stop = new Promise<undefined>((resolve) => {
    poll = setInterval(() => watch.stopped && resolve(undefined), BREATH_MS);
  });
  try {
    for (;;) {
      const message = new Promise<Message>((resolve) => worker.once('message', resolve));
      const state = await Promise.race([message, ended, stop]);
      if (!state) return;
      yield state;
      Atomics.store(gate, 0, 1);
      Atomics.notify(gate, 0);
    }
  } finally {
    clearInterval(poll);
    await worker.terminate();
  }
}
