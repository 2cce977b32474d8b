import fs from 'node:fs';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { notebookFiles } from '../../scripts/notebooks/execute.mjs';
import { inRoot, readJson } from '../../scripts/setup/paths.mjs';

const LINES = 15;
const text = (cell) => (Array.isArray(cell.source) ? cell.source.join('') : cell.source);
const notebooks = notebookFiles().map((file) => ({ name: path.basename(file), ...readJson(file) }));

/** One failure names all notebooks that break a rule, with their cells. */
function forEveryCell(complain) {
  const faults = notebooks.flatMap(({ name, cells }) =>
    cells.flatMap((cell, i) => {
      const fault = complain(cell, text(cell), name);
      return fault ? [`${name}, cell ${i + 1}: ${fault}`] : [];
    }),
  );
  assert.is(faults.length, 0, faults.join('\n'));
}

test('every notebook opens with the kernel of the course', () => {
  for (const { name, metadata, nbformat, cells } of notebooks) {
    assert.is(metadata.kernelspec?.name, 'convscope', name);
    assert.is(metadata.kernelspec.language, 'typescript', name);
    assert.is(nbformat, 4, name);
    assert.is(new Set(cells.map((cell) => cell.id)).size, cells.length, `${name}: cell ids are not unique`);
  }
});

test('the library is imported through its one public entry', () => {
  forEveryCell(({ cell_type }, source) => {
    const imports = cell_type === 'code' ? [...source.matchAll(/from\s+'(\.[^']*)'/g)].map(([, from]) => from) : [];
    return imports.find((from) => from !== '../lib/index');
  });
});

test(`a code cell fits on the screen: at most ${LINES} lines`, () => {
  forEveryCell(({ cell_type }, source) => {
    const lines = source.trimEnd().split('\n').length;
    return cell_type === 'code' && lines > LINES ? `${lines} lines` : undefined;
  });
});

test('a chapter says what one learns, and ends with a summary, exercises and references', () => {
  for (const { name, cells } of notebooks.filter(({ name }) => !/^0[09]/.test(name))) {
    const prose = cells.filter((cell) => cell.cell_type === 'markdown').map(text).join('\n');
    for (const part of ['学习目标', '小结', '练习', '参考文献']) assert.ok(prose.includes(part), `${name}: ${part}`);
  }
});

test('no notebook keeps widgets, attachments or absolute paths', () => {
  forEveryCell((cell, source) => {
    if (cell.attachments) return 'an attachment';
    const absolute = cell.cell_type === 'code' && /(["'`])\/(home|root|work|tmp|Users)\//.test(source);
    return absolute ? 'an absolute path' : undefined;
  });
});

test('the table in the README names the notebooks that exist', () => {
  const readme = fs.readFileSync(inRoot('README.md'), 'utf8');
  const named = [...readme.matchAll(/notebooks\/([\w-]+\.ipynb)/g)].map(([, name]) => name);
  assert.equal([...new Set(named)].sort(), notebooks.map(({ name }) => name).sort());
});

test.run();
