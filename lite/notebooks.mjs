/** The chapters as a Jupyter server would hand them out: what a file keeps as a list of lines is one text. */
import fs from 'node:fs';
import path from 'node:path';
import { notebookFiles } from '../scripts/notebooks/execute.mjs';
import { readJson } from '../scripts/setup/paths.mjs';

const joined = (text) => (Array.isArray(text) ? text.join('') : text);
const isJson = (type) => /[/+]json$/.test(type);

const joinedData = (data) =>
  Object.fromEntries(Object.entries(data).map(([type, value]) => [type, isJson(type) ? value : joined(value)]));

function joinedOutput(output) {
  if (output.text) return { ...output, text: joined(output.text) };
  return output.data ? { ...output, data: joinedData(output.data) } : output;
}

function joinedNotebook(notebook) {
  const cells = notebook.cells.map((cell) => {
    const outputs = cell.outputs ? { outputs: cell.outputs.map(joinedOutput) } : {};
    return { ...cell, source: joined(cell.source), ...outputs };
  });
  return { ...notebook, cells };
}

/** @param {string} folder where the reader finds them */
export function writeNotebooks(folder) {
  fs.mkdirSync(folder, { recursive: true });
  for (const file of notebookFiles()) {
    const notebook = joinedNotebook(readJson(file));
    fs.writeFileSync(path.join(folder, path.basename(file)), JSON.stringify(notebook));
  }
}
