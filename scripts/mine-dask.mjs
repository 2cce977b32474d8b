/** npm run mine:dask: makes Dask's own Python environment (.cache/dask) if need be and starts mine/dask/mine_dask.py. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { cacheFolder, inRoot, windows, writeWhole } from './setup/paths.mjs';
import { findPython } from './setup/python.mjs';
import { Report } from './setup/report.mjs';
import { run } from './setup/run.mjs';

const environment = cacheFolder('dask');
const python = path.join(environment, windows ? 'Scripts/python.exe' : 'bin/python');
const requirements = inRoot('mine', 'dask', 'requirements.txt');
const done = path.join(environment, 'convscope-done');

function ready() {
  return fs.existsSync(python) && fs.existsSync(done) && fs.readFileSync(done, 'utf8') === fs.readFileSync(requirements, 'utf8'); // prettier-ignore
}

async function install() {
  const { program, first } = await findPython();
  await run(program, [...first, '-m', 'venv', '--clear', environment]);
  await run(python, ['-m', 'pip', 'install', '--quiet', '-r', requirements]);
  writeWhole(done, fs.readFileSync(requirements, 'utf8'));
}

const report = new Report({});
try {
  if (!ready()) await report.step(['安装 Dask（Python 虚拟环境）', 'Dask (Python environment)'], install);
  const program = [inRoot('mine', 'dask', 'mine_dask.py'), ...process.argv.slice(2)];
  const child = spawn(python, program, { stdio: 'inherit' });
  process.on('SIGINT', () => {}); // it reaches the child directly; we wait for its end
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('close', (code) => (process.exitCode = code ?? 1));
} catch (error) {
  report.error(error);
  process.exitCode = 1;
}
