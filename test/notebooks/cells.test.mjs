import fs from 'node:fs';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { notebookFiles } from '../../scripts/notebooks/execute.mjs';
import { cellFaults, formatCells, notebookCellFaults } from '../../scripts/notebooks/cells.mjs';

for (const file of notebookFiles()) {
  test(`${path.basename(file)}: every cell is short, formatted and plain`, async () => {
    assert.equal(await notebookCellFaults(JSON.parse(fs.readFileSync(file, 'utf8'))), []);
  });
}

test('what a student could not read or change is found', async () => {
  assert.equal(await cellFaults("const label = '标签';"), []);
  const fault = async (text) => (await cellFaults(text)).join('; ');
  assert.match(await fault(`const x = '${'长'.repeat(100)}';`), 'a line of 113 characters');
  assert.match(await fault(Array.from({ length: 16 }, (_, i) => `const a${i} = ${i};`).join('\n')), '16 lines');
  assert.match(await fault('const 图 = 1;'), 'a Chinese identifier');
  assert.match(await fault('const x = y as unknown as number;'), 'a cast');
  assert.match(await fault('const x = [ 1,2 ]'), 'not formatted');
  assert.match(await fault('const x = 1;\nmodel.roles;'), 'its semicolon hides');
  assert.equal(await cellFaults('check.size(NaN);'), []);
});

/** Calls of TensorFlow.js' generators, and the rest of their line. */
const DRAWS = /tf\.(?:random\w+|truncatedNormal)\b.*|Math\.random.*/g;
/** Without a seed, or with 0, which TensorFlow.js takes for none: other numbers at every run. */
const unseeded = (text) => (text.match(DRAWS) ?? []).filter((call) => !/'float32', (?!0\))[^,]+\)/.test(call));

test('every random number in a cell has a seed', () => {
  for (const file of notebookFiles()) {
    const { cells } = JSON.parse(fs.readFileSync(file, 'utf8'));
    const code = cells.filter((cell) => cell.cell_type === 'code').map((cell) => [cell.source].flat().join(''));
    assert.equal(code.flatMap(unseeded), [], path.basename(file));
  }
  assert.is(unseeded("tf.randomNormal([2], 0, 1, 'float32', 0);").length, 1);
  assert.is(unseeded('tf.randomUniform([2]);').length, 1);
  assert.equal(unseeded("tf.randomNormal([2], 0, 1, 'float32', seed + 1);"), []);
});

test('formatting changes code cells only, and only once', async () => {
  const notebook = {
    cells: [
      { cell_type: 'markdown', source: ['const x=1'] },
      { cell_type: 'code', source: ['const x=1\n', 'x'] },
    ],
  };
  assert.is(await formatCells(notebook), 1);
  assert.equal(notebook.cells[1].source, ['const x = 1;\n', 'x;']);
  assert.equal(notebook.cells[0].source, ['const x=1']);
  assert.is(await formatCells(notebook), 0);
});

test.run();
