'use strict';
/** The front desk's line to the main thread: messages, and a memory that both see while a cell never looks up. */
const { parentPort, workerData } = require('worker_threads');
const { setTimeout: pause } = require('timers/promises');
const { terminateMain } = require('./stop.cjs');

/** [acknowledged interrupts, phase of the main thread, an answer lies at the port] */
const shared = new Int32Array(workerData.shared);
const [ACKNOWLEDGED, PHASE, ANSWERED] = [0, 1, 2];
/** How long a cell may be deaf, by phase: the kernel's own work (loading, compiling) is never cut off. */
const PATIENCE = [Infinity, 100, 2000];

const tell = (type, message = {}) => parentPort.postMessage({ type, ...message });

/**
 * The main thread stops by itself when it can hear us. A synchronous loop cannot: after a moment (in a cell's own first
 * stretch) or after two seconds (in something it awaits, which may be one long step of the library) it is cut off.
 * @param {string | undefined} id of the cell that it has
 * @param {() => boolean} ended whether that is over
 */
async function interruptMain(id, ended) {
  const heard = Atomics.load(shared, ACKNOWLEDGED);
  tell('interrupt');
  const start = Date.now();
  while (Atomics.load(shared, ACKNOWLEDGED) === heard) {
    if (Date.now() - start > PATIENCE[Atomics.load(shared, PHASE)]) return cutOff(id, ended);
    await pause(20);
  }
}

/** Ends what the main thread is running, and has it end the cell. */
async function cutOff(id, ended) {
  await terminateMain();
  // The order itself may fall victim to the termination when the loop ended at the same moment: repeat it.
  do {
    tell('cutOff', { id });
    await pause(100);
  } while (!ended());
}

/** The question of a cell that nobody has answered yet; a main thread that waits for the answer hears nothing else. */
class Question {
  /** Where answers to a waiting main thread go. @type {import('worker_threads').MessagePort} */
  port;
  /** @type {{ isLine: boolean } | undefined} */
  open;

  /** The answer, or that there will be none. @param {string | undefined} value */
  answer(value) {
    if (!this.open) return;
    const { isLine } = this.open;
    this.open = undefined;
    if (isLine) return tell('line', { value });
    this.port.postMessage({ value });
    Atomics.store(shared, ANSWERED, 1);
    Atomics.notify(shared, ANSWERED);
  }
}

module.exports = { tell, interruptMain, Question };
