import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tagged, text } from '../../scripts/handout/audience.mjs';
import { notebookFiles } from '../../scripts/notebooks/execute.mjs';
import { readJson } from '../../scripts/setup/paths.mjs';

const TITLE = /^\*\*(\d)　([^（*]+)（(\d+) 分钟，(★{1,3})）\*\*　(.+)$/gm;

const chapters = notebookFiles().map((file) => {
  const { cells } = readJson(file);
  const prose = cells.filter((cell) => cell.cell_type === 'markdown');
  const section = prose.map(text).join('\n').match(/^## 练习\n([\s\S]*?)(?=^## |<details)/m)?.[1] ?? '';
  return {
    name: path.basename(file, '.ipynb'),
    cells,
    section,
    exercises: [...section.matchAll(TITLE)].map(([, number, kind, minutes, stars, task]) => ({
      number: Number(number),
      kind: kind.trim(),
      minutes: Number(minutes),
      stars: stars.length,
      task,
    })),
    solution: cells.filter((cell) => tagged(cell, 'solution')).map(text).join('\n'),
    hints: cells.filter((cell) => tagged(cell, 'teacher')).map(text).join('\n'),
  };
});

const inWords = ({ kind }) => /用一.{0,2}[话段].*回答/.test(kind);

for (const { name, cells, section, exercises, solution, hints } of chapters) {
  test(`${name}: three to five exercises, each with its minutes and its difficulty`, () => {
    assert.ok(exercises.length >= 3 && exercises.length <= 5, `${exercises.length} exercises`);
    assert.is((section.match(/^\*\*\d/gm) ?? []).length, exercises.length, 'an exercise without minutes or stars');
    assert.equal(exercises.map(({ number }) => number), exercises.map((_, i) => i + 1)); // prettier-ignore
    for (const { minutes, task } of exercises) {
      assert.ok(minutes >= 3 && minutes <= 20, `${minutes} minutes: ${task}`);
    }
  });

  test(`${name}: one exercise predicts, one changes a parameter, one is answered in words`, () => {
    const kinds = exercises.map(({ kind }) => kind).join('; ');
    assert.is(exercises.filter(({ kind }) => kind.startsWith('先猜')).length, 1, kinds);
    assert.is(exercises.filter(({ kind }) => kind === '改一个参数').length, 1, kinds);
    assert.is(exercises.filter(inWords).length, 1, kinds);
  });

  test(`${name}: the others can be checked, and the answer in words has grading hints with points`, () => {
    const others = exercises.filter((exercise) => !inWords(exercise) && !/^(先猜|改一个参数)/.test(exercise.kind));
    const checks = cells.filter((cell) => tagged(cell, 'exercise'));
    assert.ok(checks.length >= others.length, `${checks.length} checks for ${others.length} exercises`);
    const [{ number }] = exercises.filter(inWords);
    assert.match(hints, new RegExp(`\\*\\*第 ${number} 题[^*]*（(\\d) 分）\\*\\*`));
    const [, total, list] = hints.match(/（(\d) 分）\*\*\n\n((?:- .*\n)+)/);
    const points = [...list.matchAll(/：(\d) 分[。，]/g)].map(([, n]) => Number(n));
    assert.ok(points.length >= 2 && Number(total) <= points.reduce((sum, n) => sum + n, 0), `${points} of ${total}`);
  });

  test(`${name}: every exercise has a folded answer`, () => {
    assert.match(solution, /^<details><summary>参考答案<\/summary>\n\n/);
    assert.match(solution, /<\/details>$/);
    const answered = [...solution.matchAll(/^(\d)\. /gm)].map(([, number]) => Number(number));
    assert.equal(answered, exercises.map(({ number }) => number)); // prettier-ignore
  });

  test(`${name}: asks to predict before a cell is run`, () => {
    const before = cells.slice(0, cells.findIndex((cell) => text(cell).includes('## 练习')));
    const asks = before.filter((cell) => cell.cell_type === 'markdown' && /\*\*先猜\*\*|先猜：/.test(text(cell)));
    assert.ok(asks.length > 0);
  });
}

test.run();
