/** npm run lint: types, rules and layout of all sources. */
import { Board } from './test/board.mjs';
import { CHECKS, lint } from './test/lint.mjs';

const board = new Board();
for (const check of CHECKS) await board.timed(() => lint(check));
process.exitCode = board.finish();
