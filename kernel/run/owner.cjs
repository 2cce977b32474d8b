'use strict';
/**
 * Which cell is speaking? While a cell runs, it; but a timer of an earlier cell belongs to that one, with everything that
 * follows from it at once. (Node's own way to know, hooks on every promise, makes each `await` many times slower.)
 */
const { cellOnStack } = require('./stack.cjs');

/** The cell whose timer has started what runs now. */
let awakened;
/** The same until the next turn, for failures that are told at the end of a turn. */
let before;
/** @type {{ id: string, count: number } | undefined} the cell that runs, or ran last */
let latest;
let isSync = () => false;
const byCount = new Map();

function start(id, count) {
  latest = { id, count };
  byCount.set(count, latest);
}

/** @returns {{ id: string, count: number } | undefined} */
function owner() {
  if (awakened) return awakened;
  if (!latest || isSync()) return latest;
  // what is left of an earlier cell that nobody waits for any more
  return byCount.get(cellOnStack()) ?? latest;
}

const ownerOfFailure = () => awakened ?? before ?? latest;

/** Everything up to the end of this turn's microtasks. */
function wake(cell) {
  awakened = cell;
  globalThis.queueMicrotask(() =>
    process.nextTick(() => {
      [before, awakened] = [awakened, undefined];
    }),
  );
}

/** @param {() => boolean} inSync whether the running cell is in its first stretch */
function install(inSync) {
  isSync = inSync;
  for (const name of ['setTimeout', 'setInterval', 'setImmediate']) {
    const original = globalThis[name];
    const wrapped = function (callback, ...rest) {
      const cell = typeof callback === 'function' ? (awakened ?? latest) : undefined;
      if (!cell) return original.call(this, callback, ...rest);
      const woken = function (...values) {
        before = undefined;
        wake(cell);
        return Reflect.apply(callback, this, values);
      };
      return original.call(this, woken, ...rest);
    };
    Object.defineProperties(wrapped, Object.getOwnPropertyDescriptors(original));
    globalThis[name] = wrapped;
  }
}

module.exports = { install, start, owner, ownerOfFailure };
