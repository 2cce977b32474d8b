/** The stages of `npm test`, from quick to slow. A task is { name, run() } or { name, skip: reason }. */
import { CHECKS, lint } from './lint.mjs';
import { runTestFile, testTasks } from './files.mjs';

const LIMIT_SECONDS = 15 * 60;

const fileStage = (name, folder, parallel = false) => ({
  name,
  parallel,
  tasks: (context) =>
    testTasks(folder, context).map((task) => ({ ...task, run: () => runTestFile(task, LIMIT_SECONDS) })),
});

const lintStage = {
  name: 'lint',
  parallel: true,
  tasks: () => CHECKS.map((check) => ({ name: check.name, run: () => lint(check) })),
};

export const stages = [
  lintStage,
  fileStage('unit', 'lib', true),
  fileStage('scripts', 'scripts'),
  fileStage('kernel', 'kernel'),
];
