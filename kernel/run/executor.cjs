'use strict';
/** Runs compiled cells, one at a time, and knows how to let go of one that was interrupted. */
const vm = require('vm');
const path = require('path');
const { pathToFileURL } = require('url');
const { Compiler } = require('../compile/compiler.cjs');
const { notebookFolder } = require('../compile/service.cjs');
const { Modules, whenLoaded } = require('./modules.cjs');
const { importedValue } = require('./exports.cjs');
const { Scope } = require('./scope.cjs');
const { ProcessExit } = require('./process.cjs');
const { WHOLE_CELL, rememberCell } = require('./stack.cjs');
const { Interrupted, describeProblems, describeError } = require('../display/errors.cjs');
const { teachTensors, mendEngine } = require('../display/tensors.cjs');
const { withSafeSignals, restoreSignals } = require('./signals.cjs');
const { Stage, countInterrupt, isInterruption } = require('./stage.cjs');

/** How long an interrupted cell may take to finish with what it has. */
const GRACE = 2000;
const INTERRUPTED = '已中断。';
const LET_GO = '已中断：单元格在 2 秒内没有自行停下，不再等它；它的异步计算可能仍在后台继续，但不再输出。';

/** @typedef {'own' | 'sync' | 'waiting'} Phase whose code runs: the kernel's, or a cell's first stretch or rest */

class Executor {
  /**
   * @param {(phase: Phase) => void} tell
   * @param {(cell: string) => void} silence told which cell was given up while it was still at work
   */
  constructor(tell, silence = () => undefined) {
    this.tell = tell;
    this.silence = silence;
    /** @type {Phase} */
    this.phase = 'waiting';
    this.compiler = new Compiler();
    this.modules = new Modules(this.compiler, (phase, work) => this.during(phase, work));
    this.modules.onPackageLoaded(teachTensors);
    this.scope = new Scope();
    this.stage = new Stage();
    /** The cell at work. */
    this.current = undefined;
    const require = this.modules.requireFrom(`${notebookFolder}/__require__.ts`, path.join(notebookFolder, 'cell.js'));
    this.require = Object.assign((id) => this.undisturbed(() => this.modules.forCell(id)), require);
  }

  /**
   * @returns {Promise<{ error?: { ename: string, evalue: string, traceback: string[] }, value?: unknown, hidden?: boolean }>}
   */
  async execute(id, source, count) {
    // from here to the first line of the cell nothing may be cut off
    this.enter('own');
    const { cell, problems } = this.compile(source);
    if (problems.length > 0 || !cell) this.enter('waiting');
    if (problems.length > 0) return { error: describeProblems(problems, count, source) };
    if (!cell) return {};
    const before = new Map(cell.own.map((name) => [name, this.scope.save(name)]));
    const inside = {
      done: 0,
      result: undefined,
      meta: META,
      import: (name) => this.modules.import(name, cell.file),
      clear: (name) => this.scope.clear(name),
    };
    const outcome = await this.run(id, cell, source, count, inside);
    if (outcome.error?.thrown instanceof ProcessExit) return {};
    if (outcome.error !== undefined) {
      this.undisturbed(() => this.keepDone(cell, inside.done, before));
      return { error: describeError(outcome.error.thrown, count) };
    }
    this.compiler.keep(cell);
    return { value: inside.result, hidden: cell.hidden };
  }

  compile(source) {
    const compiled = this.compiler.compile(source);
    for (const file of compiled.changed) this.modules.forget(file);
    return compiled;
  }

  /** What a failed cell did define stays; what it was about to define again keeps its old value. */
  keepDone(cell, done, before) {
    const kept = new Set(this.compiler.keepDone(cell, done));
    for (const [name, descriptor] of before) if (!kept.has(name)) this.scope.restore(name, descriptor);
  }

  /** Loads what a cell imports and leads its names there. */
  async link(cell) {
    for (const name of cell.own) this.scope.unlink(name);
    for (const name of cell.vars) this.scope.clear(name);
    for (const { specifier, names } of cell.imports) {
      // in an object: a package may be a Promise itself
      const load = () => this.undisturbed(() => ({ exports: this.modules.forCell(specifier, cell.file) }));
      const { exports } = await whenLoaded(load);
      const file = this.compiler.service.sourceOf(specifier, cell.file);
      const now = file ? () => this.modules.load(file) : () => exports;
      for (const { local, imported } of names) {
        const all = imported === '*' ? importedValue(exports, imported) : undefined;
        this.scope.link(local, all ? () => all : () => importedValue(now(), imported));
      }
    }
  }

  /** @returns {Promise<{ error?: { thrown: unknown } }>} */
  run(id, cell, source, count, inside) {
    const filename = rememberCell(count, source, cell);
    const { code, prefix, boxes, hoisted } = cell;
    // what the cell declares itself must not be a parameter as well
    const outer = NAMES.filter((name) => !cell.own.includes(name));
    const parameters = [prefix, ...boxes.map((name) => prefix + name), ...outer];
    const lifted = hoisted.map((name) => `${prefix}${name}.v=${name};`).join('');
    const head = `(${cell.isAsync ? 'async ' : ''}function ${WHOLE_CELL}(${parameters.join(', ')}) { ${lifted}`;
    const text = `${head}${code}\n})(...__convscope__)`;
    const { current, finished } = this.begin(id);
    const fail = (thrown) => {
      const interrupted = isInterruption(thrown);
      if (interrupted) mendEngine();
      current.finish({ error: { thrown: interrupted ? new Interrupted(INTERRUPTED) : thrown } });
    };
    const isGivenUp = () => this.current !== current;
    inside.attend = () => {
      if (isGivenUp()) throw new Interrupted(INTERRUPTED);
    };
    const script = () => {
      if (isGivenUp()) return;
      current.started = true;
      const values = [inside, ...boxes.map((name) => this.scope.box(name)), ...this.outerValues(outer)];
      try {
        const compiled = new vm.Script(text, { filename, columnOffset: -head.length });
        Object.defineProperty(globalThis, '__convscope__', { value: values, configurable: true });
        this.enter('sync');
        const result = withSafeSignals(() => compiled.runInThisContext({ breakOnSigint: true }));
        this.enter('waiting');
        if (cell.isAsync) result.then(() => current.finish({}), fail);
        else current.finish({});
      } catch (error) {
        fail(error);
      }
    };
    // a file that it imports may never come to its end
    this.link(cell).then(() => this.stage.run(script), fail);
    return finished;
  }

  begin(id) {
    const current = { id, started: false, finish: undefined, timer: undefined };
    this.current = current;
    const finished = new Promise((resolve) => {
      current.finish = (outcome) => {
        if (this.current !== current) return;
        clearTimeout(current.timer);
        this.current = undefined;
        this.enter('waiting');
        resolve(outcome);
      };
    });
    return { current, finished };
  }

  /** What comes after a cell's code and may be the cell's as well: a value that shows itself. It can be interrupted. */
  async attend(id, work) {
    const { current, finished } = this.begin(id);
    current.started = true;
    work().then(
      (value) => current.finish({ value }),
      (thrown) => current.finish({ error: { thrown } }),
    );
    const { error, value } = await finished;
    if (error) throw error.thrown;
    return value;
  }

  outerValues(names) {
    const module = { exports: {} };
    const { exports } = module;
    const values = { require: this.require, module, exports, __filename: META.filename, __dirname: META.dirname };
    return names.map((name) => values[name]);
  }

  /** The kernel's own work and the loading of packages must not be cut off in the middle. */
  undisturbed(work) {
    return this.during('own', work);
  }

  during(phase, work) {
    const before = this.phase;
    this.enter(phase);
    try {
      return work();
    } finally {
      this.enter(before);
    }
  }

  /** @param {Phase} phase */
  enter(phase) {
    this.phase = phase;
    this.tell(phase);
  }

  /** Ends the running cell with an error from outside of it. */
  fail(error) {
    this.current?.finish({ error: { thrown: error } });
  }

  /** The library's functions stop by themselves; a cell that does not is let go. A second interrupt does not wait. */
  interrupt() {
    countInterrupt();
    const { current } = this;
    if (!current) return;
    const letGo = (why = LET_GO) => {
      this.silence(current.id);
      current.finish({ error: { thrown: new Interrupted(why) } });
    };
    if (!current.started) letGo(INTERRUPTED);
    else if (current.timer) letGo();
    else current.timer = setTimeout(letGo, GRACE);
  }

  /**
   * The running JavaScript was cut off from outside; nothing of it will come back to finish the cell.
   * @returns {boolean} whether the cell was still at work
   */
  cutOff(id) {
    restoreSignals();
    mendEngine();
    this.modules.forgetUnfinished();
    if (this.current?.id !== id) return false;
    this.silence(id);
    this.current.finish({ error: { thrown: new Interrupted(INTERRUPTED) } });
    return true;
  }
}

/** What a module of Node finds around it, for cells. */
const NAMES = ['require', 'module', 'exports', '__filename', '__dirname'];
const META = {
  dirname: notebookFolder,
  filename: `${notebookFolder}/notebook.ts`,
  url: pathToFileURL(`${notebookFolder}/notebook.ts`).href,
};

module.exports = { Executor };
