/**
 * Runs in the unpacked copy, without a network: starts the course, asks its kernel, executes a chapter.
 * inside.mjs FOLDER: nothing may point back into that folder, from which the archive was made.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { execute } from '../notebooks/execute.mjs';
import { errorCells, substituted } from '../notebooks/rules.mjs';
import { duration } from '../setup/report.mjs';
import { findProgram, run } from '../setup/run.mjs';
import { inRoot, jupyterFolder, venvProgram } from '../setup/paths.mjs';
import { startCourse } from '../start/started.mjs';

const say = (line) => process.stdout.write(`${line}\n`);
const assert = (fine, text) => {
  if (!fine) throw new Error(text);
};

/** A new network namespace has a loopback that is down; JupyterLab and the kernel talk over it. */
async function openLoopback() {
  await run(findProgram('ip', '/usr/sbin/ip', '/sbin/ip') ?? 'ip', ['link', 'set', 'lo', 'up']);
  const outside = Object.keys(os.networkInterfaces()).filter((name) => name !== 'lo');
  assert(outside.length === 0, `there is a network: ${outside}`);
  const answer = await fetch('http://192.0.2.1/', { signal: AbortSignal.timeout(3000) }).catch((error) => error);
  assert(answer instanceof Error, 'an address outside answered');
  say('network: loopback only');
}

async function timed(label, work) {
  const start = Date.now();
  const result = await work();
  say(`${label}: ${duration(Date.now() - start)}`);
  return result;
}

const QUESTION = "import { startBackend } from '../lib/index'; console.log((await startBackend()).name)";

/** Has the server start a kernel, as JupyterLab does for a notebook, and asks that kernel for its backend. */
async function askKernel({ base, token }) {
  const headers = { Authorization: `token ${token}` };
  const body = JSON.stringify({ name: 'convscope', path: 'notebooks/x.ipynb' });
  const reply = await fetch(`${base}/api/kernels`, { method: 'POST', headers, body });
  assert(reply.ok, `POST /api/kernels: ${reply.status}`);
  const { id } = /** @type {any} */ (await reply.json());
  const connection = jupyterFolder('runtime', `kernel-${id}.json`);
  const asked = [inRoot('scripts', 'pack', 'ask.py'), connection, QUESTION];
  const { stdout } = await run(venvProgram('python'), asked, { limitSeconds: 400 });
  await fetch(`${base}/api/kernels/${id}`, { method: 'DELETE', headers });
  say(`  backend: ${stdout.trim()}`);
}

async function chapter(name) {
  const { notebook, failure } = await execute(inRoot('notebooks', name), { env: { CONVSCOPE_OFFLINE: '1' } });
  assert(notebook && !failure && errorCells(notebook).length === 0, failure ?? errorCells(notebook).join('\n'));
  const code = notebook.cells.filter(({ cell_type: kind }) => kind === 'code');
  assert(
    code.every(({ execution_count: count }) => count > 0),
    `${name}: not every cell has run`,
  );
  say(`  ${name}: ${code.length} cells${substituted(notebook) ? ', partly on the embedded network' : ''}`);
}

/** Links and the kernel's description must lead into the copy: the original may be gone tomorrow. */
function pointsBack(original) {
  const spec = fs.readFileSync(inRoot('.venv', 'share', 'jupyter', 'kernels', 'convscope', 'kernel.json'), 'utf8');
  assert(!spec.includes(`"${original}${path.sep}`), `the kernel is started from ${original}`);
  const link = inRoot('node_modules', '@tensorflow', 'tfjs-node-gpu', 'lib', 'napi-v8', 'tfjs_binding.node');
  if (!fs.existsSync(link)) return;
  const target = fs.realpathSync(link);
  assert(target.startsWith(fs.realpathSync(inRoot())), `the native backend is ${target}`);
}

try {
  await openLoopback();
  const course = await timed('npm start -- --offline, first time', () => startCourse('--offline'));
  try {
    await timed('the kernel answers', () => askKernel(course));
  } finally {
    await course.stop();
  }
  pointsBack(process.argv[2]);
  await timed('chapters 00 and 01', async () => {
    for (const name of ['00-overview.ipynb', '01-filters.ipynb']) await chapter(name);
  });
  process.exit(0);
} catch (error) {
  say(error.stack);
  process.exit(1);
}
