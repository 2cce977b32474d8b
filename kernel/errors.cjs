'use strict';
/** What a failed cell shows: name and message, the line of the cell that failed, and a short stack. */
const util = require('util');
const { framesOf, sourceOf } = require('./stack.cjs');

const red = (text) => `\u001b[31m${text}\u001b[39m`;
const dim = (text) => `\u001b[2m${text}\u001b[22m`;
const MOST_FRAMES = 8;

/** A cell that was stopped by its reader. */
class Interrupted extends Error {
  name = 'Interrupted';
}

/** Wide characters take two columns in a monospaced font; the caret must still point at the right one. */
const columns = (text) =>
  [...text].reduce(
    (n, c) =>
      n +
      (/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/.test(c) ? 2 : 1),
    0,
  );

/** The line at fault with its neighbours and a caret. */
function excerpt(source, line, column) {
  const lines = (source ?? '').split('\n');
  if (line < 1 || line > lines.length) return [];
  const shown = [];
  const width = String(Math.min(line + 1, lines.length)).length;
  for (let n = Math.max(1, line - 1); n <= Math.min(lines.length, line + 1); n++) {
    const text = lines[n - 1].length > 200 ? `${lines[n - 1].slice(0, 200)} …` : lines[n - 1];
    const row = `${String(n).padStart(width)} | ${text}`;
    shown.push(n === line ? `${red('>')} ${row}` : dim(`  ${row}`));
    if (n === line && column >= 1 && column <= 200) {
      shown.push(`  ${' '.repeat(width)} | ${' '.repeat(columns(text.slice(0, column - 1)))}${red('^')}`);
    }
  }
  return shown;
}

/** @param {import('./compiler.cjs').Problem[]} problems */
function describeProblems(problems, count, source) {
  const where = (p) => (p.file ? `${p.file} 第 ${p.line} 行第 ${p.column} 列` : `第 ${p.line} 行第 ${p.column} 列`);
  const shown = problems.slice(0, 5);
  const traceback = [`${red('TypeScriptError')}: 单元格 [${count}] 没有通过类型检查，尚未运行`];
  for (const problem of shown) {
    traceback.push(`${where(problem)}：${problem.message}${dim(` (TS${problem.code})`)}`);
    if (!problem.file) traceback.push(...excerpt(source, problem.line, problem.column));
  }
  if (problems.length > shown.length) traceback.push(`…… 另有 ${problems.length - shown.length} 处`);
  return { ename: 'TypeScriptError', evalue: shown.map((p) => `${where(p)}：${p.message}`).join('\n'), traceback };
}

/** @param {unknown} error @param {number} count number of the cell that failed */
function describeError(error, count) {
  if (!(error instanceof Error)) {
    const evalue = util.inspect(error);
    return { ename: 'Error', evalue, traceback: [`${red('Error')}: 抛出的值不是 Error：${evalue}`] };
  }
  const ename = String(error.name || 'Error');
  const evalue = String(error.message ?? '');
  return { ename, evalue, traceback: [...describeHead(error), ...describeStack(error, count)] };
}

function describeHead(error) {
  const lines = [`${red(String(error.name || 'Error'))}: ${error.message}`];
  if (error.cause !== undefined) {
    const { cause } = error;
    lines.push(`原因：${cause instanceof Error ? `${cause.name}: ${cause.message}` : util.inspect(cause)}`);
  }
  if (error instanceof AggregateError)
    lines.push(...error.errors.slice(0, 5).map((e) => `- ${e instanceof Error ? e.message : util.inspect(e)}`));
  return lines;
}

function describeStack(error, count) {
  if (error instanceof Interrupted) return [];
  const all = framesOf(error);
  const inCell = all.find((frame) => frame.cell === count) ?? all.find((frame) => frame.kind === 'cell');
  const lines = inCell ? excerpt(sourceOf(inCell.cell), inCell.line, inCell.column) : [];
  const own = all.filter((frame) => frame.kind === 'cell' || frame.kind === 'project');
  for (const frame of own.slice(0, MOST_FRAMES)) {
    lines.push(frame.kind === 'cell' ? `    at ${frame.text}` : dim(`    at ${frame.text}`));
  }
  return lines;
}

/** The same, for something that went wrong after its cell had ended. */
function describeLate(error, cell, what) {
  const first = framesOf(error).find((frame) => frame.kind === 'cell');
  const number = first?.cell ?? cell;
  const where = number === undefined ? '' : `单元格 [${number}] `;
  const text =
    error instanceof Error ? [...describeHead(error), ...describeStack(error, number)] : [util.inspect(error)];
  return `${where}${what}\n${text.join('\n')}\n`;
}

module.exports = { Interrupted, describeProblems, describeError, describeLate };
