/** What an executed notebook must fulfil. Every rule gives a list of complaints; an empty list is good. */
import crypto from 'node:crypto';

/** Beyond it a browser is slow to open a notebook, and every new version of it stays in the history for good. */
export const LIMIT_BYTES = 3e6;
/** In an output that was made on the embedded network because another one could not be had. */
const SUBSTITUTE = '改用随课程附带的';

const joined = (text) => (Array.isArray(text) ? text.join('') : (text ?? ''));
export const codeCells = (notebook) => notebook.cells.filter((cell) => cell.cell_type === 'code');
const tags = (cell) => cell.metadata?.tags ?? [];

/** Which cell: its number among all cells, as JupyterLab's reader counts them, and its first line. */
function place(notebook, cell) {
  const line = joined(cell.source).split('\n').find((text) => text.trim()) ?? '';
  return `cell ${notebook.cells.indexOf(cell) + 1} (${line.trim().slice(0, 60)})`;
}

export function errorCells(notebook) {
  return codeCells(notebook).flatMap((cell) =>
    cell.outputs
      .filter((output) => output.output_type === 'error')
      .map((output) => `${place(notebook, cell)}: error ${output.ename}: ${output.evalue}`),
  );
}

function strayStderr(notebook) {
  return codeCells(notebook).flatMap((cell) =>
    cell.outputs
      .filter((output) => output.output_type === 'stream' && output.name === 'stderr')
      .map((output) => `${place(notebook, cell)}: stderr: ${joined(output.text).trim().slice(0, 400)}`),
  );
}

/**
 * A number that is none: a kernel of zeros was divided by its norm, an empty list was averaged. Where a cell says NaN
 * itself, an exercise waits for its answer.
 */
function notANumber(notebook) {
  const texts = ({ outputs }) => outputs.flatMap((output) => [output.text, output.data?.['text/plain']]).map(joined);
  const prints = (cell) => !joined(cell.source).includes('NaN') && texts(cell).some((text) => /\bNaN\b/.test(text));
  const cells = codeCells(notebook).filter(prints);
  return cells.map((cell) => `${place(notebook, cell)}: prints NaN`);
}

/** A cell tagged `figure` shows a picture or a table, one tagged `claim` a claim. */
function missingOutputs(notebook) {
  const shows = (cell) => cell.outputs.some((output) => ['display_data', 'execute_result'].includes(output.output_type));
  return codeCells(notebook).flatMap((cell) => {
    if (tags(cell).includes('figure') && !shows(cell)) return [`${place(notebook, cell)}: tagged figure, shows nothing`];
    const noClaim = tags(cell).includes('claim') && claimsOfCell(cell).length === 0;
    return noClaim ? [`${place(notebook, cell)}: tagged claim, claims nothing`] : [];
  });
}

export const outputBytes = (notebook) =>
  Buffer.byteLength(JSON.stringify(codeCells(notebook).map((cell) => cell.outputs)));

function tooLarge(notebook) {
  const bytes = outputBytes(notebook);
  return bytes <= LIMIT_BYTES ? [] : [`outputs of ${(bytes / 1e6).toFixed(1)} MB, the limit is ${LIMIT_BYTES / 1e6} MB`];
}

/** The same picture in two outputs costs twice and tells nothing new. */
function repeatedPictures(notebook) {
  const first = new Map();
  const complaints = [];
  for (const cell of codeCells(notebook)) {
    for (const { data } of cell.outputs.filter((output) => output.data)) {
      const png = joined(data['image/png']);
      if (png.length < 4000) continue;
      if (first.has(png)) complaints.push(`${place(notebook, cell)}: the same picture as ${first.get(png)}`);
      else first.set(png, place(notebook, cell));
    }
  }
  return complaints;
}

export function substituted(notebook) {
  return JSON.stringify(codeCells(notebook).map((cell) => cell.outputs)).includes(SUBSTITUTE);
}

const CLAIM = 'application/vnd.convscope.claim+json';

function claimsOfCell(cell) {
  return cell.outputs.flatMap((output) => (output.data?.[CLAIM] ? [output.data[CLAIM]] : []));
}

export const claimsOf = (notebook) => codeCells(notebook).flatMap(claimsOfCell);

/** A fingerprint of the code: committed outputs must come from the committed cells. */
export function codeHash(notebook) {
  const code = codeCells(notebook).map((cell) => joined(cell.source));
  return crypto.createHash('sha256').update(JSON.stringify(code)).digest('hex').slice(0, 16);
}

/** What must be true of a notebook as it is committed, without running it. */
export function committedFaults(notebook) {
  const cells = codeCells(notebook);
  if (cells.length > 0 && cells.every((cell) => cell.outputs.length === 0)) {
    return ['no outputs are committed: npm run notebooks -- --write'];
  }
  const stale = notebook.metadata.convscope?.executed !== codeHash(notebook);
  return [
    ...(stale ? ['the committed outputs are older than the code: npm run notebooks -- --write'] : []),
    ...(substituted(notebook) ? ['the committed outputs were made on the substitute network'] : []),
    ...outputFaults(notebook).map((fault) => `committed: ${fault}`),
  ];
}

/**
 * On the substitute network two networks may be the same one, and so may their pictures; its outputs are never
 * committed, so that their size does not matter.
 */
export function outputFaults(notebook, { substitute = false } = {}) {
  const rules = [errorCells, strayStderr, notANumber, missingOutputs];
  return [...rules, ...(substitute ? [] : [tooLarge, repeatedPictures])].flatMap((rule) => rule(notebook));
}
