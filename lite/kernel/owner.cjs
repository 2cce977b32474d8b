'use strict';
/**
 * The browser's twin of kernel/run/owner.cjs. A page cannot number what calls back, so a timer tells which cell it belongs
 * to, a cell's own lines on the stack do, and everything else belongs to the cell that runs or ran last.
 */
const { cellOnStack } = require('./stack.cjs');

/** The cell whose timer has started what runs now; the same until the next turn, for failures. */
let awakened;
let before;
/** @type {{ id: string, count: number }[]} */
const cells = [];
let isSync = () => false;

const start = (id, count) => void cells.push({ id, count });

function owner() {
  const latest = cells.at(-1);
  if (awakened || !latest || isSync()) return awakened ?? latest;
  const count = cellOnStack();
  return cells.findLast((cell) => cell.count === count) ?? latest;
}

const ownerOfFailure = () => awakened ?? before ?? cells.at(-1);

function speakAs(cell, work) {
  const other = awakened;
  awakened = cell;
  work();
  awakened = other;
}

/** @param {() => boolean} inSync whether the running cell is in its first stretch */
function install(inSync) {
  isSync = inSync;
  for (const name of ['setTimeout', 'setInterval', 'setImmediate']) {
    const original = globalThis[name].bind(globalThis);
    globalThis[name] = (callback, ...rest) => {
      const cell = typeof callback === 'function' ? (awakened ?? cells.at(-1)) : undefined;
      if (!cell) return original(callback, ...rest);
      return original(
        (...values) => {
          before = undefined;
          awakened = cell;
          queueMicrotask(() => queueMicrotask(() => ([before, awakened] = [awakened, undefined])));
          return callback(...values);
        },
        ...rest,
      );
    };
  }
}

module.exports = { install, start, owner, ownerOfFailure, speakAs };
