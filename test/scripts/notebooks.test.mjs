import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  doubled,
  halved,
  lots,
  normalised,
  revisited,
  runNotebook,
  withOutputs,
} from '../../scripts/notebooks/execute.mjs';
import { codeHash, committedFaults, outputFaults } from '../../scripts/notebooks/rules.mjs';
import { inRoot } from '../../scripts/setup/paths.mjs';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-nb-'));
test.after(() => fs.rmSync(folder, { recursive: true }));

const cell = (source, { tags = [], outputs = [] } = {}) => ({
  cell_type: 'code',
  id: `c${source.length}-${tags.length}`,
  execution_count: null,
  metadata: { tags },
  outputs,
  source,
});

const notebook = (...cells) => ({ cells, metadata: {}, nbformat: 4, nbformat_minor: 5 });
const display = (data) => ({ output_type: 'display_data', data, metadata: {} });
const claim = (id, measured) =>
  display({ 'application/vnd.convscope.claim+json': { id, measured, control: 0, holds: true } });

test('a notebook that shows what it promises is fine', () => {
  const good = notebook(
    cell('show()', { tags: ['figure'], outputs: [display({ 'image/png': 'A'.repeat(5000) })] }),
    cell('claim()', { tags: ['claim'], outputs: [claim('C1', 1)] }),
    cell('const x = 1'),
  );
  assert.equal(outputFaults(good), []);
});

test('each broken rule is named with its cell', () => {
  const error = { output_type: 'error', ename: 'TypeError', evalue: 'no', traceback: [] };
  const stderr = { output_type: 'stream', name: 'stderr', text: ['Warning: ', 'old'] };
  const complaint = (...cells) => outputFaults(notebook(...cells)).join('\n');
  assert.match(complaint(cell('a\nb', { outputs: [error] })), 'cell 1 (a): error TypeError: no');
  assert.match(complaint(cell('a', { outputs: [stderr] })), 'Warning: old');
  assert.match(complaint(cell('a', { outputs: [display({ 'text/plain': ['与手写的相差 ', 'NaN'] })] })), 'prints NaN');
  assert.match(complaint(cell('a', { tags: ['figure'] })), 'shows nothing');
  assert.match(complaint(cell('a', { tags: ['figure'], outputs: [{ ...stderr, name: 'stdout' }] })), 'shows nothing');
  assert.match(complaint(cell('a', { tags: ['claim'], outputs: [display({ 'text/html': 'x' })] })), 'claims nothing');
  assert.match(complaint(cell('a', { outputs: [display({ 'image/png': 'A'.repeat(3e6) })] })), 'limit is 3 MB');
  const picture = display({ 'image/png': 'B'.repeat(5000) });
  assert.match(complaint(cell('a', { outputs: [picture] }), cell('b', { outputs: [picture] })), 'cell 2 (b): the same');
  const twice = notebook(cell('a', { outputs: [picture] }), cell('b', { outputs: [picture] }));
  assert.equal(outputFaults(twice, { substitute: true }), []);
});

test('committed outputs must exist and come from the committed code, on the real networks', () => {
  const shown = { outputs: [display({ 'text/plain': 'x' })] };
  assert.match(committedFaults(notebook(cell('a'))).join(), 'no outputs');
  assert.match(committedFaults(notebook(cell('a', shown))).join(), 'older than the code');
  const written = normalised(notebook(cell('a', shown)));
  assert.equal(committedFaults(written), []);
  written.cells[0].source = ['a changed'];
  assert.match(committedFaults(written).join(), 'older than the code');
  const substitute = { outputs: [display({ 'text/html': '取不到 alexnet，本章改用随课程附带的 X' })] };
  assert.match(committedFaults(normalised(notebook(cell('a', substitute)))).join(), 'substitute');
});

test('writing is stable: no times, always the same metadata', () => {
  const run = notebook(cell('a'));
  run.cells[0].metadata.execution = { 'iopub.status.busy': '2020-01-01' };
  run.metadata = { language_info: { name: 'typescript', version: '5', file_extension: '.ts', mimetype: 't' }, x: 1 };
  const [first, second] = [normalised(run), normalised(normalised(run))];
  assert.equal(first, second);
  assert.equal(first.cells[0].metadata, { tags: [] });
  assert.is(first.metadata.convscope.executed, codeHash(run));
});

test('prose that was edited while the notebook ran is kept', () => {
  const prose = (source) => ({ cell_type: 'markdown', metadata: {}, source });
  const shown = { outputs: [display({ 'text/html': 'x' })] };
  const executed = notebook(cell('a', shown), prose('before'), { ...cell('b'), execution_count: 2 });
  const current = notebook(cell('a'), prose('after'), prose('new'), cell('b'));
  const { cells } = withOutputs(current, executed);
  assert.equal(
    cells.map((c) => c.source),
    ['a', 'after', 'new', 'b'],
  );
  assert.equal(cells[0].outputs, shown.outputs);
  assert.is(cells[3].execution_count, 2);
});

/** Executed with the real kernel, in a folder beside lib. */
async function executed(name, record, ...cells) {
  const file = path.join(folder, `${name}.ipynb`);
  fs.writeFileSync(file, JSON.stringify(notebook(...cells)));
  return runNotebook(file, { folder: inRoot('test'), record });
}

const withClaim = [
  cell("import { claim } from '../lib/show/claim'"),
  cell("claim('T1', { measured: 2, control: { random: 1 }, holds: true })", { tags: ['claim'] }),
];

test('the kernel executes a notebook; its claims are compared with the record', async () => {
  const before = { T1: { measured: 2, control: { random: 1 }, holds: true, tolerance: 0.05 } };
  const fine = await executed('claims', before, ...withClaim);
  // the file itself carries no outputs: that alone may be complained about
  assert.is(fine.output, 'no outputs are committed: npm run notebooks -- --write');
  const moved = await executed('moved', { T1: { ...before.T1, measured: 2.2 } }, ...withClaim);
  assert.is(moved.failed, 1);
  assert.match(moved.output, 'claim T1: measured: 2, on record 2.2');
});

test('every cell twice: a cell that cannot be run again fails, the second outputs count', async () => {
  const cells = [cell('let n = 0;'), cell('n += 1;\nconsole.log(n)'), cell('const list = [1];')];
  const twice = doubled(notebook({ cell_type: 'markdown', id: 'm', source: 'x', metadata: {} }, ...cells));
  assert.equal(twice.cells.map(({ cell_type: type }) => type[0]).join(''), 'mcccccc');
  assert.equal(halved(twice), notebook({ cell_type: 'markdown', id: 'm', source: 'x', metadata: {} }, ...cells));
  const file = path.join(folder, 'twice.ipynb');
  fs.writeFileSync(file, JSON.stringify(notebook(...cells)));
  const { notebook: executed } = await runNotebook(file, { twice: true, folder, record: {} });
  assert.is(executed.cells[1].outputs[0].text.join(''), '2\n');
  const once = notebook(
    cell('const box: { x?: number } = { x: 1 };'),
    cell('console.log(box.x!.toFixed());\ndelete box.x;'),
  );
  fs.writeFileSync(file, JSON.stringify(once));
  const failed = await runNotebook(file, { twice: true, folder, record: {} });
  assert.match(failed.output, 'TypeError');
});

test('a reader goes back: one cell above is run once more, the same one as long as the code is the same', async () => {
  const cells = ['let n = 1;', 'n += 1;', 'console.log(n)', 'const box = { n };', "console.log('end')"].map((s) =>
    cell(s),
  );
  const whole = notebook(...cells);
  assert.equal(halved(revisited(whole)), whole);
  assert.equal(lots(whole), lots(structuredClone(whole)));
  const drawn = Array.from({ length: 200 }, (_, i) => lots(notebook(cell(`// ${i}`), ...cells)));
  for (const { again, after } of drawn) assert.ok(again >= 0 && again < after && after < 5, `${again} after ${after}`);
  assert.is(new Set(drawn.map(({ again, after }) => `${again} ${after}`)).size, 10, 'every pair is drawn');
  const order = revisited(whole, { again: 1, after: 3 }).cells.map(({ source }) =>
    cells.findIndex((c) => c.source === source),
  );
  assert.equal(order, [0, 0, 1, 1, 2, 2, 3, 3, 1, 4, 4]);
  assert.is(lots(notebook(...cells.slice(0, 2))), undefined);
});

test('a cell with an error fails the notebook', async () => {
  const result = await executed(
    'error',
    {},
    cell('const x: number = 1'),
    cell("throw new Error('on purpose')"),
    cell('x'),
  );
  assert.is(result.failed, 1);
  assert.match(result.output, "cell 2 (throw new Error('on purpose')): error Error: on purpose");
});

test('a kernel that dies fails the notebook', async () => {
  const result = await executed('dies', {}, cell('process.exit(1)'));
  assert.is(result.failed, 1);
});

test.run();
