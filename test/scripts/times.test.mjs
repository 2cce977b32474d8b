import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { aboveBound, timeNotebook, timesTable } from '../../scripts/notebooks/times.mjs';

const code = (source, outputs = []) => ({ cell_type: 'code', source, outputs, metadata: {} });
const notebook = {
  cells: [
    { cell_type: 'markdown', source: '# x', metadata: {} },
    code("import { tf } from '../lib';\nconst a = `1|2`;"),
    code('2'),
    code('3'),
  ],
};
const measured = { notebook, seconds: { 1: 12, 2: 0.1, 3: 70 }, processor: { 1: 8, 2: 0.1, 3: 65 } };

test('a run gives every cell its place, its first telling line and both clocks', async () => {
  const seen = [];
  const run = async (file, { env }) => {
    seen.push(file, env.CONVSCOPE_BACKEND);
    return measured;
  };
  const { faults, entry } = await timeNotebook('a.ipynb', 'wasm', run);
  assert.equal(seen, ['a.ipynb', 'wasm']);
  assert.equal(faults, []);
  assert.equal(entry.cells[0], { cell: 2, line: 'const a = `1|2`;', seconds: 12, processor: 8 });
  assert.is(entry.cells.length, 3);
  assert.ok(entry.load.every(Number.isFinite));
});

test('a run that failed is no measurement', async () => {
  const broken = { cells: [code('x', [{ output_type: 'error', ename: 'E', evalue: 'bad' }])] };
  const one = await timeNotebook('a', 'wasm', async () => ({
    notebook: broken,
    seconds: { 0: 1 },
    processor: { 0: 1 },
  }));
  assert.match(one.faults.join(), 'bad');
  assert.equal(await timeNotebook('a', 'wasm', async () => ({ failure: 'no kernel' })), { faults: ['no kernel'] });
});

test('above the bound is what both clocks put there', () => {
  const cells = [
    { cell: 1, seconds: 30, processor: 4 },
    { cell: 2, seconds: 12, processor: 20 },
    { cell: 3, seconds: 12, processor: 0 },
  ];
  assert.equal(
    aboveBound({ cells }, 'tensorflow').map(({ cell }) => cell),
    [2, 3],
  );
  assert.equal(aboveBound({ cells }, 'wasm'), []);
});

test('the table has both backends, hides what is quick, marks what is slow', async () => {
  const { entry } = await timeNotebook('a', 'wasm', async () => measured);
  const text = timesTable({ '01-a': { date: '2026-01-02', machine: 'M', tensorflow: entry, wasm: entry } });
  assert.match(text, '| 2 | `const a = ’1\\|2’;` | 12（8.0） | 12（8.0） |');
  assert.match(text, '| 4 | `3` | 70（65） ▲ | 70（65） ▲ |');
  assert.not.match(text, '| 3 | `2`');
  assert.match(text, '| 01-a | 82（73） | 82（73） |');
});

test.run();
