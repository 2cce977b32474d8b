import fs from 'node:fs';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { text } from '../../scripts/handout/audience.mjs';
import { notebookFiles } from '../../scripts/notebooks/execute.mjs';
import { inRoot, readJson } from '../../scripts/setup/paths.mjs';

const IDS = Array.from({ length: 20 }, (_, i) => `C${i + 1}`);
const records = readJson(inRoot('data', 'records', 'claims.json'));
const notebooks = Object.fromEntries(notebookFiles().map((file) => [path.basename(file, '.ipynb'), readJson(file)]));

/** The rows of the table in CONTRIBUTING.md: { id, notebook, sections, words, claims }. */
function concepts() {
  const lines = fs.readFileSync(inRoot('CONTRIBUTING.md'), 'utf8').split('\n');
  const rows = lines.filter((line) => /^\| C\d+ +\|/.test(line)).map((line) => line.split('|').map((part) => part.trim()));
  return rows.map(([, id, notebook, sections, words, claims]) => ({
    id,
    notebook: notebook.replaceAll('`', ''),
    sections: sections.split('；'),
    words: words.split('、').map((word) => word.replaceAll('`', '')),
    claims: claims === '—' ? [] : claims.split('、'),
  }));
}

/** Heading -> { prose, code } of its section; a section ends where the next heading of the first two levels is. */
function sectionsOf({ cells }) {
  const sections = new Map();
  let current;
  for (const cell of cells) {
    if (cell.cell_type === 'code') {
      if (current) current.code += `${text(cell)}\n`;
      continue;
    }
    for (const line of text(cell).split('\n')) {
      const [, heading] = line.match(/^##? (.+)$/) ?? [];
      if (heading) {
        current = { prose: '', code: '' };
        sections.set(heading.trim(), current);
      }
      if (current) current.prose += `${line}\n`;
    }
  }
  return sections;
}

const table = concepts();

test('the table has every concept of the course once', () => {
  assert.equal(table.map(({ id }) => id), IDS); // prettier-ignore
});

for (const { id, notebook, sections, words, claims } of table) {
  test(`${id}: the sections that explain it exist and use its words`, () => {
    assert.ok(notebooks[notebook], `no notebook ${notebook}`);
    const present = sectionsOf(notebooks[notebook]);
    const prose = sections.map((heading) => {
      assert.ok(present.has(heading), `${notebook}: no section "${heading}"; there are ${[...present.keys()].join('; ')}`);
      return present.get(heading).prose;
    });
    for (const word of words) assert.ok(prose.join('\n').includes(word), `${notebook}, ${sections}: "${word}" is missing`);
  });

  for (const claim of claims) {
    test(`${id}: the claim "${claim}" is made in one of these sections and is on record`, () => {
      const present = sectionsOf(notebooks[notebook]);
      const made = sections.filter((heading) => present.get(heading)?.code.includes(`claim('${claim}'`));
      assert.is(made.length, 1, `${notebook}: made in ${made.length} of the sections ${sections.join('; ')}`);
      assert.type(records[notebook]?.[claim]?.holds, 'boolean', `not in claims.json: ${notebook}, ${claim}`);
    });
  }
}

test('every claim on record that belongs to a concept is in the table', () => {
  const listed = new Set(table.flatMap(({ claims }) => claims));
  const missing = Object.values(records).flatMap(Object.keys).filter((claim) => /^C\d+$/.test(claim) && !listed.has(claim)); // prettier-ignore
  assert.equal(missing, []);
});

test.run();
