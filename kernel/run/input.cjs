'use strict';
/** Questions of a cell to its reader: prompt, confirm, alert wait on the spot; process.stdin asks for a line at a time. */
const { MessageChannel, receiveMessageOnPort } = require('worker_threads');
const { Readable } = require('stream');
const { Interrupted } = require('../display/errors.cjs');

const NO_INPUT =
  '这里不能输入：打开这个笔记本的程序不接受提问（例如 nbconvert 在无人看守地运行它）；请把要输入的值直接写进代码。';

class InputError extends Error {
  name = 'InputError';
}

class Input {
  /**
   * @param {{ front: import('worker_threads').Worker, answered: Int32Array, executor: object }} parts `answered[0]` is set
   *   by the front desk when an answer lies at the port
   */
  constructor({ front, answered, executor }) {
    this.front = front;
    this.answered = answered;
    this.executor = executor;
    this.allowed = false;
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    front.postMessage({ type: 'inputPort', port: port2 }, [port2]);
    port1.unref();
    /** Who waits for a line of process.stdin. */
    this.waiting = undefined;
    this.touched = false;
  }

  /** @param {boolean} allowed whether the client of the cell that begins can be asked */
  begin(allowed) {
    this.allowed = allowed;
    this.touched = false;
  }

  /** Stops everything until the answer is here. */
  ask(prompt, password = false) {
    if (!this.allowed) throw new InputError(NO_INPUT);
    return this.executor.undisturbed(() => {
      Atomics.store(this.answered, 0, 0);
      this.front.postMessage({ type: 'input', prompt: String(prompt), password });
      Atomics.wait(this.answered, 0, 0);
      const { message } = receiveMessageOnPort(this.port) ?? { message: {} };
      if (typeof message.value !== 'string') throw new Interrupted('已中断。');
      return message.value;
    });
  }

  install() {
    const give = (name, value) =>
      Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
    give('prompt', (message = '', initial = '') => this.ask(message) || String(initial));
    give('confirm', (message = '') => /^\s*(y|yes|是|好|对|true|1)\s*$/i.test(this.ask(`${message} [y/N] `)));
    give('alert', (message = '') => void this.ask(`${message} [Enter] `));
    const stdin = Object.assign(new Readable({ read: () => this.wantLine() }), { fd: 0 });
    this.stdin = stdin;
    Object.defineProperty(process, 'stdin', {
      configurable: true,
      get: () => {
        this.touched = true;
        if (this.starved) this.wantLine();
        return stdin;
      },
    });
  }

  /** A stream that flows wants the next line at once, also when its reader wants no more: only a cell that reads is asked. */
  wantLine() {
    this.starved = !this.touched;
    if (this.waiting || this.starved) return;
    // 50 ms: a reader that has what it wants closes its stream by then, and is not asked for another line
    this.waiting = setTimeout(() => {
      const { current } = this.executor;
      if (!current) {
        this.starved = true;
        this.waiting = undefined;
      } else if (!this.allowed) {
        this.waiting = undefined;
        this.starved = true;
        this.executor.fail(new InputError(NO_INPUT));
      } else this.front.postMessage({ type: 'input', prompt: '', password: false, isLine: true });
    }, 50);
  }

  /** A line for process.stdin; undefined when its cell has ended. */
  line(value) {
    this.waiting = undefined;
    if (value === undefined) this.starved = true;
    else this.stdin.push(`${value}\n`);
  }
}

module.exports = { Input };
