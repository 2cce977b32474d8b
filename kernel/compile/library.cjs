'use strict';
/**
 * The library's own files, compiled and checked once, not once per cell: every cell imports the whole library, and its
 * hundred and more files would cost seconds each time. What was found in order is remembered in the cache folder;
 * who has a cache of their own (a student of a class) also knows what lies in the course's.
 */
const fs = require('fs');
const path = require('path');
const { createHash } = require('crypto');

const root = path.resolve(__dirname, '..', '..');
const common = path.join(root, '.cache', 'kernel');
const folder = process.env.CONVSCOPE_CACHE ? path.join(process.env.CONVSCOPE_CACHE, 'kernel') : common;

/** Kept at most: the 250 files of the course, and older versions of them, to which one may come back. */
const MOST_CHECKED = 2000;
const MOST_COMPILED = 500;
/** Milliseconds: the files of one import are compiled one after the other, and written once. */
const SAVE_AFTER = 500;

const hash = (...texts) => texts.reduce((sum, text) => sum.update(text).update('\0'), createHash('sha1')).digest('hex');

function readCaches(name) {
  return [...new Set([common, folder])].flatMap((place) => {
    try {
      return [JSON.parse(fs.readFileSync(path.join(place, name), 'utf8'))];
    } catch {
      return [];
    }
  });
}

/** A file as people write it: from the project's folder. */
function nameOf(file) {
  const inside = path.relative(root, file);
  return inside.startsWith('..') || path.isAbsolute(inside) ? file : inside.replace(/\\/g, '/');
}

/** Whether `await` stands outside of every function: the whole (a file, a loop) must then run as an async function. */
function awaits(ts, whole) {
  if (ts.isSourceFile(whole) && !/\bawait\b/.test(whole.text)) return false;
  const isAwait = (node) =>
    ts.isAwaitExpression(node) ||
    (ts.isForOfStatement(node) && node.awaitModifier) ||
    (ts.isVariableDeclarationList(node) && (node.flags & ts.NodeFlags.AwaitUsing) === ts.NodeFlags.AwaitUsing);
  const visit = (node) => isAwait(node) || (!ts.isFunctionLike(node) && ts.forEachChild(node, visit));
  return Boolean(visit(whole));
}

/** Renamed into place, so that several kernels may write at once; a cache that cannot be written is no error. */
function writeCache(name, value) {
  try {
    fs.mkdirSync(folder, { recursive: true });
    const file = path.join(folder, name);
    const draft = `${file}.${process.pid}`;
    fs.writeFileSync(draft, JSON.stringify(value));
    fs.renameSync(draft, file);
  } catch {
    // A full disk or a read-only folder only costs time.
  }
}

class Library {
  /** @param ts TypeScript @param {(file: string) => boolean} isOurs whether a file is compiled by us */
  constructor(ts, isOurs) {
    this.ts = ts;
    this.isOurs = isOurs;
    this.options = {
      module: ts.ModuleKind.CommonJS,
      target: ts.ScriptTarget.ES2022,
      newLine: ts.NewLineKind.LineFeed,
      esModuleInterop: true,
      experimentalDecorators: true,
      jsx: ts.JsxEmit.React,
      allowJs: true,
      sourceMap: true,
    };
    this.version = hash(ts.version, '2', JSON.stringify(this.options)).slice(0, 8);
    /** Compiled files by the hash of their text. @type {Record<string, { code: string, map: object, isAsync?: boolean }>} */
    this.compiled = Object.assign({}, ...readCaches(`compiled-${this.version}.json`));
    /** Fingerprints of files without errors. */
    this.checked = new Set(readCaches(`checked-${this.version}.json`).flat());
    /** @type {WeakMap<object, string>} */
    this.hashes = new WeakMap();
  }

  hashOf(file) {
    if (!this.hashes.has(file)) this.hashes.set(file, hash(file.fileName, file.text));
    return this.hashes.get(file);
  }

  /** What a file's errors depend on: its text and that of the project files it imports. */
  fingerprint(file, service, program) {
    const parts = [this.hashOf(file)];
    for (const { name, found } of service.importsOf(file.fileName)) {
      const imported = found && this.isOurs(found) && program.getSourceFile(found);
      parts.push(imported ? this.hashOf(imported) : `${name} ${found}`);
    }
    return hash(...parts);
  }

  /** Errors of those project files that are not known to be in order. */
  diagnostics(service, program, names) {
    const files = names.map((name) => program.getSourceFile(name)).filter(Boolean);
    const unknown = files.filter((file) => !this.checked.has(this.fingerprint(file, service, program)));
    if (unknown.length === 0) return [];
    const found = unknown.flatMap((file) => service.diagnosticsOf(file.fileName));
    const faulty = new Set(found.map((diagnostic) => diagnostic.file?.fileName));
    const fine = unknown.filter((file) => !faulty.has(file.fileName));
    if (fine.length > 0) {
      for (const file of fine) this.checked.add(this.fingerprint(file, service, program));
      writeCache(`checked-${this.version}.json`, [...this.checked].slice(-MOST_CHECKED));
    }
    return found;
  }

  /** A module as CommonJS with its source map; its types are not needed for that. */
  compile(fileName, text) {
    const key = hash(fileName, text);
    if (!this.compiled[key]) {
      const { ts } = this;
      const transformers = { before: [(context) => (file) => this.withImports(file, context)] };
      const { outputText, sourceMapText, diagnostics } = ts.transpileModule(text, {
        fileName,
        compilerOptions: this.options,
        transformers,
        reportDiagnostics: true,
      });
      this.refuse(diagnostics);
      const code = outputText.replace(/\n?\/\/# sourceMappingURL=.*\s*$/, '');
      this.compiled[key] = {
        code,
        map: JSON.parse(sourceMapText),
        isAsync: awaits(ts, ts.createSourceFile(fileName, text, ts.ScriptTarget.ESNext, false)),
      };
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.save(), SAVE_AFTER);
    }
    return this.compiled[key];
  }

  /** TypeScript makes something of every text; of a half-typed one it would be something wrong. */
  refuse(diagnostics) {
    const { ts } = this;
    const found = diagnostics.find(({ file }) => file);
    if (!found) return;
    const { file, start, messageText } = found;
    const { line, character } = ts.getLineAndCharacterOfPosition(file, start);
    const message = ts.flattenDiagnosticMessageText(messageText, '；');
    throw new SyntaxError(`${nameOf(file.fileName)} 第 ${line + 1} 行第 ${character + 1} 列：${message}`);
  }

  /** `import(x)` stays one: a `require` could not load every package. */
  withImports(file, context) {
    const { ts } = this;
    const visit = (node) => {
      const seen = ts.visitEachChild(node, visit, context);
      if (!ts.isCallExpression(seen) || seen.expression.kind !== ts.SyntaxKind.ImportKeyword) return seen;
      const { factory } = ts;
      return factory.updateCallExpression(seen, factory.createIdentifier('__import'), undefined, seen.arguments);
    };
    return ts.visitNode(file, visit);
  }

  save() {
    const newest = Object.entries(this.compiled).slice(-MOST_COMPILED);
    writeCache(`compiled-${this.version}.json`, Object.fromEntries(newest));
  }
}

module.exports = { Library, nameOf, awaits };
