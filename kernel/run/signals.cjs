'use strict';
/**
 * While a script runs with breakOnSigint, Node takes the SIGINT listeners away and watches the signal itself. A listener
 * added in between would leave the process with neither afterwards, and the next interrupt would kill it; and a script
 * that is cut off skips the `finally` that puts them back. Both are mended here.
 */
const ADDERS = ['on', 'addListener', 'once', 'prependListener', 'prependOnceListener'];

/** Undoes the preparations for the script that runs. */
let undo;

function withSafeSignals(run) {
  const present = /** @type {NodeJS.SignalsListener[]} */ (process.rawListeners('SIGINT'));
  const before = new Map(ADDERS.map((name) => [name, Object.getOwnPropertyDescriptor(process, name)]));
  undo = () => {
    undo = undefined;
    for (const [name, descriptor] of before) {
      delete process[name];
      if (descriptor) Object.defineProperty(process, name, descriptor);
    }
    for (const listener of present)
      if (!process.rawListeners('SIGINT').includes(listener)) process.on('SIGINT', listener);
  };
  for (const name of ADDERS) {
    const add = process[name];
    process[name] = function (event, listener) {
      if (event !== 'SIGINT' || present.includes(listener)) return add.call(this, event, listener);
      // A new listener waits until the script is done.
      setImmediate(() => add.call(process, event, listener));
      return this;
    };
  }
  try {
    return run();
  } finally {
    undo();
  }
}

const restoreSignals = () => undo?.();

module.exports = { withSafeSignals, restoreSignals };
