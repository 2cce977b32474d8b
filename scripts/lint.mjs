/** npm run lint: types, rules and layout of all sources. */
import { readWords } from './setup/options.mjs';
import { Board } from './test/board.mjs';
import { CHECKS, lint } from './test/lint.mjs';

const board = new Board();
try {
  readWords(process.argv.slice(2), {}, { positionals: false });
  for (const check of CHECKS) await board.timed(() => lint(check));
} catch (error) {
  board.add({ name: 'npm run lint', failed: 1, reason: error.texts?.en ?? error.stack });
}
process.exitCode = board.finish();
