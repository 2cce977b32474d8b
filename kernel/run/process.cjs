'use strict';
/** What can happen to the process beside a cell's own failure: late errors, process.exit. */
const { describeLate } = require('../display/errors.cjs');
const { owner, ownerOfFailure, speakAs } = require('./owner.cjs');

/** Thrown by process.exit, because that never returns. */
class ProcessExit extends Error {
  name = 'ProcessExit';
}

/** Errors that nobody awaits, told in the notebook with the cell that they come from. The kernel lives on. */
function watchFailures(isRunning) {
  const late = () =>
    isRunning(ownerOfFailure()) ? '里的一个回调函数抛出了错误：' : '结束之后，它留下的回调函数抛出了错误：';
  const tell = (error, what) => {
    if (error instanceof ProcessExit) return;
    const cell = ownerOfFailure();
    speakAs(cell, () => process.stderr.write(describeLate(error, cell?.count, what)));
  };
  process.on('unhandledRejection', (reason) =>
    tell(reason, '里有一个 Promise 失败了，却没有人处理（是否漏写了 await？）：'),
  );
  process.on('uncaughtException', (error) => tell(error, late()));
}

/** @param {(code: number, error: object) => void} tell */
function guardExit(tell) {
  process.exit = (code = process.exitCode ?? 0) => {
    const evalue =
      `单元格 [${owner()?.count}] 调用了 process.exit(${code})，内核随之结束。` +
      'Jupyter 会自动启动一个新内核；变量都已清空，请从头运行（Run → Run All Cells）。';
    tell(Number(code), { ename: 'ProcessExit', evalue, traceback: [`\u001b[31mProcessExit\u001b[39m: ${evalue}`] });
    throw new ProcessExit(evalue);
  };
}

module.exports = { ProcessExit, watchFailures, guardExit };
