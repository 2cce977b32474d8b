'use strict';
/**
 * All that is left of tslab, and all that is changed in it: `display` and `newDisplay`, which cells import from 'tslab'.
 * Its own server and its own TypeScript are never loaded: in their place stand the two things that its public module
 * uses of them.
 */
const Module = require('module');
const ts = require('typescript');

/** What `display` writes to. @type {{ lastWriteDisplayData: Function | null }} */
const jupyter = { lastWriteDisplayData: null };

function provide(file, exports) {
  const module = new Module(file);
  module.exports = exports;
  module.loaded = true;
  require.cache[file] = module;
}

provide(require.resolve('tslab/dist/jupyter.js'), jupyter);
const fromTslab = Module.createRequire(require.resolve('tslab/package.json'));
provide(fromTslab.resolve('@tslab/typescript-for-tslab'), { version: ts.version });

const tslab = () => require('tslab');

module.exports = { jupyter, tslab };
