/** What a code cell must look like, so that a student can read it and change it. */
import prettier from 'prettier';

/** A cell is seen at a glance: with its output it fits on a screen, and no line has to be scrolled. */
const MOST_LINES = 15;
export const MOST_COLUMNS = 100;
const STYLE = { parser: 'typescript', printWidth: MOST_COLUMNS, singleQuote: true };

const sourceOf = (cell) => (Array.isArray(cell.source) ? cell.source.join('') : cell.source);

/** The cell as prettier writes it; a trailing newline is not part of a cell. */
export const formatted = async (text) => (await prettier.format(text, STYLE)).trimEnd();

/** @type {[RegExp, string][]} */
const RULES = [
  [/\bas (never|unknown as|any)\b/, 'a cast that hides a type; the library lacks a function here'],
  [/\b(const|let|var|function|class)\s+[[{(]?\s*[\u4e00-\u9fff]/, 'a Chinese identifier'],
  [/prettier-ignore/, 'an exception from the formatting'],
  // prettier ends every statement so, and the kernel does not show what ends so
  [/(?:^|\n)[\w.]+;$/, 'a value that its semicolon hides; print it'],
];

/** Complaints about one cell's text. */
export async function cellFaults(text) {
  const lines = text.split('\n');
  const wide = lines.filter((line) => line.length > MOST_COLUMNS);
  const faults = wide.map((line) => `a line of ${line.length} characters (at most ${MOST_COLUMNS}): ${line.slice(0, 60)}`);
  if (lines.length > MOST_LINES) faults.push(`${lines.length} lines (at most ${MOST_LINES})`);
  for (const [pattern, what] of RULES) if (pattern.test(text)) faults.push(`${what}: ${pattern.exec(text)[0]}`);
  if ((await formatted(text)) !== text) faults.push('not formatted: node scripts/notebooks/format-cells.mjs');
  return faults;
}

/** Complaints about a notebook, each with the number and the first line of its cell. */
export async function notebookCellFaults(notebook) {
  const complaints = [];
  for (const [i, cell] of notebook.cells.entries()) {
    if (cell.cell_type !== 'code') continue;
    const text = sourceOf(cell);
    const first = text.split('\n')[0].slice(0, 50);
    for (const fault of await cellFaults(text)) complaints.push(`cell ${i + 1} (${first}): ${fault}`);
  }
  return complaints;
}

/** Formats every code cell in place; says how many changed. */
export async function formatCells(notebook) {
  let changed = 0;
  for (const cell of notebook.cells) {
    if (cell.cell_type !== 'code') continue;
    const text = sourceOf(cell);
    const next = await formatted(text);
    if (next === text) continue;
    cell.source = next.split('\n').map((line, i, all) => (i < all.length - 1 ? `${line}\n` : line));
    changed++;
  }
  return changed;
}
