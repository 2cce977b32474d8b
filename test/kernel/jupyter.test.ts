import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root } from './client';

// Jupyter's own programs, from the project's Python environment.
const windows = process.platform === 'win32';
const python =
  process.env.CONVSCOPE_PYTHON ?? join(root, '.venv', windows ? 'Scripts' : 'bin', windows ? 'python.exe' : 'python');
const folder = mkdtempSync(join(tmpdir(), 'kernel-jupyter-'));

const run = (words: string[]) =>
  spawnSync(python, words, {
    cwd: join(root, 'notebooks'),
    encoding: 'utf8',
    timeout: 400_000,
    env: { ...process.env, JUPYTER_PATH: join(folder, 'share', 'jupyter'), PYTHONWARNINGS: 'ignore' },
  });

/** A notebook with these cells. */
function notebook(name: string, cells: string[]): string {
  const file = join(folder, name);
  const code = (source: string, i: number) => ({
    cell_type: 'code',
    id: `cell-${i}`,
    metadata: {},
    source,
    outputs: [],
    execution_count: null,
  });
  const kernelspec = { name: 'convscope', display_name: 'TypeScript (convscope)', language: 'typescript' };
  writeFileSync(
    file,
    JSON.stringify({ cells: cells.map(code), metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 }),
  );
  return file;
}

interface Output {
  output_type: string;
  ename?: string;
  data?: Record<string, unknown>;
}
const executed = (file: string): { outputs: Output[]; execution_count: number }[] =>
  JSON.parse(readFileSync(file, 'utf8')).cells;

/** A notebook file keeps text as a list of lines. */
const textOf = ({ data }: Output) => [data?.['text/plain']].flat().join('');

const convert = (file: string, ...more: string[]) =>
  run(['-m', 'nbconvert', '--to', 'notebook', '--execute', '--inplace', ...more, file]);

test.before(async () => {
  const { installKernelspec } = await import('../../kernel/kernelspec.mjs');
  const place = installKernelspec(folder);
  for (const file of ['kernel.json', 'logo-32x32.png', 'logo-64x64.png', 'logo-svg.svg'])
    assert.ok(existsSync(join(place, file)));
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

const itest = existsSync(python) ? test : test.skip;
if (!existsSync(python)) console.log(`SKIP Jupyter: no ${python}`);

itest('nbconvert --execute: outputs and counts in the file, exit status 0', () => {
  const file = notebook('good.ipynb', [
    "import { randomGenerator } from '../lib/base/random';",
    'await Promise.resolve(randomGenerator(1).integer(1))',
  ]);
  const { status, stderr } = convert(file);
  assert.is(status, 0, stderr);
  const [first, second] = executed(file);
  assert.equal([first.execution_count, second.execution_count], [1, 2]);
  assert.is(textOf(second.outputs[0]), '0');
});

itest('nbconvert fails on a runtime error, and with --allow-errors runs every cell', () => {
  const cells = ["throw new RangeError('no')", "'after'", 'const wrong: string = 3;', "'last'"];
  const { status, stderr } = convert(notebook('bad.ipynb', cells));
  assert.is(status, 1);
  assert.match(stderr, 'RangeError');
  const file = notebook('allowed.ipynb', cells);
  assert.is(convert(file, '--allow-errors').status, 0);
  const [first, second, third, fourth] = executed(file);
  assert.equal(
    [first, third].map((cell) => cell.outputs[0].ename),
    ['RangeError', 'TypeScriptError'],
  );
  assert.equal(
    [second, fourth].map((cell) => textOf(cell.outputs[0])),
    ["'after'", "'last'"],
  );
});

itest('after process.exit Jupyter restarts the kernel; interrupt and restart as from its buttons', () => {
  const { stdout, stderr } = run([join(__dirname, 'restart.py')]);
  assert.ok(stdout.includes('{'), stderr);
  assert.equal(JSON.parse(stdout.slice(stdout.indexOf('{'))), {
    before: ['ok', '1'],
    exit: ['error', ''],
    after: ['ok', "'undefined'"],
    interrupted: ['error', ''],
  });
});

test.run();
