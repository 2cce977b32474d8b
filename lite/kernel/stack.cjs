'use strict';
/** The browser's twin of kernel/run/stack.cjs: traces are text here, and every browser writes them a little differently. */
const path = require('path');
const { root } = require('../../kernel/compile/service.cjs');
const { CELL, WHOLE_CELL, original, linesOf, rememberCell, rememberScript, sourceOf } = require('../../kernel/run/scripts.cjs'); // prettier-ignore
const { shiftOf } = require('../node/vm.cjs');

/** `    at f (cell:3:2:5)` of Chromium and Edge, `f@cell:3:2:5` of Firefox and Safari. */
const LINE = /^(?:\s*at\s+)?(?:(?:async\s+)?(.*?)\s*[(@]\s*)?((?:cell:\d+|\/[^\s():]+)):(\d+):(\d+)\)?$/;

function describe(line) {
  const [, name = '', filename, row, column] = LINE.exec(line.replace(/eval at .*?\), /, '')) ?? [];
  if (!filename) return undefined;
  const number = Number(row);
  if (number > linesOf(filename)) return undefined;
  const shifted = Number(column) - shiftOf(filename, number, Number(column));
  const place = original(filename, number, Math.max(1, shifted));
  const cell = CELL.exec(filename);
  const where = cell
    ? `单元格 [${cell[1]}] 第 ${place.line} 行第 ${place.column} 列`
    : `${path.relative(root, filename)}:${place.line}:${place.column}`;
  const plain = name.replace(/^(Object|Proxy|Module)\./, '');
  const isNamed = plain && !/^(eval|<anonymous>|global code|eval code|__cell__)$/.test(plain);
  const text = isNamed ? `${plain} (${where})` : where;
  return { text, kind: cell ? 'cell' : 'project', cell: cell ? Number(cell[1]) : undefined, ...place };
}

const framesOf = (error) =>
  error instanceof Error ? String(error.stack).split('\n').map(describe).filter(Boolean) : [];

/** The number of the cell whose own lines are at work. */
function cellOnStack() {
  const lines = String(new Error().stack).split('\n');
  const found = lines.findLast((line) => line.includes(WHOLE_CELL));
  return found ? Number(/cell:(\d+):/.exec(found)?.[1]) : undefined;
}

// as in kernel/run/stack.cjs
const install = () => (Error.stackTraceLimit = 40);

module.exports = { install, WHOLE_CELL, cellOnStack, rememberScript, rememberCell, sourceOf, framesOf };
