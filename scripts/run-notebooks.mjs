/**
 * npm run notebooks: executes notebooks from top to bottom and judges them.
 * `-- --write` stores their outputs and claims, `-- --substitute` runs them on the embedded network, `-- 01 04` chooses.
 */
import path from 'node:path';
import { bootstrap } from './setup/bootstrap.mjs';
import { Report } from './setup/report.mjs';
import { notebookFiles, runNotebook } from './notebooks/execute.mjs';
import { Board } from './test/board.mjs';

const words = process.argv.slice(2);
const patterns = words.filter((word) => !word.startsWith('--'));
const options = { write: words.includes('--write'), substitute: words.includes('--substitute') };
const board = new Board();
try {
  await bootstrap(new Report({ lang: 'en' }));
  for (const file of notebookFiles()) {
    const name = path.basename(file);
    if (patterns.length > 0 && !patterns.some((pattern) => name.includes(pattern))) continue;
    await board.timed(() => runNotebook(file, options));
  }
} catch (error) {
  board.add({ name: 'notebooks', failed: 1, reason: error.texts?.en ?? error.stack });
}
process.exitCode = board.finish();
