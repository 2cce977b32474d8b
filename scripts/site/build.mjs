/** Builds the site: an environment, the sources, the pages, the functions, the lab, a look at what came out. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { folderSize, programIn, root } from '../setup/paths.mjs';
import { environmentReady, installEnvironment } from '../setup/python.mjs';
import { megabytes } from '../setup/report.mjs';
import { run } from '../setup/run.mjs';
import { buildLab, labPossible } from '../../lite/build.mjs';
import { finish } from './finish.mjs';
import { buildFunctions } from './functions.mjs';
import { examineSite } from './links.mjs';
import { LAB, ownFolder, siteEnvironment, siteFolder, sourceFolder, workFolder } from './folders.mjs';
import { stage } from './stage.mjs';

/** Far above what a build takes: one that hangs must not keep a check for ever. */
const LIMIT_SECONDS = 10 * 60;

/** Builds site/ anew; returns what `examineSite` finds, with the size in bytes. An older site stays until then. */
export async function buildSite(report) {
  const size = `${megabytes(siteEnvironment.bytes)} MB`;
  if (!(await environmentReady(siteEnvironment))) {
    const texts = [`安装 Sphinx（Python 虚拟环境，约 ${size}）`, `Sphinx (Python environment, about ${size})`];
    await report.step(texts, () => installEnvironment(siteEnvironment, report));
  }
  const draft = workFolder('html');
  fs.rmSync(draft, { recursive: true, force: true });
  const withLab = await labPossible(siteEnvironment.folder());
  if (!withLab) report.say('Python 早于 3.10，没有 JupyterLite：不做“在浏览器里运行”', 'Python before 3.10: no lab');
  await report.step(['收集笔记本与文档', 'collecting notebooks and documents'], async () => stage({ withLab }));
  await report.step(['排版网页（Sphinx）', 'setting the pages (Sphinx)'], () => sphinx(draft));
  await report.step(['排版公式，放入 plotly', 'setting formulas, adding plotly'], () => finish(draft));
  const functions = path.join(draft, 'functions');
  await report.step(['函数的说明（TypeDoc）', 'the functions (TypeDoc)'], () => buildFunctions(functions));
  if (withLab)
    await report.step(['装好浏览器里的 JupyterLab 与内核', 'building the lab that runs in the browser'], () =>
      buildLab(path.join(draft, LAB), siteEnvironment.folder(), workFolder('lab')),
    );
  fs.rmSync(siteFolder(), { recursive: true, force: true });
  fs.renameSync(draft, siteFolder());
  return { ...examineSite(siteFolder()), bytes: folderSize(siteFolder()) };
}

/** Warnings are errors: a link that leads nowhere, a formula in the wrong place. */
function sphinx(target) {
  const jobs = String(Math.max(1, Math.min(4, os.cpus().length)));
  const words = ['-m', 'sphinx', '-b', 'html', '-q', '-W', '--keep-going', '-E', '-j', jobs];
  const folders = ['-d', workFolder('doctrees'), '-c', ownFolder(), sourceFolder(), target];
  const places = { CONVSCOPE_ROOT: root, CONVSCOPE_SOURCE: sourceFolder(), CONVSCOPE_LOCALES: workFolder('locales') };
  return run(programIn(siteEnvironment.folder(), 'python'), [...words, ...folders], {
    env: { ...places, PYTHONHASHSEED: '0', PYTHONDONTWRITEBYTECODE: '1' },
    limitSeconds: LIMIT_SECONDS,
  });
}
