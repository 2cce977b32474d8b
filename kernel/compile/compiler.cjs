'use strict';
/** Compiles cells: checks them together with what the cells before have defined, and makes JavaScript of them. */
const { ts, notebookFolder, OPTIONS, Service, parse, isSource } = require('./service.cjs');
const { Library, awaits } = require('./library.cjs');
const { Names, kindOf } = require('./names.cjs');
const { EditedText } = require('./text.cjs');
const { rewrite, freePrefix } = require('./rewrite.cjs');
const { rough, isOwn, withoutExports, isHoisted, markStatements, locator, toProblems } = require('./cell.cjs');
const { readDirectives } = require('./directives.cjs');

/**
 * @typedef {{ line: number, column: number, message: string, code?: number, file?: string }} Problem
 * @typedef {{
 *   code: string, prefix: string, isAsync: boolean, hidden: boolean, boxes: string[], own: string[], hoisted: string[], vars: string[],
 *   imports: import('./rewrite.cjs').Import[], file: string,
 *   original: (line: number, column: number) => { line: number, column: number }, draft: Draft,
 * }} CompiledCell
 * @typedef {ReturnType<Compiler['read']> & { defined?: Map<string, Kind>, stored?: string }} Draft
 * @typedef {import('./names.cjs').Kind} Kind
 */

/** A cell is a module, so some rules of modules that mean nothing in a notebook are not told. */
const IGNORED = new Set([1202]);

/** Of a whole cell, whose types have been checked. */
const EMIT = { ...OPTIONS, lib: undefined, types: undefined, typeRoots: undefined, noEmit: false, sourceMap: true, verbatimModuleSyntax: true, moduleDetection: ts.ModuleDetectionKind.Force, preserveConstEnums: true, newLine: ts.NewLineKind.LineFeed }; // prettier-ignore

function toJavaScript(fileName, text) {
  const { outputText, sourceMapText } = ts.transpileModule(text, { fileName, compilerOptions: EMIT });
  return { js: outputText.replace(/\n?\/\/# sourceMappingURL=.*\s*$/, ''), map: JSON.parse(sourceMapText) };
}

/** An import of types only is none at run time. */
function neededOf({ specifier, names }, own) {
  const values = names.filter(({ local }) => own.has(local));
  return values.length > 0 || names.length === 0 ? { specifier, names: values } : undefined;
}

class Compiler {
  constructor() {
    this.service = new Service();
    this.library = new Library(ts, (file) => isSource(file) && !/\.json$/.test(file));
    this.names = new Names();
    this.count = 0;
  }

  /** Reads what nearly every cell imports, the library and its types, while nobody waits. */
  warm() {
    const file = `${notebookFolder}/__cell__.ts`;
    if (this.service.virtual.has(file) || !this.service.sourceOf('../lib/index', file)) return;
    this.service.write(file, "import '../lib/index';");
    try {
      this.service.open(file).getTypeChecker();
    } catch {
      // nobody has asked for anything yet: the cell that comes will hear of it
      this.service.restart();
    }
  }

  /** @returns {{ cell?: CompiledCell, problems: Problem[], changed: string[] }} */
  compile(source) {
    const changed = this.service.changedFiles();
    return { changed, ...this.deep(() => this.compileCell(source, changed)) };
  }

  compileCell(source, changed) {
    const { module, jsx, browser } = readDirectives(source);
    if (module) return this.addModule(module, source, jsx, changed);
    if (browser) return { problems: [] };
    const file = `${notebookFolder}/__cell__.${jsx ? 'tsx' : 'ts'}`;
    const draft = this.read(file, source);
    if (draft.refused) return { problems: [draft.refused] };
    const program = this.service.open(file);
    const problems = this.problemsOf(draft, program);
    if (problems.length > 0) return { problems };
    this.define(draft, program);
    return { problems: [], cell: this.emit(draft) };
  }

  /** Brackets nested by the hundred use up the stack: the code that did it fails, the next finds a service in order. */
  deep(work) {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.service.restart();
      throw new RangeError('代码一层套一层，套得太深（成百上千层括号），TypeScript 处理不了；请拆成几步来写。');
    }
  }

  // ---- a cell as TypeScript sees it -------------------------------------------------------------------------------

  /**
   * A cell's syntax, its names, and the line that fetches what it uses of earlier cells.
   * @param {boolean} [all] whether names of earlier cells are wanted that it does not mention
   */
  parse(file, source, all = false) {
    const parsed = parse(source, file);
    ts.bindSourceFile(parsed, OPTIONS);
    const locals = [...(parsed.locals ?? [])].filter(([name]) => isOwn(parsed, name));
    const own = new Map(locals.map(([name, symbol]) => [name, rough(symbol)]));
    return { parsed, own, preamble: this.names.preamble((name) => all || parsed.identifiers.has(name), own) };
  }

  /** Parses a cell and writes its module. */
  read(file, source) {
    const { parsed, own, preamble } = this.parse(file, source);
    const { text, refused } = withoutExports(source, parsed);
    const whole = `${preamble}\n${text}\nexport { ${[...own.keys()].join(', ')} };`;
    this.service.write(file, whole);
    return { file, source, whole, parsed, text, own, offset: preamble.length + 1, refused };
  }

  problemsOf({ file, offset, source }, program) {
    const isUnchecked = /^\s*(\/\/.*\n\s*)*\/\/\s*@ts-nocheck/.test(source);
    const own = isUnchecked ? this.service.syntaxOf(file) : this.service.diagnosticsOf(file);
    const inCell = own.filter(({ code, start = 0 }) => !IGNORED.has(code) && start >= offset);
    const files = [...this.service.sourcesFrom(file)].filter((name) => name !== file && !this.service.isCell(name));
    const others = this.library.diagnostics(this.service, program, files);
    return [...inCell.flatMap((d) => toProblems(d, 1)), ...others.flatMap((d) => toProblems(d, 0))];
  }

  /** What the cell's names mean, exactly. */
  define(draft, program) {
    const checker = program.getTypeChecker();
    const file = program.getSourceFile(draft.file);
    draft.defined = new Map();
    for (const name of draft.own.keys()) {
      const symbol = file.locals.get(name);
      if (symbol) draft.defined.set(name, kindOf(checker, symbol));
    }
    if (/\bdeclare\s+(global|module)\b/.test(draft.source)) this.service.lasting.add(this.store(draft));
  }

  // ---- a cell as JavaScript ---------------------------------------------------------------------------------------

  /** @returns {CompiledCell} */
  emit(draft) {
    const { file, source, parsed, text } = draft;
    const prefix = freePrefix(source);
    const marked = new EditedText(text);
    const isAsync = awaits(ts, parsed);
    const hidden = markStatements(parsed, marked, prefix);
    const { js, map } = toJavaScript(file, marked.finish());
    const own = new Set([...draft.defined].filter(([, kind]) => kind.value && !kind.isAmbient).map(([name]) => name));
    const rewritten = rewrite(js, prefix, { own, earlier: this.names, waits: isAsync });
    const code = rewritten.text.finish();
    return {
      code,
      prefix,
      isAsync,
      hidden,
      file,
      imports: rewritten.imports.map((i) => neededOf(i, own)).filter(Boolean),
      own: [...own],
      boxes: rewritten.boxes,
      hoisted: rewritten.hoisted,
      vars: rewritten.vars,
      original: locator(code, rewritten.text, map, marked),
      draft,
    };
  }

  /** After the cell has run to its end. */
  keep({ draft }) {
    if (draft.defined.size > 0) this.names.add(this.store(draft), draft.defined);
  }

  /** The cell at work is always the same file, so that TypeScript can keep the program; what it defines gets a place. */
  store(draft) {
    draft.stored ??= draft.file.replace('__cell__', `__cell${++this.count}__`);
    this.service.write(draft.stored, draft.whole);
    return draft.stored;
  }

  /**
   * After a failure: the statements that came to their end count as typed, with all functions and types (they exist from
   * the beginning), the others do not.
   * @param {CompiledCell} cell @param {number} done statements that came to their end
   * @returns {string[]} names that stay
   */
  keepDone({ draft }, done) {
    const all = draft.parsed.statements;
    const isDone = (statement, i) => i < done || isHoisted(statement);
    for (const test of [isDone, (_statement, i) => i < done]) {
      const text = new EditedText(draft.source);
      all.forEach((statement, i) => {
        if (!test(statement, i)) text.blank(statement.getStart(draft.parsed), statement.end);
      });
      const part = this.read(draft.file, text.finish());
      const program = this.service.open(part.file);
      if (this.problemsOf(part, program).length > 0) continue;
      this.define(part, program);
      this.names.add(this.store(part), part.defined);
      return [...part.own.keys()];
    }
    return [];
  }

  /** tslab's `@module name`: a cell that later cells import. */
  addModule(name, source, jsx, changed) {
    const file = `${notebookFolder}/${name}.${jsx ? 'tsx' : 'ts'}`;
    this.service.write(file, source);
    changed.push(file);
    const program = this.service.open(file);
    const files = [...this.service.sourcesFrom(file)];
    return { problems: this.library.diagnostics(this.service, program, files).flatMap((d) => toProblems(d, 0)) };
  }

  // ---- Tab and Shift-Tab ------------------------------------------------------------------------------------------

  /** A file with the half-typed cell; the answer's positions are `offset` too large. */
  probe(source, all) {
    this.service.changedFiles();
    const file = `${notebookFolder}/__cell__.ts`;
    const { preamble } = this.parse(file, source, all);
    this.service.write(file, `${preamble}\n${source}\nexport {};`);
    const program = this.service.open(file);
    return { file, program, service: this.service.service, offset: preamble.length + 1 };
  }
}

module.exports = { Compiler };
