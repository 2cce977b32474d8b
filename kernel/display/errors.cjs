'use strict';
/** What a failed cell shows: name and message, the line of the cell that failed, and a short stack. */
const util = require('util');
const { inOwnWords } = require('../run/scripts.cjs');
const { framesOf, sourceOf } = require('../run/stack.cjs');
const { hintFor } = require('./habits.cjs');

const red = (text) => `\u001b[31m${text}\u001b[39m`;
const dim = (text) => `\u001b[2m${text}\u001b[22m`;
/** The way from the cell to the error; the deeper frames are the library's own affair. */
const MOST_FRAMES = 8;
/** Of a longer chain the first ones tell what happened; it may go on for ever. */
const MOST_CAUSES = 5;
/** Characters: an error that carries a tensor or a whole response must not bury its message. */
const MOST_PROPERTIES = 2000;

/** A cell that was stopped by its reader. */
class Interrupted extends Error {
  name = 'Interrupted';
}

/** What a stranger's getter, proxy or inspection answers, if it does not throw itself. */
function attempt(ask, otherwise) {
  try {
    return ask();
  } catch {
    return otherwise;
  }
}

const isError = (value) => attempt(() => util.types.isNativeError(value) || value instanceof Error, false);
const nameOf = (error) => attempt(() => String(error.name || 'Error'), 'Error');
const messageOf = (error) => attempt(() => inOwnWords(String(error.message ?? '')), '（它的 message 也读不出来）');
const inspect = (value, options) =>
  attempt(() => util.inspect(value, options), '（这个值无法显示：显示它时又抛出了错误）');

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

/** @param {import('../compile/compiler.cjs').Problem[]} problems */
function describeProblems(problems, count, source) {
  const where = (p) => (p.file ? `${p.file} 第 ${p.line} 行第 ${p.column} 列` : `第 ${p.line} 行第 ${p.column} 列`);
  const hint = hintFor(source, problems);
  const shown = problems.slice(0, hint ? 1 : 5);
  const traceback = [`${red('TypeScriptError')}: 单元格 [${count}] 没有通过类型检查，尚未运行`];
  if (hint) traceback.push(hint);
  for (const problem of shown) {
    const code = problem.code === undefined ? '' : dim(` (TS${problem.code})`);
    traceback.push(`${where(problem)}：${problem.message}${code}`);
    if (!problem.file) traceback.push(...excerpt(source, problem.line, problem.column));
  }
  if (problems.length > shown.length) traceback.push(`…… 另有 ${problems.length - shown.length} 处`);
  const lines = shown.map((p) => `${where(p)}：${p.message}`);
  return { ename: 'TypeScriptError', evalue: [...(hint ? [hint] : []), ...lines].join('\n'), traceback };
}

/** @param {unknown} error @param {number} [count] number of the cell that failed */
function describeError(error, count) {
  if (!isError(error)) {
    const evalue = inspect(error);
    return { ename: 'Error', evalue, traceback: [`${red('Error')}: 抛出的值不是 Error：${evalue}`] };
  }
  const [head, ...rest] = describeAll(error, count);
  const hint = wrongArgument(error);
  return { ename: nameOf(error), evalue: messageOf(error), traceback: [head, ...(hint ? [hint] : []), ...rest] };
}

/**
 * An English error from inside the library: it was given something else than it takes. Cells are checked for types, but
 * `photos[999]`, a value of type any and what JSON.parse answers pass.
 * @returns {string | undefined} the function that the cell called, and what is usual
 */
function wrongArgument(error) {
  const frames = attempt(() => framesOf(error), []);
  const cell = frames.findIndex((frame) => frame.kind === 'cell');
  const called = /^(?:async )?([\w.]+) \(lib\//.exec(frames[cell - 1]?.text ?? '')?.[1];
  if (!called || /[\u4e00-\u9fff]/.test(messageOf(error))) return undefined;
  return `${called} 得到的参数里有它不认识的：常见的是 undefined（例如下标越界）、没有 await 的 Promise，或另一种东西；光标放在函数名上按 Shift-Tab 看它要什么。`;
}

/** An error with everything that it is made of: properties, parts, causes. */
function describeAll(error, count, above = []) {
  const lines = [`${red(nameOf(error))}: ${messageOf(error)}`, ...describeProperties(error)];
  lines.push(...describeStack(error, count, above.length === 0));
  const parts = attempt(() => (Array.isArray(error.errors) ? [...error.errors] : []), []);
  const cause = attempt(() => error.cause);
  const chain = [...above, error];
  if (chain.length > MOST_CAUSES) return lines;
  for (const part of parts.slice(0, 5)) lines.push(...titled('- ', part, count, chain));
  if (parts.length > 5) lines.push(`- …… 另有 ${parts.length - 5} 个`);
  if (cause !== undefined) lines.push(...titled('原因：', cause, count, chain));
  return lines;
}

function titled(title, value, count, above) {
  if (above.includes(value)) return [`${title}上面的 ${nameOf(value)}`];
  if (!isError(value)) return [`${title}${inspect(value)}`];
  const [head, ...rest] = describeAll(value, count, above);
  return [title + head.replace(red(nameOf(value)), () => nameOf(value)), ...rest];
}

/** `code`, `detail` and whatever else was put on an error. */
function describeProperties(error) {
  const hidden = new Set(['name', 'message', 'stack', 'cause', 'errors']);
  const keys = attempt(() => Object.keys(error), []).filter((key) => !hidden.has(key));
  if (keys.length === 0) return [];
  const shown = Object.fromEntries(keys.map((key) => [key, attempt(() => error[key], '（读它时又抛出了错误）')]));
  return [inspect(shown, { depth: 2 }).slice(0, MOST_PROPERTIES)];
}

function describeStack(error, count, withSource) {
  if (error instanceof Interrupted) return [];
  const all = attempt(() => framesOf(error), []);
  const inCell = all.find((frame) => frame.cell === count) ?? all.find((frame) => frame.kind === 'cell');
  const lines = withSource && inCell ? excerpt(sourceOf(inCell.cell), inCell.line, inCell.column) : [];
  const own = all.filter((frame) => frame.kind === 'cell' || frame.kind === 'project');
  for (const frame of own.slice(0, MOST_FRAMES)) {
    lines.push(frame.kind === 'cell' ? `    at ${frame.text}` : dim(`    at ${frame.text}`));
  }
  return lines;
}

/** The same, for something that went wrong where no cell waits for it. */
function describeLate(error, cell, what) {
  const first = attempt(() => framesOf(error).find((frame) => frame.kind === 'cell'));
  const number = first?.cell ?? cell;
  const where = number === undefined ? '' : `单元格 [${number}] `;
  const text = isError(error) ? describeAll(error, number) : [inspect(error)];
  return `${where}${what}\n${text.join('\n')}\n`;
}

module.exports = { Interrupted, describeProblems, describeError, describeLate };
