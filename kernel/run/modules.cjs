'use strict';
/**
 * `require` and `import()` for cells and for TypeScript files. Compiled files live in memory; an edited one is evaluated
 * again together with everything that imports it, and cells see the new version through a stable facade.
 */
const path = require('path');
const vm = require('vm');
const { createRequire } = require('module');
const { fileURLToPath, pathToFileURL } = require('url');
const { root, notebookFolder } = require('../compile/service.cjs');
const { namespaceOf, parseJson } = require('./exports.cjs');
const { rememberScript } = require('./stack.cjs');
const { tslab } = require('../display/tslab.cjs');

/** Thrown where a module can only be had by waiting for it. */
class NeedsAwait extends Error {
  constructor(load) {
    super('这个模块要等待（顶层的 await，或只有 ES 模块形式的包）：请在单元格里用 import 语句或 await import() 载入');
    this.load = load;
  }
}

/** What `load` answers: at once where that is possible, otherwise after all that has to be waited for. */
async function whenLoaded(load) {
  for (;;) {
    try {
      return await load();
    } catch (error) {
      if (!(error instanceof NeedsAwait)) throw error;
      await error.load();
    }
  }
}

const esmCodes = new Set(['ERR_REQUIRE_ESM', 'ERR_PACKAGE_PATH_NOT_EXPORTED', 'ERR_REQUIRE_ASYNC_MODULE']);
const isRelative = (id) => /^\.\.?(\/|$)/.test(id) || path.isAbsolute(id);

class Modules {
  /**
   * @param {import('../compile/compiler.cjs').Compiler} compiler
   * @param {(phase: 'own' | 'sync', work: () => any) => any} during a package is loaded to its end; a file may be cut off
   */
  constructor(compiler, during) {
    this.compiler = compiler;
    this.during = during;
    /** Evaluated modules. @type {Map<string, { exports: object, loaded?: boolean, pending?: Promise<void> }>} */
    this.loaded = new Map();
    /** @type {Map<string, Set<string>>} module -> modules that import it */
    this.importers = new Map();
    /** @type {Map<string, object>} */
    this.facades = new Map();
    /** Packages that are ES modules only, once they are here. @type {Map<string, object>} */
    this.esm = new Map();
    this.packageLoaded = [];
  }

  /** Calls back after a package was loaded, e.g. to teach its classes how to show themselves. */
  onPackageLoaded(callback) {
    this.packageLoaded.push(callback);
  }

  /** Forgets edited files and all that was evaluated with them. */
  forget(file) {
    if (!this.loaded.delete(file)) return;
    for (const importer of this.importers.get(file) ?? []) this.forget(importer);
  }

  /** @param {string} [importer] who asks */
  load(file, importer) {
    const present = this.loaded.get(file);
    if (present?.pending && !this.needs(file, importer)) throw new NeedsAwait(() => present.pending);
    if (present) return present.exports;
    const { isAsync, run, module } = this.prepare(file);
    if (isAsync) throw new NeedsAwait(() => this.loadAsync(file));
    // Known before it has run, as in Node, so that modules may import each other.
    this.loaded.set(file, module);
    try {
      this.during('sync', run);
    } catch (error) {
      this.loaded.delete(file);
      throw error;
    }
    module.loaded = true;
    return module.exports;
  }

  /** Files that were cut off in the middle. */
  forgetUnfinished() {
    for (const [file, { loaded, pending }] of this.loaded) if (!loaded && !pending) this.loaded.delete(file);
  }

  /** A file with `await` at its top level; what it needs is loaded first. Who else asks for it waits as well. */
  loadAsync(file) {
    const present = this.loaded.get(file);
    if (present) return present.pending;
    const pending = this.evaluate(file);
    this.loaded.set(file, { exports: {}, pending });
    pending.catch(() => this.loaded.delete(file));
    return pending;
  }

  async evaluate(file) {
    // `loadAsync` has its promise then
    await null;
    return whenLoaded(async () => {
      const { run, module } = this.prepare(file);
      module.pending = this.loaded.get(file)?.pending;
      this.loaded.set(file, module);
      await run();
      module.pending = undefined;
      module.loaded = true;
    });
  }

  /** Whether `file` imports `importer`, itself or through others: waiting for each other, both would wait for ever. */
  needs(file, importer) {
    const above = new Set([importer]);
    for (const name of above) for (const next of this.importers.get(name) ?? []) above.add(next);
    return above.has(file);
  }

  prepare(file) {
    const { service, library } = this.compiler;
    const text = service.textOf(file) ?? '';
    const module = { exports: {}, filename: file, id: file, loaded: false };
    if (/\.json$/.test(file)) return { module, run: () => (module.exports = parseJson(file, text)) };
    const { code, map, isAsync } = library.compile(file, text);
    rememberScript(file, map);
    const names = ['exports', 'require', 'module', '__filename', '__dirname', '__import'];
    const start = isAsync ? '(async function (' : '(function (';
    const wrapper = `${start}${names.join(', ')}) { `;
    const run = () => {
      const body = new vm.Script(`${wrapper}${code}\n})`, { filename: file, columnOffset: -wrapper.length });
      const values = [module.exports, this.requireFrom(file, file), module, file, path.dirname(file)];
      return body.runInThisContext().call(module.exports, ...values, (id) => this.import(id, file));
    };
    return { module, isAsync, run };
  }

  /** What cells get: always the newest evaluation of a module, also behind names that were imported before an edit. */
  facade(file) {
    let proxy = this.facades.get(file);
    if (!proxy) {
      const now = () => this.load(file);
      proxy = new Proxy(
        {},
        {
          get: (_target, key) => now()[key],
          has: (_target, key) => key in now(),
          ownKeys: () => Reflect.ownKeys(now()),
          getOwnPropertyDescriptor(_target, key) {
            const exports = now();
            if (!Object.prototype.hasOwnProperty.call(exports, key)) return undefined;
            const { enumerable } = Object.getOwnPropertyDescriptor(exports, key);
            return { value: exports[key], enumerable, writable: true, configurable: true };
          },
        },
      );
      this.facades.set(file, proxy);
    }
    this.load(file);
    return proxy;
  }

  package(id, from) {
    // Cells that print `import ... from 'tslab'` must share the instance that the kernel listens to.
    const exports = id === 'tslab' ? tslab() : this.during('own', () => this.requirePackage(id, from));
    for (const callback of this.packageLoaded) callback(id);
    return exports;
  }

  requirePackage(id, from) {
    const known = this.esm.get(id);
    if (known) return known;
    try {
      return this.requireNear(id, from);
    } catch (error) {
      if (!esmCodes.has(error?.code)) throw error;
      throw new NeedsAwait(async () => this.esm.set(id, await this.importPackage(id, from)));
    }
  }

  /** From where the import stands; a notebook outside of the project also has the project's packages. */
  requireNear(id, from) {
    const near = createRequire(from);
    let place = near;
    try {
      near.resolve(id);
    } catch (error) {
      if (error.code === 'MODULE_NOT_FOUND' && !isRelative(id)) place = createRequire(path.join(root, 'cell.js'));
    }
    return place(id);
  }

  async importPackage(id, from) {
    if (isRelative(id)) return import(pathToFileURL(path.resolve(path.dirname(from), id)).href);
    try {
      return await import(pathToFileURL(createRequire(from).resolve(id)).href);
    } catch (error) {
      if (!esmCodes.has(error?.code) && error?.code !== 'MODULE_NOT_FOUND') throw error;
      return import(id);
    }
  }

  /** `require` of a file. */
  requireFrom(importer, filename) {
    const real = createRequire(filename);
    return Object.assign((id) => {
      const file = isRelative(id) ? this.compiler.service.sourceOf(id, importer) : undefined;
      if (file === undefined) return this.package(id, filename);
      if (!this.importers.has(file)) this.importers.set(file, new Set());
      this.importers.get(file).add(importer);
      return this.load(file, importer);
    }, real);
  }

  /** For a cell: a file's facade, or a package. */
  forCell(id, cell = `${notebookFolder}/__require__.ts`) {
    const file = this.compiler.service.sourceOf(id, cell);
    return file ? this.facade(file) : this.package(id, path.join(notebookFolder, '__cell__.js'));
  }

  /** `import(id)` in a file or a cell. */
  async import(id, importer) {
    const name = /^file:/.test(id) ? fileURLToPath(id) : String(id);
    const isCell = this.compiler.service.isCell(importer);
    const load = () => (isCell ? this.forCell(name, importer) : this.requireFrom(importer, importer)(name));
    return whenLoaded(() => namespaceOf(load()));
  }
}

module.exports = { Modules, whenLoaded };
