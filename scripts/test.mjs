/**
 * npm test: brings everything up to date, then runs the quick stages: what one runs before a small change.
 * `npm run test:all` runs everything else, nothing twice; `npm run test:unit` runs the unit tests alone;
 * `npm test -- PATTERN` what has PATTERN in its name, of both.
 */
import { bootstrap } from './setup/bootstrap.mjs';
import { readWords } from './setup/options.mjs';
import { Report } from './setup/report.mjs';
import { weightsReady } from './setup/weights.mjs';
import { Board } from './test/board.mjs';
import { quickStages, restStages } from './test/stages.mjs';

const board = new Board();

async function main(words) {
  const { values, positionals: patterns } = readWords(words, { unit: { type: 'boolean' }, all: { type: 'boolean' } });
  const matches = (text) => patterns.length === 0 || patterns.some((pattern) => text.includes(pattern));
  let native;
  await board.stage('set-up', async () => {
    ({ native } = await bootstrap(new Report({ lang: 'en' })));
  });
  const context = { native: Boolean(native), weights: weightsReady() };
  for (const { name, tasks, parallel } of chosenStages(values, patterns)) {
    const chosen = tasks(context).filter((task) => matches(`${name} ${task.name}`));
    if (chosen.length > 0) await board.stage(name, () => runTasks(chosen, parallel ? 2 : 1));
  }
  if (board.passed + board.failed + board.skipped === 0) {
    board.add({ name: 'npm test', failed: 1, reason: `nothing matches ${patterns.join(' ')}` });
  }
}

function chosenStages(values, patterns) {
  if (values.unit) return quickStages.filter(({ name }) => name === 'unit');
  if (values.all) return restStages;
  return patterns.length > 0 ? [...quickStages, ...restStages] : quickStages;
}

async function runTasks(tasks, width) {
  const queue = [...tasks];
  const worker = async () => {
    for (let task = queue.shift(); task; task = queue.shift()) {
      const { name, skip, run } = task;
      if (skip) board.skip(name, skip);
      else await board.timed(async () => run());
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  board.add({ name: 'npm test', failed: 1, reason: error.texts?.en ?? error.stack });
}
process.exitCode = board.finish();
