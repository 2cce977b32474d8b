/** Executes notebooks with the project's kernel, judges them, and writes their outputs when asked. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { inRoot, readJson, venvProgram, writeJson, writeWhole } from '../setup/paths.mjs';
import { run } from '../setup/run.mjs';
import { jupyterEnvironment } from '../start/jupyter.mjs';
import { verdict } from '../test/board.mjs';
import { claimFaults, claimsFile, claimsOnRecord, recordOf } from './claims.mjs';
import { claimsOf, codeCells, codeHash, committedFaults, outputBytes, outputFaults, substituted } from './rules.mjs';

/** The slowest cell takes a minute on wasm (times.mjs), ten on a busy machine; a whole notebook twice that and more. */
const CELL_SECONDS = 600;
const NOTEBOOK_SECONDS = 25 * 60;
/**
 * The tests execute these in JupyterLab itself where there is a Chromium, and not a second time without: the first in
 * `npm test`, those of TWO_NETWORKS in `npm run test:all`.
 */
export const RUN_IN_BROWSER = ['00-overview.ipynb', '05-deconv.ipynb', '06-optimization.ipynb'];
/** The chapters that want a downloaded network, and that another stands in for where it cannot be had. */
export const TWO_NETWORKS = ['05-deconv.ipynb', '06-optimization.ipynb'];

export function notebookFiles(folder = inRoot('notebooks')) {
  if (!fs.existsSync(folder)) return [];
  const names = fs.readdirSync(folder).filter((name) => name.endsWith('.ipynb'));
  return names.sort().map((name) => path.join(folder, name));
}

/** Every code cell twice in a row, as a reader runs a cell again before going on. */
export function doubled(notebook) {
  const again = (cell) => ({ ...cell, id: `${cell.id}-again` });
  return { ...notebook, cells: notebook.cells.flatMap((cell) => (cell.cell_type === 'code' ? [cell, again(cell)] : [cell])) }; // prettier-ignore
}

/**
 * And a reader goes back: on the way one of the cells above is run once more. The code itself draws the lots, so that a
 * failure comes again. The last cell is not gone back behind: it frees what the others have made.
 * @returns {{ again: number, after: number } | undefined} indices among the code cells
 */
export function lots(notebook) {
  const { length } = codeCells(notebook);
  if (length < 3) return undefined;
  const hash = codeHash(notebook);
  const after = 1 + (parseInt(hash.slice(0, 8), 16) % (length - 2));
  return { again: parseInt(hash.slice(8), 16) % after, after };
}

/** The doubled notebook with the cell that the lots have drawn. */
export function revisited(notebook, drawn = lots(notebook)) {
  const whole = doubled(notebook);
  if (!drawn) return whole;
  const code = codeCells(notebook);
  const at = whole.cells.findIndex(({ id }) => id === `${code[drawn.after].id}-again`);
  return { ...whole, cells: whole.cells.toSpliced(at + 1, 0, { ...code[drawn.again], id: 'went-back' }) };
}

/** A doubled notebook with what the second runs gave. */
export function halved(notebook) {
  const ids = new Set(notebook.cells.map(({ id }) => id));
  const cells = notebook.cells.filter(({ id }) => id !== 'went-back' && !ids.has(`${id}-again`));
  return { ...notebook, cells: cells.map((cell) => ({ ...cell, id: cell.id.replace(/-again$/, '') })) };
}

/** Runs a notebook to its end or its first error; gives it with its outputs, the seconds of its cells, the failure. */
export async function execute(file, { env = {}, folder = path.dirname(file), twice = false } = {}) {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-notebook-'));
  try {
    const target = path.join(scratch, path.basename(file));
    const source = twice ? path.join(scratch, 'doubled.ipynb') : file;
    if (twice) writeJson(source, revisited(readJson(file)));
    const args = [inRoot('scripts', 'notebooks', 'execute.py'), source, target, folder, String(CELL_SECONDS)];
    const { code, output, stdout } = await run(venvProgram('python'), args, {
      env: { ...jupyterEnvironment(), ...env },
      limitSeconds: NOTEBOOK_SECONDS,
      check: false,
    });
    if (code !== 0) return { failure: `the runner ended with ${code}\n${output.trim()}` };
    const notebook = readJson(target);
    return { ...JSON.parse(stdout.trim().split('\n').pop()), notebook: twice ? halved(notebook) : notebook };
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

/** No weights can be had: neither from a folder, nor from the cache, nor from the network. */
function substituteEnvironment(scratch) {
  return { CONVSCOPE_MODELS: '', CONVSCOPE_MODEL_URL: '', CONVSCOPE_OFFLINE: '1', CONVSCOPE_CACHE: scratch };
}

/**
 * One notebook from top to bottom: { passed, failed, output, notebook }. `substitute` runs it on the embedded
 * network, where numbers may differ from the record; otherwise claims are compared with data/records/claims.json.
 * `twice` runs every code cell twice in a row, and one once more later: the second runs must give the same.
 * @param {string} file
 * @param {{ substitute?: boolean, write?: boolean, twice?: boolean, folder?: string, record?: object }} options
 */
export async function runNotebook(file, options = {}) {
  const { substitute = false, write = false, twice = false, folder, record = claimsOnRecord(file) } = options;
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-empty-'));
  const env = substitute ? substituteEnvironment(scratch) : {};
  const { notebook, failure, seconds } = await execute(file, { env, folder, twice });
  fs.rmSync(scratch, { recursive: true, force: true });
  const name = path.basename(file);
  if (!notebook) return verdict(name, [failure]);
  const faults = outputFaults(notebook, { substitute });
  if (failure && faults.length === 0) faults.push(failure);
  if (!substitute && substituted(notebook)) faults.push('ran on the substitute network: are the weights there?');
  if (write && faults.length === 0) faults.push(...writeOutputs(file, notebook));
  if (!write && !substitute) {
    faults.push(...claimFaults(claimsOf(notebook), record), ...committedFaults(readJson(file)));
  }
  const back = twice && lots(notebook);
  const revisit = back ? `, code cell ${back.again + 1} again after ${back.after + 1}` : '';
  const size = `${name} [${facts(notebook, seconds)}${revisit}]`;
  return { ...verdict(size, faults), notebook };
}

/** Stores outputs and claims; nothing in the file changes from one run to the next unless a result did. */
function writeOutputs(file, notebook) {
  const current = readJson(file);
  if (codeHash(current) !== codeHash(notebook)) {
    return ['its code was changed while it ran, so that these outputs are not stored: run it again'];
  }
  writeWhole(file, `${JSON.stringify(normalised(withOutputs(current, notebook)), null, 1)}\n`);
  const records = readJson(claimsFile(), {});
  records[path.basename(file, '.ipynb')] = recordOf(claimsOf(notebook));
  writeJson(claimsFile(), Object.fromEntries(Object.entries(records).sort()));
  return [];
}

/** The file as it is now, with the outputs of the run: what its author has changed in the prose meanwhile stays. */
export function withOutputs(current, executed) {
  const results = codeCells(executed).map(({ outputs, execution_count }) => ({ outputs, execution_count }));
  const cells = current.cells.map((cell) => (cell.cell_type === 'code' ? { ...cell, ...results.shift() } : cell));
  return { ...executed, cells };
}

export function normalised(notebook) {
  const { name, file_extension, mimetype } = notebook.metadata.language_info ?? { name: 'typescript' };
  const cells = notebook.cells.map((cell) => {
    const metadata = { ...cell.metadata };
    delete metadata.execution;
    return { ...cell, metadata };
  });
  const metadata = {
    convscope: { executed: codeHash(notebook) },
    kernelspec: { display_name: 'TypeScript (convscope)', language: 'typescript', name: 'convscope' },
    language_info: { file_extension, mimetype, name },
  };
  return { ...notebook, cells, metadata };
}

function facts(notebook, seconds) {
  const slowest = Math.max(0, ...Object.values(seconds));
  return `${(outputBytes(notebook) / 1e6).toFixed(1)} MB, slowest cell ${slowest.toFixed(1)} s`;
}
