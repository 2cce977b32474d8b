/**
 * npm run notebooks: executes notebooks from top to bottom and judges them.
 * `-- --write` stores their outputs and claims, `-- --substitute` runs them on the embedded network, `-- --times`
 * measures their cells on both backends (`--backend wasm`: on one) for docs/timings.md, `-- 01 04` chooses.
 */
import path from 'node:path';
import { bootstrap } from './setup/bootstrap.mjs';
import { readWords } from './setup/options.mjs';
import { Report } from './setup/report.mjs';
import { notebookFiles, runNotebook } from './notebooks/execute.mjs';
import { BACKENDS, measure } from './notebooks/times.mjs';
import { Board } from './test/board.mjs';

const SWITCHES = {
  write: { type: 'boolean' },
  substitute: { type: 'boolean' },
  times: { type: 'boolean' },
  backend: { type: 'string', multiple: true },
};
const board = new Board();
try {
  const { values, positionals: patterns } = readWords(process.argv.slice(2), SWITCHES);
  const { times, backend: backends = BACKENDS, ...options } = values;
  await bootstrap(new Report({ lang: 'en' }));
  const wanted = (file) => patterns.length === 0 || patterns.some((pattern) => path.basename(file).includes(pattern));
  const files = notebookFiles().filter(wanted);
  if (files.length === 0) throw new Error(`no notebook matches ${patterns.join(' ')}`);
  for (const file of files) {
    await board.timed(() => (times ? measure(file, backends) : runNotebook(file, options)));
  }
} catch (error) {
  board.add({ name: 'notebooks', failed: 1, reason: error.texts?.en ?? error.stack });
}
process.exitCode = board.finish();
