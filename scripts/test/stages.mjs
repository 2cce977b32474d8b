/**
 * The stages of `npm test` (at most 12 minutes on two cores from an empty clone, no weights needed) and those of
 * `npm run test:all` (everything else, at most an hour). Nothing is in both. A task is { name, run() } or
 * { name, skip: reason }.
 */
import fs from 'node:fs';
import path from 'node:path';
import { notebookFiles, RUN_IN_BROWSER, runNotebook, TWO_NETWORKS } from '../notebooks/execute.mjs';
import { committedFaults } from '../notebooks/rules.mjs';
import { recipeNames, recordFaults, recordsToRemake, remakeFaults } from '../records/records.mjs';
import { findChromium } from '../setup/run.mjs';
import { inRoot, readJson } from '../setup/paths.mjs';
import { Report } from '../setup/report.mjs';
import { verdict } from './board.mjs';
import { isDoubled, isFull, runTestFile, testFiles, testTasks } from './files.mjs';
import { CHECKS, lint } from './lint.mjs';
import { softwareVulkan, webgpuForTests } from './software-vulkan.mjs';

/** Far above what the slowest file takes: one that hangs must not keep the others for ever. */
const LIMIT_SECONDS = 15 * 60;

/** The reference implementation, slow and exact: these files ask it what every backend has to agree with. */
const ON_CPU = ['lib/05-deconv/gradient-rules', 'lib/09-your-own/own-model', 'lib/tf/max-pool-gradient'];

const NO_WEIGHTS = 'the downloaded weights are not here (set CONVSCOPE_MODELS, or run npm run setup online)';
const NO_VULKAN = 'no software Vulkan found: it comes with Chromium on Linux (apt install chromium)';
const NO_CHROMIUM = 'no Chromium found (apt install chromium)';

/**
 * Files that take longest on WebGPU that the processor plays (ten minutes and more in all): whole networks, training,
 * every layer of others' networks. Most of what they ask smaller files ask there too; CONVSCOPE_TESTS=all runs these
 * as well.
 */
const SLOW_ON_WEBGPU = [
  '04-occlusion/occlusion.',
  '04-occlusion/occlusion-runs',
  '05-deconv/gradients-checks',
  '06-optimization/optimize-runs',
  '08-adversarial/adversarial-measures',
  '08-adversarial/training',
  '09-your-own/gradients-own-layers',
  '09-your-own/inputs',
  '09-your-own/kinds',
  '09-your-own/together',
  'course/methods',
  'model/networks',
];
const SLOW = 'minutes on WebGPU that the processor plays (CONVSCOPE_TESTS=all runs it)';

/**
 * Which files of a folder, and how they are run; `backends`, `env` and `skip` are asked when the stage begins.
 * @typedef {object} Choice
 * @property {(file: string) => boolean} pick
 * @property {boolean} [parallel]
 * @property {(context: any) => string[]} [backends]
 * @property {() => Record<string, string>} [env]
 * @property {(context: any) => string | undefined} [skip] the reason, where there is one
 */

/**
 * @param {string} name
 * @param {string} folder
 * @param {Choice} choice
 */
function fileStage(name, folder, { pick, parallel = false, backends = () => [], env, skip }) {
  const tasks = (context) =>
    testTasks(testFiles(folder).filter(pick), backends(context)).map((task) => ({
      ...task,
      skip: skip?.(context),
      run: () => runTestFile({ ...task, env: { ...task.env, ...env?.() } }, LIMIT_SECONDS),
    }));
  return { name, parallel, tasks };
}

const quick = (file) => !isFull(file);
const fastest = ({ native }) => [native ? 'tensorflow' : 'wasm'];

const unitStage = fileStage('unit', 'lib', { pick: quick, parallel: true, backends: fastest });

/** What `npm test` had to skip for want of the weights, and nothing else of these files (test/helpers.ts). */
const weightsStage = fileStage('unit with the weights', 'lib', {
  pick: (file) => quick(file) && fs.readFileSync(inRoot(file), 'utf8').includes('withNetworks('),
  parallel: true,
  backends: fastest,
  env: () => ({ CONVSCOPE_TESTS: 'weights' }),
  skip: ({ weights }) => (weights ? undefined : NO_WEIGHTS),
});

const wasmStage = fileStage('unit on wasm', 'lib', {
  pick: (file) => quick(file) && isDoubled(file),
  parallel: true,
  // without a native backend `npm test` has run them on wasm
  backends: ({ native }) => (native ? ['wasm'] : []),
});

const cpuStage = fileStage('unit on cpu', 'lib', {
  pick: (file) => ON_CPU.some((name) => file === `test/${name}.backends.test.ts`),
  parallel: true,
  backends: () => ['cpu'],
});

const webgpuStage = {
  name: 'unit on webgpu',
  parallel: true,
  tasks: () => {
    const pick = (file) => quick(file) && isDoubled(file);
    const isLeftOut = (file) =>
      process.env.CONVSCOPE_TESTS !== 'all' && SLOW_ON_WEBGPU.some((name) => file.includes(name));
    const binding = once(() => webgpuForTests(new Report({ lang: 'en' })));
    return testTasks(testFiles('lib').filter(pick), ['webgpu']).map((task) => ({
      ...task,
      run: async () =>
        runTestFile({ ...task, env: { ...task.env, ...(await binding()), CONVSCOPE_TESTS: 'small' } }, LIMIT_SECONDS),
      skip: softwareVulkan() ? (isLeftOut(task.file) ? SLOW : undefined) : NO_VULKAN,
    }));
  },
};

/** One call serves all who ask. */
function once(make) {
  let made;
  return () => (made ??= make());
}

const fullStage = (name, folder) => fileStage(name, folder, { pick: isFull, parallel: true, backends: fastest });

const lintStage = {
  name: 'lint',
  parallel: true,
  tasks: () => CHECKS.map((check) => ({ name: check.name, run: () => lint(check) })),
};

const recordStage = {
  name: 'records',
  tasks: () => recipeNames().map((name) => ({ name, run: () => verdict(`record ${name}`, recordFaults(name)) })),
};

const remakeStage = {
  name: 'records made again',
  tasks: ({ native, weights }) =>
    recordsToRemake({ native }).map((record) => {
      const name = `record ${record}, made again`;
      return {
        name,
        run: async () => verdict(name, await remakeFaults(record)),
        skip: weights ? undefined : NO_WEIGHTS,
      };
    }),
};

const chapters = () => notebookFiles().map((file) => ({ file, name: path.basename(file) }));

/**
 * Every chapter once, as a newcomer without any download has it: the two that would like a downloaded network run on
 * the one that stands in for it. What the browser executes below is looked at only.
 */
const notebookStage = {
  name: 'notebooks',
  parallel: true,
  tasks: () =>
    chapters().map(({ file, name }) => {
      const look = () => verdict(`${name} as it is stored`, committedFaults(readJson(file)));
      const inBrowser = RUN_IN_BROWSER.includes(name) && !TWO_NETWORKS.includes(name) && findChromium();
      if (inBrowser) return { name, run: look };
      return { name, run: () => runNotebook(file, { substitute: TWO_NETWORKS.includes(name) }) };
    }),
};

/** A reader runs a cell again before going on: what follows must not notice. */
const twiceStage = {
  name: 'notebooks, every cell twice',
  parallel: true,
  tasks: () =>
    chapters().map(({ file, name }) => ({
      name: `${name}, every cell twice`,
      run: () => runNotebook(file, { twice: true, substitute: TWO_NETWORKS.includes(name) }),
    })),
};

/** Those two on the network that they are written for; with a Chromium, in JupyterLab (test/browser/downloaded.test.mjs). */
const downloadedStage = {
  name: 'notebooks on the downloaded networks',
  tasks: ({ weights }) =>
    chapters()
      .filter(({ name }) => TWO_NETWORKS.includes(name) && !(RUN_IN_BROWSER.includes(name) && findChromium()))
      .map(({ file, name }) => ({ name, run: () => runNotebook(file), skip: weights ? undefined : NO_WEIGHTS })),
};

const inBrowser = {
  env: () => ({ CONVSCOPE_CHROMIUM: findChromium() }),
  skip: () => (findChromium() ? undefined : NO_CHROMIUM),
};
/** npm start, JupyterLab, Run All, pictures: what everybody does. */
const isMainPath = (file) => file === 'test/browser/lab.test.mjs';

/** The site is built first: its tests open it. */
const siteStage = { name: 'site', tasks: () => [{ name: 'npm run site', run: buildAndJudge }] };

/** What opens pages waits for them much of the time, so two at once. */
const pagesStage = {
  name: 'site and browser, the rest',
  parallel: true,
  tasks: (context) => [
    ...fileStage('browser', 'browser', { pick: (file) => !isMainPath(file), ...inBrowser }).tasks(context),
    ...fileStage('site', 'site', { pick: quick, ...inBrowser }).tasks(context),
  ],
};

async function buildAndJudge() {
  // it needs npm packages, which are here only after the set-up
  const { buildSite } = await import('../site/build.mjs');
  const { faults } = await buildSite(new Report({ lang: 'en' }));
  return verdict('npm run site', faults);
}

export const quickStages = [
  lintStage,
  unitStage,
  fileStage('scripts', 'scripts', { pick: quick }),
  fileStage('kernel', 'kernel', { pick: quick }),
  recordStage,
  fileStage('notebook files', 'notebooks', { pick: quick }),
  notebookStage,
  fileStage('browser', 'browser', { pick: isMainPath, ...inBrowser }),
];

export const restStages = [
  weightsStage,
  wasmStage,
  cpuStage,
  webgpuStage,
  fullStage('unit, the long ones', 'lib'),
  fullStage('scripts, the long ones', 'scripts'),
  fullStage('kernel, the long ones', 'kernel'),
  remakeStage,
  fullStage('notebook files, executed', 'notebooks'),
  twiceStage,
  downloadedStage,
  siteStage,
  pagesStage,
];
