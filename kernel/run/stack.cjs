'use strict';
/** Stack traces in terms of what people wrote: `单元格 [3] 第 2 行` and `lib/model/model.ts:88`, not emitted JavaScript. */
const path = require('path');
const { root } = require('../compile/service.cjs');
const {
  CELL,
  WHOLE_CELL,
  inOwnWords,
  linesOf,
  original,
  rememberCell,
  rememberScript,
  sourceOf,
} = require('./scripts.cjs');

const KERNEL = path.resolve(__dirname, '..');

/**
 * One frame of a stack: where it is, and as text.
 * @typedef {{ text: string, kind: 'cell' | 'project' | 'package' | 'kernel', cell?: number, line: number, column: number }} Frame
 * @param {NodeJS.CallSite} site @returns {Frame}
 */
function describe(site) {
  const filename = (site.getFileName?.() ?? '').replace(/^file:\/\//, '');
  const plain = String(site);
  const { line, column } = original(filename, site.getLineNumber() ?? 0, site.getColumnNumber() ?? 0);
  const cell = CELL.exec(filename);
  const relative = path.relative(root, filename);
  /** @type {Frame['kind']} */
  let kind = 'project';
  let place = `${relative.replace(/\\/g, '/')}:${line}:${column}`;
  // The line that calls the cell's code is ours.
  if (cell && site.getLineNumber() > linesOf(filename)) kind = 'kernel';
  else if (cell) [kind, place] = ['cell', `单元格 [${cell[1]}] 第 ${line} 行第 ${column} 列`];
  else if (!path.isAbsolute(filename) || filename.startsWith(KERNEL) || /node_modules.(tslab|zeromq)/.test(filename))
    kind = 'kernel';
  else if (/node_modules/.test(filename)) kind = 'package';
  else if (relative.startsWith('..')) place = `${filename}:${line}:${column}`;
  const name = /^((?:async )?(?:new )?[^(]*?) \(/.exec(plain)?.[1].replace(/\b(Object|Proxy|Module)\./, '');
  const text =
    kind === 'kernel' || kind === 'package'
      ? plain
      : name && !/^(async )?(Object\.)?(<anonymous>|__cell__)$/.test(name)
        ? `${name} (${place})`
        : place;
  return { text, kind, cell: cell ? Number(cell[1]) : undefined, line, column };
}

/** The number of the cell whose own lines, not only functions, are at work or waiting for what is. */
function cellOnStack() {
  const { prepareStackTrace } = Error;
  try {
    Error.prepareStackTrace = (_error, sites) => sites;
    const sites = new Error().stack;
    const found = Array.isArray(sites) && sites.filter((site) => site.getFunctionName() === WHOLE_CELL).at(-1);
    return found ? Number(CELL.exec(found.getFileName())?.[1]) : undefined;
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
  }
}

/** Frames of errors whose stack was asked for. @type {WeakMap<object, Frame[]>} */
const frames = new WeakMap();

/** Makes every `error.stack` speak of cells and TypeScript files. */
function install() {
  // V8 keeps ten, which the frames of TensorFlow.js use up before the cell is reached
  Error.stackTraceLimit = 40;
  Error.prepareStackTrace = (error, sites) => {
    const described = sites.map(describe).filter((frame) => frame.kind !== 'kernel');
    frames.set(error, described);
    let head;
    try {
      // a trace is no error, but has a name and a message
      head = inOwnWords(Error.prototype.toString.call(error));
    } catch {
      head = 'Error';
    }
    return [head, ...described.map((frame) => `    at ${frame.text}`)].join('\n');
  };
}

/** @param {unknown} error @returns {Frame[]} */
function framesOf(error) {
  if (!(error instanceof Error)) return [];
  void error.stack;
  return frames.get(error) ?? [];
}

module.exports = { install, WHOLE_CELL, cellOnStack, rememberScript, rememberCell, sourceOf, framesOf };
