'use strict';
/**
 * The browser's twin of kernel/run/owner.cjs. A page cannot number what calls back, so a timer tells which cell it belongs
 * to, a cell's own lines on the stack do, and everything else belongs to the cell that runs or ran last.
 */
const { cellOnStack } = require('./stack.cjs');
const { awake, cells, ownerOfFailure, remembering, speakAs } = require('../../kernel/run/turns.cjs');

let isSync = () => false;

const start = (id, count) => void cells.push({ id, count });

function owner() {
  const latest = cells.at(-1);
  if (awake() || !latest || isSync()) return awake() ?? latest;
  const count = cellOnStack();
  return cells.findLast((cell) => cell.count === count) ?? latest;
}

const atEnd = (over) => queueMicrotask(() => queueMicrotask(over));

/** @param {() => boolean} inSync whether the running cell is in its first stretch */
function install(inSync) {
  isSync = inSync;
  for (const name of ['setTimeout', 'setInterval', 'setImmediate']) {
    const original = globalThis[name].bind(globalThis);
    globalThis[name] = (callback, ...rest) => original(remembering(callback, atEnd), ...rest);
  }
}

module.exports = { install, start, owner, ownerOfFailure, speakAs };
