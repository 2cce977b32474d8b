'use strict';
/** The kernel proper: the executor of kernel/run with what a browser puts around it. */
const util = require('util');
require('../../kernel/run/stack.cjs').install();
const { describeError } = require('../../kernel/display/errors.cjs');
const { Executor } = require('../../kernel/run/executor.cjs');
const { Output } = require('../../kernel/display/output.cjs');
const { displayValue, showsItself } = require('../../kernel/display/display.cjs');
const { complete, inspect, isComplete } = require('../../kernel/compile/language.cjs');
const { watchFailures } = require('../../kernel/run/process.cjs');
const owners = require('../../kernel/run/owner.cjs');
const loops = require('../node/loops.cjs');
const tree = require('../node/files.cjs');
const { root } = require('../node/globals.cjs');
require('./packages.cjs');

const NO_INPUT = '浏览器里的内核还不能提问；请把要输入的值直接写进代码。';

/** @param {'stdout' | 'stderr'} stream */
const printer =
  (stream) =>
  (...values) =>
    void process[stream].write(`${util.format(...values)}\n`);

class Kernel {
  /** @param {{ tell: (message: object) => void }} desk */
  constructor(desk) {
    this.desk = desk;
    this.executor = new Executor(
      (phase) => desk.tell({ type: 'phase', phase }),
      (id) => this.output.silenced.add(id),
    );
    this.output = new Output(
      (id, msgType, content) => desk.tell({ type: 'publish', id, msgType, content }),
      () => owners.owner()?.id,
    );
    this.output.install();
    this.surround();
    watchFailures((cell) => cell !== undefined && this.executor.current?.id === cell.id);
    owners.install(() => this.executor.phase === 'sync');
    this.executor.enter('waiting');
  }

  /** What cells find around them. */
  surround() {
    for (const name of ['log', 'info', 'debug']) console[name] = printer('stdout');
    for (const name of ['error', 'warn']) console[name] = printer('stderr');
    for (const name of ['prompt', 'confirm', 'alert'])
      globalThis[name] = () => {
        throw new Error(NO_INPUT);
      };
  }

  /** The reader's own, from JupyterLite's file browser. */
  files({ files }) {
    for (const { name, bytes } of files) tree.write(`${root}/${name}`, bytes, { silent: true });
  }

  async execute({ id, code, count, silent }) {
    owners.start(id, count);
    let error;
    try {
      const outcome = await this.executor.execute(id, code, count);
      error = outcome.error;
      const { value, hidden } = outcome;
      if (value !== undefined && value !== null && !silent && !(hidden && !showsItself(value))) {
        const content = {
          execution_count: count,
          data: await this.executor.attend(id, () => displayValue(value)),
          metadata: {},
        };
        this.output.publish(id, 'execute_result', content);
      }
    } catch (thrown) {
      error = describeError(thrown, count);
    }
    this.executor.enter('waiting');
    this.desk.tell({ type: 'done', id, error });
  }

  answer(id, work) {
    let content;
    try {
      content = work();
    } catch (error) {
      content = { status: 'error', ename: error.name, evalue: error.message, traceback: [] };
    }
    this.desk.tell({ type: 'answer', id, content });
  }

  complete({ id, content }) {
    this.answer(id, () => complete(this.executor.compiler, content));
  }

  inspect({ id, content }) {
    this.answer(id, () => inspect(this.executor.compiler, content));
  }

  isComplete({ id, content }) {
    this.answer(id, () => isComplete(content));
  }

  interrupt() {
    loops.clear();
    this.desk.tell({ type: 'heard' });
    this.executor.interrupt();
  }
}

module.exports = { Kernel };
