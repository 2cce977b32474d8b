import fs from 'node:fs';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { handoutOf, tagged, text } from '../../scripts/handout/audience.mjs';
import { writeHandout } from '../../scripts/handout/write.mjs';
import { execute, notebookFiles } from '../../scripts/notebooks/execute.mjs';
import { codeHash, outputFaults } from '../../scripts/notebooks/rules.mjs';
import { inRoot, readJson, venvProgram } from '../../scripts/setup/paths.mjs';
import { run } from '../../scripts/setup/run.mjs';

/** Where a copy must run from: as deep in the project as dist/handout/student. */
const base = inRoot('dist', `handout-test-${process.pid}`);
const sources = notebookFiles().map((file) => ({ name: path.basename(file), ...readJson(file) }));
const student = writeHandout(notebookFiles(), 'student', path.join(base, 'student'));
const teacher = writeHandout(notebookFiles(), 'teacher', path.join(base, 'teacher'));
test.after(() => fs.rmSync(base, { recursive: true, force: true }));

const whole = (notebook) => notebook.cells.map(text).join('\n');
const cellsOf = ({ cells }, tag) => cells.filter((cell) => tagged(cell, tag));
/** The expressions of a folded solution that answer an exercise: `check.NAME(answer)`. */
const answers = (notebook) =>
  cellsOf(notebook, 'solution').flatMap((cell) => text(cell).match(/check\.\w+\((?!NaN)[^`\n]+/g) ?? []);
const BLOCK = /```ts\n[\s\S]*?```/g;
/** What the folded cells say: their sentences, and their code as a whole (a line of it may well stand in a chapter). */
function secrets(notebook) {
  const folded = ['solution', 'teacher'].flatMap((tag) => cellsOf(notebook, tag)).map(text);
  const sentences = folded.flatMap((source) => source.replace(BLOCK, '').split('\n'));
  const long = sentences.map((line) => line.replace(/^[\s\d.-]*/, '')).filter((line) => line.length > 12);
  return [...long, ...folded.flatMap((source) => source.match(BLOCK) ?? [])];
}

test('each chapter has solutions and grading hints to hand out or to keep', () => {
  for (const notebook of sources) {
    assert.is(cellsOf(notebook, 'solution').length, 1, notebook.name);
    assert.is(cellsOf(notebook, 'teacher').length, 1, notebook.name);
    assert.ok(answers(notebook).length > 0, `${notebook.name}: no answer that check can judge`);
    for (const tag of ['solution', 'teacher']) {
      assert.match(text(cellsOf(notebook, tag)[0]), /^<details><summary>/, `${notebook.name}: ${tag} is not folded`);
    }
  }
});

test('nothing of the solutions is left in the copy for students, and no answer in its exercises', () => {
  student.map((file) => readJson(file)).forEach((copy, i) => {
    const copied = whole(copy);
    for (const secret of [...answers(sources[i]), ...secrets(sources[i])]) {
      assert.not(copied.includes(secret), `${sources[i].name}: ${secret}`);
    }
    for (const cell of cellsOf(copy, 'exercise')) assert.equal(cell.outputs, [], `${sources[i].name}: ${text(cell)}`);
  });
});

test('the copy for students is complete otherwise', () => {
  student.map((file) => readJson(file)).forEach((copy, i) => {
    const kept = sources[i].cells.filter((cell) => !tagged(cell, 'solution') && !tagged(cell, 'teacher'));
    assert.is(copy.cells.length, kept.length + 1, sources[i].name);
    assert.is(codeHash(copy), codeHash(sources[i]), `${sources[i].name}: the code has changed`);
    const shown = kept.filter((cell) => cell.cell_type === 'code' && !tagged(cell, 'exercise'));
    const copied = copy.cells.filter((cell) => cell.cell_type === 'code' && !tagged(cell, 'exercise'));
    assert.equal(copied.map((cell) => cell.outputs), shown.map((cell) => cell.outputs), sources[i].name); // prettier-ignore
  });
});

test("the teacher's copy has the solutions and the grading hints, unfolded", () => {
  teacher.map((file) => readJson(file)).forEach((copy, i) => {
    const copied = whole(copy);
    for (const secret of [...answers(sources[i]), ...secrets(sources[i])]) {
      const unfolded = secret.replaceAll('<details>', '<details open>');
      assert.ok(copied.includes(unfolded), `${sources[i].name}: ${secret}`);
    }
    assert.not(copied.includes('<details>'), `${sources[i].name}: still folded`);
  });
});

test('links out of the notebooks lead to files that exist, from where the copies lie', () => {
  for (const file of [...student, ...teacher]) {
    for (const [, link] of whole(readJson(file)).matchAll(/\]\((?!https?:|#)([^)\s]+)\)/g)) {
      assert.ok(fs.existsSync(path.resolve(path.dirname(file), link)), `${path.basename(file)}: ${link}`);
    }
  }
});

test('both copies are valid notebooks', async () => {
  const program = [
    'import nbformat, sys',
    'for file in sys.argv[1:]:',
    '    nbformat.validate(nbformat.read(file, as_version=4))',
    'print(len(sys.argv) - 1, "valid")',
  ].join('\n');
  const { output } = await run(venvProgram('python'), ['-W', 'error', '-c', program, ...student, ...teacher], {});
  assert.match(output, `${student.length + teacher.length} valid`);
});

test('a copy is made from the notebook alone: twice the same, and the source untouched', () => {
  const before = JSON.stringify(sources[0]);
  assert.equal(handoutOf(sources[0], 'student'), handoutOf(sources[0], 'student'));
  assert.is(JSON.stringify(sources[0]), before);
});

test("a chapter of the students' copy runs to its end where it lies", async () => {
  const { notebook, failure } = await execute(student.find((file) => path.basename(file).startsWith('01-')));
  assert.not(failure, failure);
  assert.equal(outputFaults(notebook, { substitute: true }), []);
  assert.ok(notebook.cells.filter((cell) => cell.cell_type === 'code').every((cell) => cell.execution_count > 0));
});

test.run();
