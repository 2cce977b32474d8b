'use strict';
/** What ran under which name, and the way back from a position in the JavaScript to the one that somebody wrote. */
const { SourceMap } = require('module');

/** @type {Map<string, { map?: object, parsed?: SourceMap, original?: Function, source?: string, lines?: number }>} */
const scripts = new Map();
const CELL = /^cell:(\d+)$/;

/** Remembers the source maps of a library module (newest version wins). */
function rememberScript(filename, map) {
  scripts.set(filename, { map });
}

/** Remembers a cell; returns the name under which its code has to run. */
function rememberCell(count, source, { code, original }) {
  scripts.set(`cell:${count}`, { original, source, lines: code.split('\n').length });
  return `cell:${count}`;
}

const sourceOf = (count) => scripts.get(`cell:${count}`)?.source;

/** Position in the TypeScript source (1-based), where one is known. */
function original(filename, line, column) {
  const script = scripts.get(filename);
  if (script?.original) return script.original(line, column);
  if (!script?.map) return { line, column };
  script.parsed ??= new SourceMap(script.map);
  /** @type {Partial<import('module').SourceMapping>} */
  const { originalLine, originalColumn } = script.parsed.findEntry(line - 1, column - 1);
  return originalLine === undefined ? { line, column } : { line: originalLine + 1, column: originalColumn + 1 };
}

/** How many lines of a script are somebody's own. */
const linesOf = (filename) => scripts.get(filename)?.lines ?? Infinity;

/** V8 says "(0 , $_f.v) is not a function" where somebody wrote f (rewrite.cjs). @param {string} message */
const inOwnWords = (message) =>
  message.replace(/\(0 ?, \$_([\p{L}\p{N}_$]+?)\.v\)|\$_([\p{L}\p{N}_$]+?)(?:\.v|\$_)(?![\p{L}\p{N}_$])/gu, '$1$2');

/** The name of the function that a cell's code is put into. */
const WHOLE_CELL = '__cell__';

module.exports = { CELL, WHOLE_CELL, rememberScript, rememberCell, sourceOf, original, linesOf, inOwnWords };
