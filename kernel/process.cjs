'use strict';
/** What can happen to the process beside a cell's own failure: late errors, process.exit. */
const v8 = require('v8');
const { describeLate } = require('./errors.cjs');

/** Thrown by process.exit, because that never returns. */
class ProcessExit extends Error {
  name = 'ProcessExit';
}

/** Number of the cell that runs or ran last. */
let currentCell;
const setCurrentCell = (count) => (currentCell = count);

/** Errors that nobody awaits, told in the notebook with the cell that they come from. The kernel lives on. */
function watchFailures() {
  const madeIn = new WeakMap();
  v8.promiseHooks.onInit((promise) => {
    if (currentCell !== undefined) madeIn.set(promise, currentCell);
  });
  process.on('unhandledRejection', (reason, promise) => {
    if (reason instanceof ProcessExit) return;
    const what = '里有一个 Promise 失败了，却没有人处理（是否漏写了 await？）：';
    process.stderr.write(describeLate(reason, madeIn.get(promise) ?? currentCell, what));
  });
  process.on('uncaughtException', (error) => {
    if (error instanceof ProcessExit) return;
    process.stderr.write(describeLate(error, currentCell, '结束之后，它留下的回调函数抛出了错误：'));
  });
}

/** @param {(code: number, error: object) => void} tell */
function guardExit(tell) {
  process.exit = (code = process.exitCode ?? 0) => {
    const evalue =
      `单元格 [${currentCell}] 调用了 process.exit(${code})，内核随之结束。` +
      'Jupyter 会自动启动一个新内核；变量都已清空，请从头运行（Run → Run All Cells）。';
    tell(Number(code), { ename: 'ProcessExit', evalue, traceback: [`\u001b[31mProcessExit\u001b[39m: ${evalue}`] });
    throw new ProcessExit(evalue);
  };
}

module.exports = { watchFailures, guardExit, setCurrentCell };
