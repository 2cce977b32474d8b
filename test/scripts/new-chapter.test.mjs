import fs from 'node:fs';
import ts from 'typescript';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { newChapter } from '../../scripts/notebooks/new-chapter.mjs';
import { inRoot } from '../../scripts/setup/paths.mjs';

test('a new chapter has every tagged cell, and asks for nothing that there is not', async () => {
  const files = await newChapter('10-zeros', '有多少个零');
  const { cells } = JSON.parse(files['notebooks/10-zeros.ipynb']);
  const tags = cells.flatMap(({ metadata }) => metadata.tags ?? []);
  assert.equal(tags, ['setup', 'figure', 'claim', 'exercise', 'solution', 'teacher', 'cleanup']);
  const own = [files['lib/10-zeros/zeros.ts'], files['lib/10-zeros/checks.ts']];
  for (const text of [...own, ...cells.filter(({ cell_type }) => cell_type === 'code').map(({ source }) => source)])
    assert.equal(ts.transpileModule(text, { reportDiagnostics: true }).diagnostics, []);
  const door = ['lib/index.ts', 'lib/show/index.ts'].map((file) => fs.readFileSync(inRoot(file), 'utf8')).join();
  const [, imported] = /^import \{ (.*) \}/.exec(cells.find(({ cell_type }) => cell_type === 'code').source);
  for (const name of imported.split(', ')) assert.match(door + own[0], new RegExp(`\\b${name}\\b`));
  const prose = cells.map(({ source }) => source).join('\n');
  const checks = [...prose.matchAll(/check\.(\w+)\(/g)].map(([, name]) => name);
  assert.ok(checks.length === 2 && checks.every((name) => own[1].includes(`function ${name}(`)), checks.join());
  assert.match(prose, /^# 10　有多少个零$/m);
  assert.match(prose, /上一章：\[09 .*\]\(09-your-own\.ipynb\)/);
  assert.not.match(prose, /\{\{/);
});

test.run();
