'use strict';
/**
 * TypeScript over the cells and the files they import: one LanguageService, whose program is brought up to date from
 * cell to cell. Cells are files that exist only here, in the notebook's folder, so imports mean what they say.
 * Everything that does not change is remembered (packages, where an import leads): without that a cell of four
 * characters costs a tenth of a second.
 */
const fs = require('fs');
const path = require('path');
const ts = require('typescript');
const { root, slashes, notebookFolder, GLOBALS, globalsFile, OPTIONS } = require('./settings.cjs');

/** Folders from which a cell's relative import is looked up; the second helps a notebook saved outside of the project. */
const importFolders = [notebookFolder, slashes(path.join(root, 'notebooks'))];

/** A cell is a module, whether it says so or not. */
const parse = (text, file = 'cell.ts') =>
  ts.createSourceFile(
    file,
    text,
    { languageVersion: ts.ScriptTarget.ESNext, setExternalModuleIndicator: (parsed) => (parsed.externalModuleIndicator = true) }, // prettier-ignore
    true,
  );

const isPackage = (file) => file.includes('/node_modules/');
/** Files that the kernel compiles and evaluates itself: everything but packages. */
const isSource = (file) => !isPackage(file) && /\.(tsx?|jsx?|json)$/.test(file) && !/\.d\.ts$/.test(file);

function stampOf(file) {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  return stat ? `${stat.mtimeMs} ${stat.size} ${stat.ino}` : 'missing';
}

/** @typedef {{ snapshot?: ts.IScriptSnapshot, version: number }} Versioned */

class Service {
  constructor() {
    /** Cells and modules of cells. @type {Map<string, Versioned & { text: string }>} */
    this.virtual = new Map();
    /** Files on the disk, as they were read. @type {Map<string, Versioned & { stamp?: string }>} */
    this.disk = new Map();
    /** Where imports lead, by importing file. @type {Map<string, Map<string, object>>} */
    this.resolutions = new Map();
    /** Files outside of packages that import something missing. @type {Set<string>} */
    this.unresolved = new Set();
    this.roots = [];
    /** Cells that extend global types stay. */
    this.lasting = new Set();
    this.version = 0;
    this.write(globalsFile, GLOBALS);
    this.start();
  }

  start() {
    const cache = ts.createModuleResolutionCache(slashes(root), (name) => name, OPTIONS);
    const typeReferences = new Map();
    const host = {
      getCompilationSettings: () => OPTIONS,
      getScriptFileNames: () => [globalsFile, ...this.lasting, ...this.roots],
      getScriptVersion: (file) => String((this.virtual.get(file) ?? this.disk.get(file))?.version ?? 0),
      getScriptSnapshot: (file) => this.snapshot(file),
      getCurrentDirectory: () => notebookFolder,
      getDefaultLibFileName: () => ts.getDefaultLibFilePath(OPTIONS),
      getModuleResolutionCache: () => cache,
      useCaseSensitiveFileNames: () => true,
      fileExists: (file) => this.virtual.has(file) || ts.sys.fileExists(file),
      readFile: (file) => this.virtual.get(file)?.text ?? ts.sys.readFile(file),
      directoryExists: ts.sys.directoryExists,
      getDirectories: ts.sys.getDirectories,
      readDirectory: ts.sys.readDirectory,
      realpath: ts.sys.realpath,
      hasInvalidatedResolutions: (file) => this.unresolved.has(file),
      resolveModuleNameLiterals: (literals, importer) => literals.map(({ text }) => this.resolve(text, importer)),
      resolveTypeReferenceDirectiveReferences: (references, importer, redirected, options) =>
        references.map((reference) => {
          const name = typeof reference === 'string' ? reference : reference.fileName;
          const key = `${path.dirname(importer)} ${name}`;
          if (!typeReferences.has(key))
            typeReferences.set(key, ts.resolveTypeReferenceDirective(name, importer, options, this.host, redirected));
          return typeReferences.get(key);
        }),
    };
    this.host = host;
    this.cache = cache;
    this.service = ts.createLanguageService(host, ts.createDocumentRegistry(true, notebookFolder));
  }

  /** TypeScript works by recursion; a service left in the middle of its work is not asked again. */
  restart() {
    this.service.dispose();
    this.start();
  }

  snapshot(file) {
    const cell = this.virtual.get(file);
    if (cell) return (cell.snapshot ??= ts.ScriptSnapshot.fromString(cell.text));
    let entry = this.disk.get(file);
    if (!entry?.snapshot) {
      const stamp = isPackage(file) ? undefined : stampOf(file);
      const text = ts.sys.readFile(file);
      if (text === undefined) return undefined;
      entry = { snapshot: ts.ScriptSnapshot.fromString(text), stamp, version: ++this.version };
      this.disk.set(file, entry);
    }
    return entry.snapshot;
  }

  /** @returns {string | undefined} */
  textOf(file) {
    const snapshot = this.snapshot(file);
    return snapshot?.getText(0, snapshot.getLength());
  }

  write(file, text) {
    if (this.virtual.get(file)?.text === text) return;
    this.virtual.set(file, { text, version: ++this.version });
    this.resolutions.delete(file);
  }

  // ---- where imports lead -----------------------------------------------------------------------------------------

  resolve(name, importer) {
    if (!this.resolutions.has(importer)) this.resolutions.set(importer, new Map());
    const known = this.resolutions.get(importer);
    const before = known.get(name);
    if (before && (before.resolvedModule || isPackage(importer))) return before;
    const result = this.lookUp(name, importer);
    known.set(name, result);
    if (!result.resolvedModule && !isPackage(importer)) this.unresolved.add(importer);
    return result;
  }

  lookUp(name, importer) {
    const look = (from) =>
      ts.resolveModuleName(name, from, OPTIONS, this.host, /^\./.test(name) ? undefined : this.cache);
    const result = look(importer);
    if (result.resolvedModule || isPackage(importer)) return result;
    // a notebook or a file outside of the project finds the project's packages; a cell also what lies beside chapters
    const relative = /^\.\.?(\/|$)/.test(name);
    if (relative && !this.isCell(importer)) return result;
    const places = relative ? importFolders.slice(1) : [slashes(root)];
    return places.map((folder) => look(`${folder}/__cell__.ts`)).find((found) => found.resolvedModule) ?? result;
  }

  isCell(file) {
    return /\/__(cell\d*|require)__\.tsx?$/.test(file);
  }

  /** The file that an import means if the kernel evaluates it itself. */
  sourceOf(name, importer) {
    if (/^[\\/]/.test(name) || /^[A-Za-z]:[\\/]/.test(name)) name = slashes(name);
    const file = this.resolve(name, importer).resolvedModule?.resolvedFileName;
    return file && isSource(file) ? file : undefined;
  }

  /** Every source file that `file` needs, itself included. */
  sourcesFrom(file) {
    const seen = new Set([file]);
    for (const name of seen)
      for (const { found } of this.importsOf(name)) if (found && isSource(found)) seen.add(found);
    return seen;
  }

  /** What a file of the program imports, and where that leads. @returns {{ name: string, found?: string }[]} */
  importsOf(file) {
    const literals = this.program.getSourceFile(file)?.imports ?? [];
    return literals.map(({ text }) => ({
      name: text,
      found: this.resolve(text, file).resolvedModule?.resolvedFileName,
    }));
  }

  // ---- what changed on the disk -----------------------------------------------------------------------------------

  /** Forgets what differs from the disk; returns those files. */
  changedFiles() {
    const changed = [];
    for (const [file, entry] of this.disk) {
      if (entry.stamp === undefined) continue;
      const stamp = stampOf(file);
      if (stamp === entry.stamp) continue;
      this.disk.set(file, { stamp, version: ++this.version });
      if (stamp === 'missing') this.disk.delete(file);
      this.resolutions.delete(file);
      changed.push(file);
    }
    // something may have come or gone: imports of our own files are looked up again
    for (const [importer, known] of this.resolutions) {
      if (isPackage(importer)) continue;
      for (const [name, { resolvedModule }] of known) {
        if (!resolvedModule || changed.includes(resolvedModule.resolvedFileName)) {
          known.delete(name);
          this.unresolved.add(importer);
        }
      }
    }
    return changed;
  }

  // ---- questions --------------------------------------------------------------------------------------------------

  open(file) {
    this.roots = [file];
    this.program = this.service.getProgram();
    this.unresolved = new Set([...this.unresolved].filter((importer) => this.hasMissing(importer)));
    return this.program;
  }

  hasMissing(importer) {
    return [...(this.resolutions.get(importer)?.values() ?? [])].some((found) => !found.resolvedModule);
  }

  /** Of the program as it was opened: the service itself would compare every file with the disk again, each time. */
  syntaxOf(file) {
    return this.program.getSyntacticDiagnostics(this.program.getSourceFile(file));
  }

  diagnosticsOf(file) {
    return [...this.syntaxOf(file), ...this.program.getSemanticDiagnostics(this.program.getSourceFile(file))];
  }
}

module.exports = { ts, root, notebookFolder, importFolders, OPTIONS, Service, parse, isSource };
