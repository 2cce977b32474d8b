'use strict';
/**
 * The library's own files, compiled and checked once, not once per cell: every cell imports the whole library, and its
 * hundred and more files would cost seconds each time. What was found in order is remembered in the cache folder;
 * who has a cache of their own (a student of a class) also knows what lies in the course's.
 */
const fs = require('fs');
const path = require('path');
const { createHash } = require('crypto');

const root = path.resolve(__dirname, '..');
const common = path.join(root, '.cache', 'kernel');
const folder = process.env.CONVSCOPE_CACHE ? path.join(process.env.CONVSCOPE_CACHE, 'kernel') : common;

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
  /** @param ts TypeScript @param {(file: string) => boolean} isInside whether a file belongs to the project */
  constructor(ts, isInside) {
    this.ts = ts;
    this.isInside = (file) => isInside(file) && !file.includes('/node_modules/');
    this.options = {
      module: ts.ModuleKind.CommonJS,
      target: ts.ScriptTarget.ES2022,
      newLine: ts.NewLineKind.LineFeed,
      esModuleInterop: true,
      experimentalDecorators: true,
      noImplicitUseStrict: true,
      sourceMap: true,
    };
    this.version = hash(ts.version, JSON.stringify(this.options)).slice(0, 8);
    /** Compiled files by the hash of their text. @type {Record<string, { code: string, map: object }>} */
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
  fingerprint(file, program) {
    const parts = [this.hashOf(file)];
    file.resolvedModules?.forEach((found) => {
      const name = found?.resolvedModule?.resolvedFileName ?? found?.resolvedFileName;
      const imported = name && this.isInside(name) && program.getSourceFile(name);
      parts.push(imported ? this.hashOf(imported) : String(name));
    });
    return hash(...parts);
  }

  /** Errors of a cell and of those project files that are not known to be in order. */
  diagnostics(program, files, isCell) {
    const own = files.filter((file) => this.isInside(file.fileName));
    const unknown = own.filter((file) => isCell(file) || !this.checked.has(this.fingerprint(file, program)));
    const found = this.ts.getPreEmitDiagnosticsOfFiles(program, unknown);
    const faulty = new Set(found.map((diagnostic) => diagnostic.file?.fileName));
    const fine = unknown.filter((file) => !isCell(file) && !faulty.has(file.fileName));
    if (fine.length > 0) {
      for (const file of fine) this.checked.add(this.fingerprint(file, program));
      writeCache(`checked-${this.version}.json`, [...this.checked].slice(-2000));
    }
    return found;
  }

  /** A module as CommonJS with its source map; its types are not needed for that. */
  compile(file) {
    const key = this.hashOf(file);
    if (!this.compiled[key]) {
      const { outputText, sourceMapText } = this.ts.transpileModule(file.text, {
        fileName: file.fileName,
        compilerOptions: this.options,
      });
      const code = outputText.replace(/\n?\/\/# sourceMappingURL=.*\s*$/, '');
      this.compiled[key] = { code, map: JSON.parse(sourceMapText) };
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.save(), 500);
    }
    return this.compiled[key];
  }

  save() {
    const newest = Object.entries(this.compiled).slice(-500);
    writeCache(`compiled-${this.version}.json`, Object.fromEntries(newest));
  }
}

module.exports = { Library };
