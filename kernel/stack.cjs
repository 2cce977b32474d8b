'use strict';
/** Stack traces in terms of what people wrote: `单元格 [3] 第 2 行` and `lib/model/model.ts:88`, not emitted JavaScript. */
const path = require('path');
const { SourceMap } = require('module');
const { root } = require('./typescript.cjs');

/** @type {Map<string, { map?: { first?: object, second: object }, steps?: SourceMap[], count?: number, source?: string, lines?: number }>} */
const scripts = new Map();
const CELL = /^cell:(\d+)$/;

/** Remembers the source maps of a library module (newest version wins). */
function rememberScript(filename, map) {
  scripts.set(filename, { map });
}

/** Remembers a cell; returns the name under which its code has to run. */
function rememberCell(count, source, { code, map }) {
  scripts.set(`cell:${count}`, { map, count, source, lines: code.split('\n').length });
  return `cell:${count}`;
}

const sourceOf = (count) => scripts.get(`cell:${count}`)?.source;

/** Position in the TypeScript source (1-based), where one is known. */
function original(filename, line, column) {
  const script = scripts.get(filename);
  if (!script?.map) return { line, column };
  script.steps ??= [script.map.second, script.map.first].filter(Boolean).map((map) => new SourceMap(map));
  let at = { line: line - 1, column: column - 1 };
  for (const step of script.steps) {
    const { originalLine, originalColumn } = step.findEntry(at.line, at.column);
    if (originalLine === undefined) return { line, column };
    at = { line: originalLine, column: originalColumn };
  }
  // tslab puts one line before a cell's text.
  return { line: at.line + (script.count === undefined ? 1 : 0), column: at.column + 1 };
}

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
  let kind = 'project';
  let place = `${relative.replace(/\\/g, '/')}:${line}:${column}`;
  // The line that calls the cell's code is ours.
  if (cell && site.getLineNumber() > scripts.get(filename).lines) kind = 'kernel';
  else if (cell) [kind, place] = ['cell', `单元格 [${cell[1]}] 第 ${line} 行第 ${column} 列`];
  else if (!path.isAbsolute(filename) || filename.startsWith(__dirname) || /node_modules.(tslab|zeromq)/.test(filename))
    kind = 'kernel';
  else if (/node_modules/.test(filename)) kind = 'package';
  else if (relative.startsWith('..')) place = `${filename}:${line}:${column}`;
  const name = /^((?:async )?(?:new )?[^(]*?) \(/.exec(plain)?.[1].replace(/\b(Object|Proxy|Module)\./, '');
  const text =
    kind === 'kernel' || kind === 'package'
      ? plain
      : name && !/^(async )?(Object\.)?<anonymous>$/.test(name)
        ? `${name} (${place})`
        : place;
  return { text, kind, cell: cell ? Number(cell[1]) : undefined, line, column };
}

/** Frames of errors whose stack was asked for. @type {WeakMap<object, Frame[]>} */
const frames = new WeakMap();

/** Makes every `error.stack` speak of cells and TypeScript files. */
function install() {
  Error.stackTraceLimit = 40;
  Error.prepareStackTrace = (error, sites) => {
    const described = sites.map(describe).filter((frame) => frame.kind !== 'kernel');
    frames.set(error, described);
    let head;
    try {
      head = String(error);
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

module.exports = { install, rememberScript, rememberCell, sourceOf, framesOf };
