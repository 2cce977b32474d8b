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
import { inRoot } from '../setup/place.mjs';
import { startCourse } from '../../test/course.mjs';

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

/** The server asks every new kernel who it is; the kernel counts as idle once it has answered. */
async function askKernel({ base, token }) {
  const headers = { Authorization: `token ${token}` };
  const call = async (where, method = 'GET', body) => {
    const reply = await fetch(`${base}/api/kernels${where}`, { method, headers, body });
    assert(reply.ok, `${method} /api/kernels${where}: ${reply.status}`);
    return method === 'DELETE' ? undefined : reply.json();
  };
  const { id } = await call('', 'POST', JSON.stringify({ name: 'convscope' }));
  for (let i = 0; i < 240; i++) {
    const { execution_state: state } = await call(`/${id}`);
    if (state === 'idle') return call(`/${id}`, 'DELETE');
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error('the kernel did not answer within two minutes');
}

async function chapter(name) {
  const { notebook, failure } = await execute(inRoot('notebooks', name), { env: { CONVSCOPE_OFFLINE: '1' } });
  assert(notebook && !failure && errorCells(notebook).length === 0, failure ?? errorCells(notebook).join('\n'));
  const code = notebook.cells.filter(({ cell_type: kind }) => kind === 'code');
  assert(
    code.every(({ execution_count: count }) => count > 0),
    `${name}: not every cell has run`,
  );
  const text = JSON.stringify(code.map(({ outputs }) => outputs));
  const backend = text.match(/后端\s*(\w+)/)?.[1] ?? '?';
  say(`  ${name}: ${code.length} cells, backend ${backend}${substituted(notebook) ? ', on the embedded network' : ''}`);
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
