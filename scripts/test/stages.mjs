/** The stages of `npm test`, from quick to slow. A task is { name, run() } or { name, skip: reason }. */
import path from 'node:path';
import { lookAtNotebook, notebookFiles, RUN_IN_BROWSER, runNotebook } from '../notebooks/execute.mjs';
import { committedFaults } from '../notebooks/rules.mjs';
import { recipeNames, recordFaults, recordOfTheDay, remakeFaults } from '../records/records.mjs';
import { findChromium } from '../doctor/examine.mjs';
import { readJson } from '../setup/place.mjs';
import { Report } from '../setup/report.mjs';
import { verdict } from './board.mjs';
import { runTestFile, testTasks } from './files.mjs';
import { CHECKS, lint } from './lint.mjs';

const LIMIT_SECONDS = 15 * 60;

const fileStage = (name, folder, { parallel = false, env = () => ({}), skip = () => undefined } = {}) => ({
  name,
  parallel,
  tasks: (context) =>
    testTasks(folder, context).map((task) => ({
      ...task,
      skip: task.skip ?? skip(),
      run: () => runTestFile({ ...task, env: { ...task.env, ...env() } }, LIMIT_SECONDS),
    })),
});

const lintStage = {
  name: 'lint',
  parallel: true,
  tasks: () => CHECKS.map((check) => ({ name: check.name, run: () => lint(check) })),
};

const NO_WEIGHTS =
  'the weights of SqueezeNet and AlexNet are not here (set CONVSCOPE_MODELS, or run npm run setup online)';

const recordStage = {
  name: 'records',
  tasks: ({ native, weights }) => {
    const looks = recipeNames().map((name) => ({
      name,
      run: () => verdict(`record ${name}`, recordFaults(name)),
    }));
    const today = recordOfTheDay({ native });
    if (!today) return looks;
    const name = `record ${today}, made again`;
    const run = async () => verdict(name, await remakeFaults(today));
    return [...looks, { name, run, skip: weights ? undefined : NO_WEIGHTS }];
  },
};

const notebookStage = {
  name: 'notebooks',
  tasks: ({ weights, everything }) =>
    notebookFiles().map((file) => {
      const name = path.basename(file);
      const later = weights && everything && findChromium() && RUN_IN_BROWSER.includes(name);
      const look = () => verdict(`${name} as it is stored`, committedFaults(readJson(file)));
      const run = () => (weights ? runNotebook(file) : lookAtNotebook(file, NO_WEIGHTS));
      // Run All in JupyterLab is the execution of some
      return { name, run: later ? look : run };
    }),
};

const substituteStage = {
  name: 'notebooks on the substitute network',
  tasks: () =>
    notebookFiles().map((file) => ({
      name: path.basename(file),
      run: () => runNotebook(file, { substitute: true }),
    })),
};

const inBrowser = {
  env: () => ({ CONVSCOPE_CHROMIUM: findChromium() }),
  skip: () => (findChromium() ? undefined : 'no Chromium found (apt install chromium)'),
};

const browserStage = fileStage('browser', 'browser', inBrowser);

/** The site is built, looked at link by link, and then opened. */
const siteStage = {
  name: 'site',
  tasks: (context) => [
    { name: 'npm run site', run: buildAndJudge },
    ...fileStage('site', 'site', inBrowser).tasks(context),
  ],
};

async function buildAndJudge() {
  // it needs npm packages, which are here only after the set-up
  const { buildSite } = await import('../site/build.mjs');
  const { faults } = await buildSite(new Report({ lang: 'en' }));
  return verdict('npm run site', faults);
}

export const stages = [
  lintStage,
  fileStage('unit', 'lib', { parallel: true }),
  fileStage('scripts', 'scripts'),
  fileStage('kernel', 'kernel'),
  recordStage,
  fileStage('notebook files', 'notebooks'),
  notebookStage,
  substituteStage,
  siteStage,
  browserStage,
];
