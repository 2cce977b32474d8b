'use strict';
/**
 * Compiles and checks the whole library once, when the site is built, as the kernel in the page would: what it finds out
 * (kernel/compile/library.cjs remembers it) is packed, and no reader waits for it. Runs inside of `pack.mjs`.
 */
const { root } = require('./node/globals.cjs');
const tree = require('./node/files.cjs');

globalThis.convscopeWarm = (files) => {
  for (const [name, bytes] of files) tree.write(`${root}/${name}`, bytes, { silent: true });
  tree.makeFolder(`${root}/notebooks`);
  require('./kernel/system.cjs');
  const { Compiler } = require('../kernel/compile/compiler.cjs');
  const { prepare } = require('../kernel/compile/prepare.cjs');
  const compiler = new Compiler();
  const problems = prepare(compiler);
  if (problems.length > 0) throw new Error(JSON.stringify(problems.slice(0, 5)));
  const cached = [...tree.files].filter(([name]) => name.startsWith(`${root}/.cache/`));
  return cached.map(([name, { bytes }]) => [name.slice(root.length + 1), bytes]);
};
