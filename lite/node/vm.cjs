'use strict';
/**
 * Node's `vm.Script`: code that runs in the global scope under a name of its own. A browser cannot begin counting columns
 * before zero, and cannot break on a signal without help in the code, so the name tells the traces what is shifted.
 */
const { addedBefore, breakable } = require('./loops.cjs');

/** @type {Map<string, { head: number, added: Map<number, [number, number][]> }>} */
const shifts = new Map();

class Script {
  /** @param {string} code @param {{ filename?: string, columnOffset?: number }} [options] */
  constructor(code, { filename, columnOffset = 0 } = {}) {
    this.code = code;
    this.filename = filename;
    this.head = -columnOffset;
  }

  runInThisContext({ breakOnSigint = false } = {}) {
    const { code, added } = breakOnSigint ? breakable(this.code) : { code: this.code, added: new Map() };
    shifts.set(this.filename, { head: this.head, added });
    return (0, eval)(`${code}\n//# sourceURL=${this.filename}`);
  }
}

/** How far a column (from 1) of a line (from 1) is from where it stood before. */
function shiftOf(filename, line, column) {
  const { head = 0, added } = shifts.get(filename) ?? {};
  return addedBefore(added?.get(line), column - 1) + (line === 1 ? head : 0);
}

module.exports = { Script, shiftOf };
