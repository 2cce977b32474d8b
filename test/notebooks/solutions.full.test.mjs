import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tagged, text } from '../../scripts/handout/audience.mjs';
import { execute, notebookFiles } from '../../scripts/notebooks/execute.mjs';
import { codeCells, outputFaults } from '../../scripts/notebooks/rules.mjs';
import { inRoot, readJson } from '../../scripts/setup/paths.mjs';
import { weightsReady } from '../../scripts/setup/weights.mjs';

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-solutions-'));
test.after(() => fs.rmSync(scratch, { recursive: true, force: true }));

const BLOCK = /```ts\n([\s\S]*?)```/g;
const ITEM = /^(\d)\. ([\s\S]*?)(?=^\d\. |^<\/details>)/gm;

const chapters = notebookFiles().map((file) => {
  const { cells } = readJson(file);
  const solution = cells.filter((cell) => tagged(cell, 'solution')).map(text).join('\n');
  const tasks = cells.filter((cell) => cell.cell_type === 'markdown').map(text).join('\n');
  return {
    name: path.basename(file, '.ipynb'),
    setup: cells.filter((cell) => tagged(cell, 'setup')).map(text),
    /** What the learner is to write into the exercise's cell. */
    answers: [...solution.matchAll(/`(check\.[^`]+)`/g)].map(([, code]) => code),
    /** Code to try, which runs right after the chapter's cells tagged `setup`. */
    blocks: [...solution.matchAll(BLOCK)].map(([, code]) => code.trimEnd()),
    items: [...solution.matchAll(ITEM)].map(([, number, answer]) => ({
      number: Number(number),
      prose: answer.replace(BLOCK, ''),
      blocks: [...answer.matchAll(BLOCK)].map(([, code]) => code.trimEnd()),
    })),
    /** The exercises that change a parameter. */
    changes: [...tasks.matchAll(/^\*\*(\d)　改一个参数/gm)].map(([, number]) => Number(number)),
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
const printed = (cell) => cell.outputs.map((output) => [output.text ?? output.data?.['text/plain'] ?? ''].flat().join('')).join('\n'); // prettier-ignore

const NUMBER = /(?<![\w.])\d+(?:\.\d+)?(?:e[-−]?\d+)?/g;
const numbersIn = (prose) => [...prose.matchAll(NUMBER)].map(([found]) => found.replace('−', '-'));

/** A tenth, or one unit of the last digit: what another machine may change. */
function near(named, given) {
  const unit = 10 ** -(named.split('.')[1] ?? '').length;
  return given.some((number) => Math.abs(Number(number) - Number(named)) <= Math.max(unit, 0.1 * Number(named)));
}

/** What the prose of an answer names and its code does not give: numbers, and what is printed in bold. */
function unfounded(prose, code, output) {
  const bare = prose.replace(/`[^`\n]*`|\$[^$\n]*\$|第 \d+ [节章题]/g, '');
  const given = [...numbersIn(output), ...numbersIn(code)];
  const bold = [...bare.matchAll(/\*\*([^*\n]+)\*\*/g)].map(([, words]) => words);
  return [...numbersIn(bare).filter((number) => !near(number, given)), ...bold.filter((words) => !output.includes(words))];
}

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

test('every exercise that changes a parameter has code among the folded solutions, which is executed below', () => {
  for (const { name, changes, items, blocks } of chapters) {
    assert.is(changes.length, 1, name);
    for (const number of changes) {
      const answer = items.find((item) => item.number === number);
      assert.ok(answer?.blocks.length > 0, `${name}: exercise ${number} has no code`);
    }
    assert.equal(items.flatMap((item) => item.blocks), blocks, `${name}: code outside the numbered answers`);
  }
});

test('a number or a verdict that the code does not give is found', () => {
  assert.equal(unfounded('平均 0.52，第 3 节的 `top: 7`，conv1，**噪声**最大', '', '平均 0.5，最大的是噪声'), []);
  assert.equal(unfounded('平均 0.90，改成 25，**模糊**最大', 'top: 25', '平均 0.5，最大的是噪声'), ['0.90', '模糊']);
});

for (const { name, setup, blocks, items } of chapters.filter(({ blocks: own }) => own.length > 0)) {
  test(`${name}: the code among the folded solutions runs after the first cell of the chapter`, async () => {
    if (!weightsReady()) return console.log(`SKIP ${name}: the networks' weights are not here`);
    const cells = (await executed(name, [...setup, ...blocks])).slice(setup.length);
    cells.forEach((cell, i) => {
      if (/^check\.[^\n]*$/m.test(blocks[i])) assert.match(verdictOf(cell), /✔ 对了/, blocks[i]);
    });
    for (const { number, prose, blocks: own } of items.filter((item) => item.blocks.length > 0)) {
      const output = own.map((code) => printed(cells[blocks.indexOf(code)])).join('\n');
      assert.ok(output.trim(), `${name}, answer ${number} shows nothing`);
      assert.equal(unfounded(prose, own.join('\n'), output), [], `${name}, answer ${number} beside its output:\n${output}`); // prettier-ignore
    }
  });
}

test.run();
