'use strict';
/**
 * Which cell is speaking? While a cell runs, it; but a timer of an earlier cell belongs to that one, with everything that
 * follows from it at once, and so does what a file, a child or a socket of an earlier cell calls back. (Node's own way to
 * know, hooks on every promise, makes each `await` many times slower.)
 */
const { AsyncResource, executionAsyncId } = require('async_hooks');
const { promisify } = require('util');
const timers = require('timers');
const timersPromises = require('timers/promises');
const { cellOnStack } = require('./stack.cjs');

/** @typedef {{ id: string, count: number, from: number }} Cell */

/** The cell whose timer has started what runs now. */
let awakened;
/** The same until the next turn, for failures that are told at the end of a turn. */
let before;
/** Every cell, in the order in which they began; the last one runs, or ran last. @type {Cell[]} */
const cells = [];
let isSync = () => false;

/** Node numbers all that can call back, one after the other: a cell's have the numbers from its beginning on. */
function start(id, count) {
  cells.push({ id, count, from: new AsyncResource('cell').asyncId() });
}

/** @returns {Cell | undefined} */
function owner() {
  const latest = cells.at(-1);
  if (awakened) return awakened;
  if (!latest || isSync()) return latest;
  const cause = executionAsyncId();
  // what is left of an earlier cell that nobody waits for any more
  const count = cellOnStack();
  return (
    cells.findLast((cell) => cell.count === count) ??
    (cause > cells[0].from ? cells.findLast(({ from }) => from < cause) : latest)
  );
}

const ownerOfFailure = () => awakened ?? before ?? cells.at(-1);

/** What is told about a failure stands under its cell. */
function speakAs(cell, work) {
  const other = awakened;
  awakened = cell;
  work();
  awakened = other;
}

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
      const cell = typeof callback === 'function' ? (awakened ?? cells.at(-1)) : undefined;
      if (!cell) return original.call(this, callback, ...rest);
      const woken = function (...values) {
        before = undefined;
        wake(cell);
        return Reflect.apply(callback, this, values);
      };
      return original.call(this, woken, ...rest);
    };
    Object.defineProperties(wrapped, Object.getOwnPropertyDescriptors(original));
    globalThis[name] = timers[name] = wrapped;
    if (name !== 'setInterval') promised(name, wrapped);
  }
}

/** `timers/promises` and promisify(setTimeout): whoever waits for them is woken like a callback. */
function promised(name, schedule) {
  const original = timersPromises[name];
  const waiting = (...args) => {
    const when = name === 'setTimeout' ? args.slice(0, 1) : [];
    const [value, options] = args.slice(when.length);
    // one that can be called off is Node's own affair
    if (options !== undefined) return original(...args);
    return new Promise((resolve) => schedule(() => resolve(value), ...when));
  };
  timersPromises[name] = waiting;
  Object.defineProperty(schedule, promisify.custom, { value: waiting, enumerable: true });
}

module.exports = { install, start, owner, ownerOfFailure, speakAs };
