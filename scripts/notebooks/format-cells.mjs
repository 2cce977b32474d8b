/** node scripts/notebooks/format-cells.mjs [notebooks/04-occlusion.ipynb …]: prettier over the code cells. */
import fs from 'node:fs';
import { notebookFiles } from './execute.mjs';
import { readWords } from '../setup/options.mjs';
import { formatCells } from './cells.mjs';

const { positionals: named } = readWords(process.argv.slice(2), {});
for (const file of named.length ? named : notebookFiles()) {
  const notebook = JSON.parse(fs.readFileSync(file, 'utf8'));
  const changed = await formatCells(notebook);
  if (changed) fs.writeFileSync(file, `${JSON.stringify(notebook, null, 1)}\n`);
  console.log(`${file}: ${changed} cells formatted`);
}
