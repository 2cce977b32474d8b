'use strict';
/** What is the same in Node and in a page about who speaks: the cells, and timers that remember theirs. */

/** @typedef {{ id: string, count: number, from?: number }} Cell */

/** Every cell, in the order in which they began; the last one runs, or ran last. @type {Cell[]} */
const cells = [];
/** The cell whose timer has started what runs now. @type {Cell | undefined} */
let awakened;
/** The same until the next turn, for failures that are told at the end of a turn. @type {Cell | undefined} */
let before;

const awake = () => awakened;
const ownerOfFailure = () => awakened ?? before ?? cells.at(-1);

/** What is told about a failure stands under its cell. */
function speakAs(cell, work) {
  const other = awakened;
  awakened = cell;
  work();
  awakened = other;
}

/**
 * A callback that speaks for the cell that hands it over, up to the end of its turn's microtasks; `atEnd` knows when
 * that is.
 * @param {(over: () => void) => void} atEnd
 */
function remembering(callback, atEnd) {
  const cell = typeof callback === 'function' ? (awakened ?? cells.at(-1)) : undefined;
  if (!cell) return callback;
  return function (...values) {
    [before, awakened] = [undefined, cell];
    atEnd(() => ([before, awakened] = [awakened, undefined]));
    return Reflect.apply(callback, this, values);
  };
}

module.exports = { cells, awake, ownerOfFailure, speakAs, remembering };
