/**
 * node scripts/notebooks/new-chapter.mjs 10-zeros 有多少个零: writes a small chapter that runs and has every part the
 * tests ask for, to be turned into one's own; docs/extending.md says what else has to know of it.
 */
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatCells } from './cells.mjs';
import { notebookFiles } from './execute.mjs';
import { readWords } from '../setup/options.mjs';
import { inRoot, readJson } from '../setup/paths.mjs';

const METADATA = {
  kernelspec: { display_name: 'TypeScript (convscope)', language: 'typescript', name: 'convscope' },
  language_info: { name: 'typescript' },
};

/** The cells of cells.md: each begins with `<!-- cell ID TAG -->`, code stands in a fence. */
function cellsOf(markdown, prefix) {
  const parts = markdown.split(/^<!-- cell (.*) -->\n/m).slice(1);
  return Array.from({ length: parts.length / 2 }, (_, i) => {
    const [id, tag] = parts[2 * i].split(' ');
    const code = /^```typescript\n([^]*)\n```$/.exec(parts[2 * i + 1].trim());
    const metadata = tag ? { tags: [tag] } : {};
    const head = { cell_type: code ? 'code' : 'markdown', id: `${prefix}-${id}`, metadata };
    return code
      ? { ...head, execution_count: null, outputs: [], source: code[1] }
      : { ...head, source: parts[2 * i + 1].trim() };
  });
}

/**
 * The files of a new chapter: places below the course's folder, and what stands there.
 * @param {string} name
 * @param {string} title
 */
export async function newChapter(name, title) {
  const before = path.basename(notebookFiles().at(-1), '.ipynb');
  const heading = [readJson(inRoot('notebooks', `${before}.ipynb`)).cells[0].source].flat().join('');
  const [, beforeTitle] = /^# (.*)/m.exec(heading);
  const values = { number: name.slice(0, 2), title, before, 'before title': beforeTitle.replace(/\s+/g, ' ') };
  const filled = (template) =>
    fs
      .readFileSync(inRoot('scripts', 'notebooks', 'new-chapter', template), 'utf8')
      .replace(/\{\{(.*?)\}\}/g, (_, key) => values[key]);
  const cells = cellsOf(filled('cells.md'), name.slice(3));
  const notebook = { cells, metadata: METADATA, nbformat: 4, nbformat_minor: 5 };
  await formatCells(notebook);
  return {
    [`lib/${name}/zeros.ts`]: filled('zeros.ts.txt'),
    [`lib/${name}/checks.ts`]: filled('checks.ts.txt'),
    [`notebooks/${name}.ipynb`]: `${JSON.stringify(notebook, null, 1)}\n`,
  };
}

/** @param {string[]} words */
async function main(words) {
  const [name, title] = readWords(words, {}).positionals;
  if (!/^\d\d-[a-z-]+$/.test(name ?? '') || !title) throw new Error('usage: new-chapter.mjs 10-zeros 有多少个零');
  for (const [place, text] of Object.entries(await newChapter(name, title))) {
    fs.mkdirSync(path.dirname(inRoot(place)), { recursive: true });
    fs.writeFileSync(inRoot(place), text, { flag: 'wx' });
    console.log(place);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
