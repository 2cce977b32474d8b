'use strict';
/**
 * The TypeScript that tslab compiles with, adjusted before tslab sees it:
 *  - two chained source maps, so that a line of emitted JavaScript can be traced back to a line of the cell;
 *  - relative imports of a cell resolve from the notebook's own folder, although tslab's root is the project's;
 *  - source files are compared with the disk when a cell is compiled (no watchers: an edit counts at once, also on
 *    network drives, and nothing keeps the process busy);
 *  - messages in Chinese, unless CONVSCOPE_LANG asks for English.
 */
const fs = require('fs');
const path = require('path');
const { createRequire } = require('module');

const { Library } = require('./library.cjs');
const { optionsOf } = require('./options.cjs');

const root = path.resolve(__dirname, '..');
const requireFromTslab = createRequire(require.resolve('tslab/package.json'));
const location = requireFromTslab.resolve('@tslab/typescript-for-tslab');
const ts = require(location);

/** Source maps by number; two for cells, [TypeScript -> ES module, ES module -> CommonJS]. @type {{ first?: object, second: object }[]} */
const maps = [];
const MAP_NUMBER = /\n\/\/ map (\d+)\s*$/;

/** Takes the number of its maps off emitted code. @param {string} code */
function splitMapNumber(code) {
  const found = MAP_NUMBER.exec(code);
  return found ? { code: code.slice(0, found.index), map: maps[Number(found[1])] } : { code, map: undefined };
}

/** Output that is CommonJS already. */
const finished = new Set();

/** The second step of tslab's compilation; the first step's map arrives as a comment at the end of its output. */
function transpileModule(input, options) {
  if (finished.delete(input)) return { outputText: input };
  const comment = input.lastIndexOf('//# sourceMappingURL=data:');
  if (comment < 0) return ts.transpileModule(input, options);
  const first = JSON.parse(Buffer.from(input.slice(input.indexOf(',', comment) + 1), 'base64').toString());
  const compilerOptions = { ...options.compilerOptions, sourceMap: true };
  const result = ts.transpileModule(input.slice(0, comment), { ...options, compilerOptions });
  maps.push({ first, second: JSON.parse(result.sourceMapText) });
  const outputText =
    result.outputText.replace(/\n?\/\/# sourceMappingURL=.*\s*$/, '') + `\n// map ${maps.length - 1}\n`;
  return { ...result, outputText };
}

// ---- await at the top level -------------------------------------------------------------------------------------

const parse = (source) => ts.createSourceFile('cell.ts', `export {};\n${source}`, ts.ScriptTarget.ES2022, true);

/** Whether `await` or `for await` stands outside of every function, so that the cell must run as an async function. */
function usesTopLevelAwait(source) {
  if (!/\bawait\b/.test(source)) return false;
  let found = false;
  const visit = (node) => {
    if (found) return;
    if (ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier)) found = true;
    else if (!ts.isFunctionLike(node)) ts.forEachChild(node, visit);
  };
  visit(parse(source));
  return found;
}

// "await is only allowed in async functions / at the top level of modules", in all the forms TypeScript has for it.
const AWAIT_MESSAGES = new Set([1103, 1308, 1375, 1378, 1431, 1432]);

function isTopLevelAwaitMessage(diagnostic) {
  if (!AWAIT_MESSAGES.has(diagnostic.code) || !diagnostic.file?.fileName.endsWith('/__tslab__.ts')) return false;
  let node = ts.getTokenAtPosition(diagnostic.file, diagnostic.start);
  while (node && !ts.isFunctionLike(node) && !ts.isClassStaticBlockDeclaration(node)) node = node.parent;
  return !node;
}

const isCell = (file) => file.fileName === cellFiles[0];

const getPreEmitDiagnosticsOfFiles = (program, files) =>
  library.diagnostics(program, files, isCell).filter((diagnostic) => !isTopLevelAwaitMessage(diagnostic));

// ---- files: where imports lead, what has changed ----------------------------------------------------------------

const notebookFolder = process.cwd();
/** Folders from which a cell's relative import is looked up; the second helps a notebook saved outside of the project. */
const importFolders = [notebookFolder, path.join(root, 'notebooks')];
const cellFiles = ['__tslab__.ts', '__prev__.d.ts'].map((name) => slashes(path.join(root, name)));
/** Relative specifiers that somebody typed; in __prev__.d.ts all others were made by TypeScript, relative to the root. */
const typed = new Set();
const library = new Library(ts, isInside);
const unresolved = new Set();

function slashes(file) {
  return file.replace(/\\/g, '/');
}

function resolveModule(name, importer, options, host, cache) {
  const inCell = cellFiles.includes(importer);
  if (!inCell || !/^\.\.?(\/|$)/.test(name)) return ts.resolveModuleName(name, importer, options, host, cache);
  if (importer === cellFiles[0]) typed.add(name);
  const folders = typed.has(name) ? [...importFolders, root] : [root, ...importFolders];
  let result;
  for (const folder of folders) {
    result = ts.resolveModuleName(name, slashes(path.join(folder, '__cell__.ts')), options, host);
    // tslab can compile what lies in the project only; anything else is left to a real `require`.
    if (result.resolvedModule && isInside(result.resolvedModule.resolvedFileName)) return result;
  }
  return result;
}

function isInside(file) {
  const relative = path.relative(root, file);
  return !relative.startsWith('..') && !path.isAbsolute(relative);
}

function createWatchCompilerHost(files, options, system, ...rest) {
  const host = ts.createWatchCompilerHost(files, { ...options, inlineSourceMap: true }, system, ...rest);
  const cache = ts.createModuleResolutionCache(root, (name) => name, options);
  host.resolveModuleNameLiterals = (literals, importer, _redirect, compilerOptions) =>
    literals.map((literal) => {
      const result = resolveModule(literal.text, importer, compilerOptions, host, cache);
      if (!result.resolvedModule) {
        unresolved.add(importer.toLowerCase());
        cache.clear();
      }
      return result;
    });
  // Asked per importing file: cells always, others only while something they import was missing.
  let created;
  Object.defineProperty(host, 'afterProgramCreate', {
    get: () => created,
    set: (callback) => (created = (builder) => callback(withShorthands(builder))),
  });
  host.hasInvalidatedResolutions = (file) =>
    cellFiles.includes(file) || unresolved.has(file.toLowerCase()) || file.endsWith('/__tslab__.ts');
  return host;
}

/**
 * tslab turns a name from an earlier cell into `exports.name`, but overlooks `{ name }`, the short form of
 * `{ name: name }`. Here it gets the long form.
 */
function withShorthands(builder) {
  const emit = (file, write, token, declarationsOnly, transformers) => {
    if (!isCell(file) && /(?<!\.d)\.ts$/.test(file.fileName)) return emitLibrary(file, write);
    const checker = builder.getProgram().getTypeChecker();
    const before = [...(transformers?.before ?? []), (context) => (node) => expandShorthands(node, checker, context)];
    return builder.emit(file, write, token, declarationsOnly, { ...transformers, before });
  };
  return Object.assign(Object.create(builder), { emit });
}

function emitLibrary(file, write) {
  const { code, map } = library.compile(file);
  maps.push({ second: map });
  const output = `${code}\n// map ${maps.length - 1}\n`;
  finished.add(output);
  write(`outDir/${slashes(path.relative(root, file.fileName)).replace(/\.ts$/, '.js')}`, output);
}

function expandShorthands(root, checker, context) {
  if (root.fileName !== cellFiles[0]) return root;
  const { factory } = ts;
  const isEarlier = (symbol) => symbol?.declarations?.some((d) => d.getSourceFile().fileName === cellFiles[1]);
  const visit = (node) => {
    if (!ts.isShorthandPropertyAssignment(node) || !isEarlier(checker.getShorthandAssignmentValueSymbol(node))) {
      return ts.visitEachChild(node, visit, context);
    }
    const value = factory.createPropertyAccessExpression(factory.createIdentifier('exports'), node.name.text);
    const fallback = node.objectAssignmentInitializer;
    const full = fallback ? factory.createAssignment(value, ts.visitNode(fallback, visit)) : value;
    return factory.createPropertyAssignment(node.name, full);
  };
  return ts.visitNode(root, visit);
}

/** @type {Map<string, { notify: Function, stamp: string }>} */
const watched = new Map();

function stampOf(file) {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  return stat ? `${stat.mtimeMs} ${stat.size} ${stat.ino}` : 'missing';
}

function watchFile(file, notify) {
  // Packages do not change under a running kernel.
  if (file.includes('/node_modules/')) return { close() {} };
  watched.set(file, { notify, stamp: stampOf(file) });
  return { close: () => watched.delete(file) };
}

/** Tells TypeScript which source files differ from what it read; returns them. */
function changedFiles() {
  const changed = [];
  for (const [file, entry] of watched) {
    const stamp = stampOf(file);
    if (stamp === entry.stamp) continue;
    entry.stamp = stamp;
    const { Changed, Deleted } = ts.FileWatcherEventKind;
    entry.notify(file, stamp === 'missing' ? Deleted : Changed);
    changed.push(file);
  }
  return changed;
}

ts.sys.getCurrentDirectory = () => slashes(root);
ts.sys.watchFile = watchFile;
ts.sys.watchDirectory = () => ({ close() {} });
if (!/^en/i.test(process.env.CONVSCOPE_LANG ?? '')) ts.validateLocaleAndSetLanguage('zh-cn', ts.sys, []);
/** What TypeScript says about a name, and what options it takes if it is a function of ours. */
function getQuickInfoAtPosition(sourceFile, checker, token, position) {
  const info = ts.getQuickInfoAtPosition(sourceFile, checker, token, position);
  return info && { ...info, options: optionsOf(ts, sourceFile, checker, position) };
}

require.cache[location].exports = {
  ...ts,
  createWatchCompilerHost,
  transpileModule,
  getPreEmitDiagnosticsOfFiles,
  getQuickInfoAtPosition,
};

module.exports = {
  ts,
  root,
  importFolders,
  parse,
  usesTopLevelAwait,
  changedFiles,
  splitMapNumber,
  isInside,
  slashes,
};
