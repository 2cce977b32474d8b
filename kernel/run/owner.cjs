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
const { awake, cells, ownerOfFailure, remembering, speakAs } = require('./turns.cjs');

let isSync = () => false;

/** Node numbers all that can call back, one after the other: a cell's have the numbers from its beginning on. */
function start(id, count) {
  cells.push({ id, count, from: new AsyncResource('cell').asyncId() });
}

/** @returns {import('./turns.cjs').Cell | undefined} */
function owner() {
  const latest = cells.at(-1);
  if (awake() || !latest || isSync()) return awake() ?? latest;
  const cause = executionAsyncId();
  // what is left of an earlier cell that nobody waits for any more
  const count = cellOnStack();
  return (
    cells.findLast((cell) => cell.count === count) ??
    (cause > cells[0].from ? cells.findLast(({ from }) => from < cause) : latest)
  );
}

const atEnd = (over) => globalThis.queueMicrotask(() => process.nextTick(over));

/** @param {() => boolean} inSync whether the running cell is in its first stretch */
function install(inSync) {
  isSync = inSync;
  for (const name of ['setTimeout', 'setInterval', 'setImmediate']) {
    const original = globalThis[name];
    const wrapped = function (callback, ...rest) {
      return original.call(this, remembering(callback, atEnd), ...rest);
    };
    const properties = Object.getOwnPropertyDescriptors(original);
    // once there it would stay; `promised` has another
    delete properties[promisify.custom];
    Object.defineProperties(wrapped, properties);
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
