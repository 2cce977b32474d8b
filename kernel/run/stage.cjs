'use strict';
/** Where a cell's code runs, and how it is told that it was interrupted. */
const { types } = require('util');
const { MessageChannel } = require('worker_threads');
const { shared } = require('./shared.cjs');

/**
 * Runs functions on a stack of their own. Cutting a cell off ends everything on its stack without a trace, also
 * functions of the kernel; and of all ways to get a fresh stack a message port is the one that survives that.
 */
class Stage {
  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    port2.on('message', () => this.task());
  }

  run(task) {
    this.task = task;
    // Two turns of the event loop: a SIGINT that came while the cell was compiled is heard before Node, for a script
    // with breakOnSigint, takes its listeners away (and drops what was on its way to them).
    setImmediate(() => setImmediate(() => this.port.postMessage(undefined)));
  }
}

/** Shared with lib/base/interrupt.ts, which watches it. */
function countInterrupt() {
  shared('interrupts', () => ({ count: 0 })).count++;
}

/** Only Node's own error: asking a stranger for its `code` would run the stranger's getter. */
function isInterruption(error) {
  if (!types.isNativeError(error)) return false;
  return Object.getOwnPropertyDescriptor(error, 'code')?.value === 'ERR_SCRIPT_EXECUTION_INTERRUPTED';
}

module.exports = { Stage, countInterrupt, isInterruption };
