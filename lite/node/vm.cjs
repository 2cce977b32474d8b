'use strict';
/**
 * Node's `vm.Script`: code that runs in the global scope under a name of its own. A browser cannot begin counting columns
 * before zero, so the name tells the traces by how much the first line is shifted.
 */
const shifts = new Map();

class Script {
  constructor(code, { filename, columnOffset = 0 } = {}) {
    shifts.set(filename, -columnOffset);
    this.code = `${code}\n//# sourceURL=${filename}`;
  }

  runInThisContext() {
    return (0, eval)(this.code);
  }
}

const shiftOf = (filename) => shifts.get(filename) ?? 0;

module.exports = { Script, shiftOf };
