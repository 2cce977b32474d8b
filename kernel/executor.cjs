'use strict';
/** Runs compiled cells, one at a time, and knows how to let go of one that was interrupted. */
const vm = require('vm');
const { MessageChannel } = require('worker_threads');
const { Compiler } = require('./compiler.cjs');
const { addModules, cellRequire, onPackageLoaded } = require('./modules.cjs');
const { rememberCell } = require('./stack.cjs');
const { Interrupted, describeProblems, describeError } = require('./errors.cjs');
const { teachTensors, mendEngine } = require('./tensors.cjs');
const { withSafeSignals, restoreSignals } = require('./signals.cjs');

/** How long an interrupted cell may take to finish with what it has. */
const GRACE = 2000;
const INTERRUPTED = '已中断。';
const LET_GO = '已中断：单元格在 2 秒内没有自行停下，不再等它；它的异步计算可能仍在后台继续。';

class Executor {
  /** @param {(phase: 'own' | 'sync' | 'waiting') => void} tell told whose code runs: the kernel's, or a cell's first stretch or rest */
  constructor(tell) {
    this.tell = tell;
    this.phase = 'waiting';
    this.compiler = new Compiler();
    this.values = {};
    /** How often a name was set to undefined: the first time is only its declaration. @type {Map<string, number>} */
    this.undefinedWrites = new Map();
    this.stage = new Stage();
    /** The cell at work. */
    this.current = undefined;
    onPackageLoaded(teachTensors);
    const require = cellRequire();
    const guarded = Object.assign((id) => this.undisturbed(() => require(id)), require);
    globalThis.__convscope__ = { exports: cellExports(this.values, this.undefinedWrites), require: guarded };
  }

  /**
   * @returns {Promise<{ error?: { ename: string, evalue: string, traceback: string[] }, value?: unknown }>}
   */
  async execute(id, source, count) {
    const { cell, problems } = this.undisturbed(() => this.compile(source));
    if (problems.length > 0) return { error: describeProblems(problems, count, source) };
    if (!cell) return {};
    const before = Object.getOwnPropertyDescriptors(this.values);
    this.undefinedWrites.clear();
    const outcome = await this.run(id, cell, source, count);
    if (outcome.error !== undefined) {
      this.undisturbed(() => this.keepDefined(source, before));
      return { error: describeError(outcome.error.thrown, count) };
    }
    this.compiler.declarations = cell.declarations;
    if (cell.result === undefined) return {};
    const value = this.values[cell.result];
    delete this.values[cell.result];
    return { value };
  }

  compile(source) {
    const compiled = this.compiler.compile(source);
    addModules(this.compiler.takeModules());
    return compiled;
  }

  /** What a failed cell did define stays; what it was about to define again keeps its old value. */
  keepDefined(source, before) {
    // An import is a getter and always counts; asking it could evaluate an edited module.
    const isSet = ([name, { get, value }]) => get || value !== undefined || this.undefinedWrites.get(name) > 1;
    const now = Object.entries(Object.getOwnPropertyDescriptors(this.values));
    const defined = new Set(now.filter(isSet).map(([name]) => name));
    for (const [name, descriptor] of Object.entries(before)) {
      if (!defined.has(name)) Object.defineProperty(this.values, name, descriptor);
    }
    this.compiler.keepDefined(source, (name) => defined.has(name));
    addModules(this.compiler.takeModules());
  }

  /** @returns {Promise<{ error?: { thrown: unknown } }>} */
  run(id, cell, source, count) {
    const prefix = `(${cell.isAsync ? 'async ' : ''}function (exports, require) { `;
    const code = `${prefix}${cell.code}\n})(__convscope__.exports, __convscope__.require)`;
    return new Promise((resolve) => {
      const current = { id, started: false, finish: undefined, timer: undefined };
      current.finish = (outcome) => {
        if (this.current !== current) return;
        clearTimeout(current.timer);
        this.current = undefined;
        this.enter('waiting');
        resolve(outcome);
      };
      this.current = current;
      const fail = (thrown) => {
        if (isInterruption(thrown)) mendEngine();
        current.finish({ error: { thrown: isInterruption(thrown) ? new Interrupted(INTERRUPTED) : thrown } });
      };
      const script = () => {
        if (this.current !== current) return;
        current.started = true;
        try {
          const compiled = new vm.Script(code, {
            filename: rememberCell(count, source, cell),
            columnOffset: -prefix.length,
          });
          this.enter('sync');
          const result = withSafeSignals(() => compiled.runInThisContext({ breakOnSigint: true }));
          this.enter('waiting');
          if (cell.isAsync) result.then(() => current.finish({}), fail);
          else current.finish({});
        } catch (error) {
          fail(error);
        }
      };
      this.stage.run(script);
    });
  }

  /** The kernel's own work and the loading of packages must not be cut off in the middle. */
  undisturbed(work) {
    const before = this.phase;
    this.enter('own');
    try {
      return work();
    } finally {
      this.enter(before);
    }
  }

  /** @param {'own' | 'sync' | 'waiting'} phase */
  enter(phase) {
    this.phase = phase;
    this.tell(phase);
  }

  /** The library's functions stop by themselves; a cell that does not is let go. A second interrupt does not wait. */
  interrupt() {
    const interrupts = interruptCounter();
    interrupts.count++;
    const { current } = this;
    if (!current) return;
    const letGo = (why = LET_GO) => current.finish({ error: { thrown: new Interrupted(why) } });
    if (!current.started) letGo(INTERRUPTED);
    else if (current.timer) letGo();
    else current.timer = setTimeout(letGo, GRACE);
  }

  /** The running JavaScript was cut off from outside; nothing of it will come back to finish the cell. */
  cutOff(id) {
    restoreSignals();
    mendEngine();
    if (this.current?.id === id) this.current.finish({ error: { thrown: new Interrupted(INTERRUPTED) } });
  }
}

/**
 * Runs functions on a stack of their own. Cutting a cell off ends everything on its stack without a trace, also
 * functions of the kernel; and of all ways to get a fresh stack a message port is the one that survives that.
 */
class Stage {
  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    port2.on('message', () => this.task());
  }

  run(task) {
    this.task = task;
    // Two turns of the event loop: a SIGINT that came while the cell was compiled is heard before Node, for a script
    // with breakOnSigint, takes its listeners away (and drops what was on its way to them).
    setImmediate(() => setImmediate(() => this.port.postMessage(undefined)));
  }
}

/** Shared with lib/base/interrupt.ts, which watches it. */
function interruptCounter() {
  const key = Symbol.for('convscope.state');
  const values = (globalThis[key] ??= new Map());
  if (!values.has('interrupts')) values.set('interrupts', { count: 0 });
  return values.get('interrupts');
}

const isInterruption = (error) => error?.code === 'ERR_SCRIPT_EXECUTION_INTERRUPTED';

/** The object that holds the cells' variables. Imports stay getters, so that an edited module shows through. */
function cellExports(values, undefinedWrites) {
  return new Proxy(values, {
    set(target, key, value) {
      if (value === undefined) undefinedWrites.set(key, (undefinedWrites.get(key) ?? 0) + 1);
      target[key] = value;
      return true;
    },
    defineProperty(target, key, descriptor) {
      if (key === '__esModule') return true;
      const write = (value) =>
        Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
      if (!descriptor.get) write(descriptor.value);
      else
        Object.defineProperty(target, key, { get: descriptor.get, set: write, enumerable: true, configurable: true });
      return true;
    },
  });
}

module.exports = { Executor };
