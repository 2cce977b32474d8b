import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tagged, text } from '../../scripts/handout/audience.mjs';
import { execute, notebookFiles } from '../../scripts/notebooks/execute.mjs';
import { codeCells, outputFaults } from '../../scripts/notebooks/rules.mjs';
import { inRoot, readJson } from '../../scripts/setup/place.mjs';
import { weightsReady } from '../../scripts/setup/weights.mjs';

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-solutions-'));
test.after(() => fs.rmSync(scratch, { recursive: true, force: true }));

const chapters = notebookFiles().map((file) => {
  const { cells } = readJson(file);
  const solution = cells.filter((cell) => tagged(cell, 'solution')).map(text).join('\n');
  return {
    name: path.basename(file, '.ipynb'),
    setup: cells.filter((cell) => tagged(cell, 'setup')).map(text),
    /** What the learner is to write into the exercise's cell. */
    answers: [...solution.matchAll(/`(check\.[^`]+)`/g)].map(([, code]) => code),
    /** Code to try, which runs right after the chapter's first cell. */
    blocks: [...solution.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code.trimEnd()),
    asked: [...new Set(cells.filter((cell) => tagged(cell, 'exercise')).flatMap((cell) => text(cell).match(/check\.\w+/g) ?? []))], // prettier-ignore
  };
});

/** Runs cells with the kernel of the course, in a folder beside lib; gives the executed code cells. */
async function executed(name, sources) {
  const cells = sources.map((source, i) => ({
    cell_type: 'code',
    id: `s${i}`,
    execution_count: null,
    metadata: {},
    outputs: [],
    source,
  }));
  const file = path.join(scratch, `${name}.ipynb`);
  fs.writeFileSync(file, JSON.stringify({ cells, metadata: {}, nbformat: 4, nbformat_minor: 5 }));
  const { notebook, failure } = await execute(file, { folder: inRoot('test') });
  assert.not(failure, failure);
  assert.equal(outputFaults(notebook), []);
  return codeCells(notebook);
}

const verdictOf = (cell) => cell.outputs.map((output) => output.data?.['text/plain'] ?? '').flat().join('');

test('every exercise with a check has its answer among the folded solutions', () => {
  for (const { name, answers, asked } of chapters) {
    const answered = answers.map((code) => code.match(/^check\.\w+/)[0]);
    assert.equal([...new Set(answered)].sort(), asked.sort(), name);
  }
});

test('every answer among the folded solutions is judged right in a cell', async () => {
  const answers = chapters.flatMap(({ name, answers: own }) => own.map((code) => ({ name, code })));
  assert.ok(answers.length >= 30, `${answers.length} answers`);
  const [, ...cells] = await executed('answers', [
    "import { check } from '../lib/index'",
    ...answers.map(({ code }) => code),
  ]);
  cells.forEach((cell, i) => assert.match(verdictOf(cell), /^✔ 对了/, `${answers[i].name}: ${answers[i].code}`));
});

for (const { name, setup, blocks } of chapters.filter(({ blocks: own }) => own.length > 0)) {
  test(`${name}: the code among the folded solutions runs after the first cell of the chapter`, async () => {
    if (!weightsReady()) return console.log(`SKIP ${name}: the networks' weights are not here`);
    const cells = (await executed(name, [...setup, ...blocks])).slice(setup.length);
    cells.forEach((cell, i) => {
      assert.ok(cell.outputs.length > 0, `${blocks[i]}\nshows nothing`);
      if (/^check\.[^\n]*$/m.test(blocks[i])) assert.match(verdictOf(cell), /✔ 对了/, blocks[i]);
    });
  });
}

test.run();
