/**
 * Suites in Python, run by Jupyter's own clients: Jupyter's test of kernels, the protocol message by message, papermill's
 * parameters.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root } from './client';

const windows = process.platform === 'win32';
const python = join(root, '.venv', windows ? 'Scripts' : 'bin', windows ? 'python.exe' : 'python');
const folder = mkdtempSync(join(tmpdir(), 'kernel-suites-'));
const packages = join(folder, 'packages');

const run = (words: string[], env: NodeJS.ProcessEnv = {}) =>
  spawnSync(python, words, {
    cwd: join(root, 'notebooks'),
    encoding: 'utf8',
    timeout: 400_000,
    env: { ...process.env, ...env },
  });

/** @returns why they cannot be had */
function install(): string | undefined {
  if (!existsSync(python)) return `no ${python}`;
  const wanted = ['-r', join(__dirname, 'suites', 'requirements.txt'), join(root, 'kernel', 'papermill')];
  const { status, stderr } = run(['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', packages, ...wanted]);
  return status === 0 ? undefined : `they cannot be installed here: ${stderr.trim().split('\n').at(-1)}`;
}

test.before(async () => {
  const { installKernelspec } = await import('../../kernel/kernelspec.mjs');
  installKernelspec(folder);
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

const missing = install();
if (missing) console.log(`SKIP suites of Jupyter: ${missing}`);
const itest = missing ? test.skip : test;

/** @returns what unittest says about each test */
function suite(name: string): string {
  const file = join(__dirname, 'suites', name);
  const env = { JUPYTER_PATH: join(folder, 'share', 'jupyter'), PYTHONPATH: packages };
  const { status, stderr, stdout } = run(['-W', 'ignore', file, '-v'], env);
  assert.is(status, 0, `${stdout}\n${stderr}`);
  return stderr;
}

itest('jupyter_kernel_test: everything but the pager, which cells do not have', () => {
  const said = suite('public.py');
  assert.match(said, /Ran 12 tests/);
  assert.match(said, /OK \(skipped=1\)/);
});

itest('the protocol, message by message; papermill writes parameters as TypeScript', () => {
  const said = suite('protocol.py');
  assert.match(said, /Ran 24 tests/);
  assert.match(said, /^OK$/m);
});

test.run();
