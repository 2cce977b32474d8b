'use strict';
/**
 * Compiles and checks the whole library ahead of the first cell, and remembers it (library.cjs): set-up does it once,
 * and the site's pack. `node kernel/compile/prepare.cjs`, in the notebooks' folder.
 */

/** @param {import('./compiler.cjs').Compiler} compiler @returns {import('./compiler.cjs').Problem[]} */
function prepare(compiler) {
  const { problems } = compiler.compile("import * as course from '../lib/index';");
  const { service, library } = compiler;
  if (problems.length > 0) return problems;
  for (const { fileName } of service.program.getSourceFiles())
    if (library.isOurs(fileName) && !service.virtual.has(fileName)) library.compile(fileName, service.textOf(fileName));
  library.save();
  return [];
}

module.exports = { prepare };

if (require.main === module) {
  const { Compiler } = require('./compiler.cjs');
  const problems = prepare(new Compiler());
  if (problems.length > 0) throw new Error(JSON.stringify(problems.slice(0, 5)));
}
