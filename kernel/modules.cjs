'use strict';
/**
 * `require` for cells and for the library's TypeScript modules. Compiled modules live in memory; an edited one is
 * evaluated again together with everything that imports it, and cells see the new version through a stable facade.
 */
const path = require('path');
const vm = require('vm');
const { createRequire } = require('module');
const { root, importFolders, splitMapNumber, isInside } = require('./typescript.cjs');
const { rememberScript } = require('./stack.cjs');

/** @type {Map<string, { code: string, map: object }>} compiled modules by path without extension */
const compiled = new Map();
/** @type {Map<string, { exports: object }>} evaluated modules */
const loaded = new Map();
/** @type {Map<string, Set<string>>} module -> modules that import it */
const importers = new Map();
/** @type {Map<string, object>} */
const facades = new Map();

const packageLoaded = [];
/** Calls back after a package was loaded, e.g. to teach its classes how to show themselves. */
function onPackageLoaded(callback) {
  packageLoaded.push(callback);
}

/** Takes newly compiled modules and forgets every evaluated module that depends on one of them. */
function addModules(modules) {
  for (const { path: file, data } of modules) {
    const name = file.replace(/\.js$/, '');
    const { code, map } = splitMapNumber(data);
    if (compiled.get(name)?.code === code) continue;
    compiled.set(name, { code, map });
    forget(name);
  }
}

function forget(name) {
  if (!loaded.delete(name)) return;
  for (const importer of importers.get(name) ?? []) forget(importer);
}

/** The compiled module that a relative import means, if it is one of ours. */
function findModule(id, folders) {
  if (!/^\.\.?(\/|$)/.test(id) && !path.isAbsolute(id)) return undefined;
  for (const folder of folders) {
    const name = path.resolve(folder, id).replace(/\\/g, '/').replace(/\.js$/, '');
    if (compiled.has(name)) return name;
    if (compiled.has(`${name}/index`)) return `${name}/index`;
  }
  return undefined;
}

function load(name) {
  const present = loaded.get(name);
  if (present) return present.exports;
  const { code, map } = compiled.get(name);
  const filename = `${name}.ts`;
  rememberScript(filename, map);
  const module = { exports: {}, filename, id: filename, loaded: false };
  // Known before it has run, as in Node, so that modules may import each other.
  loaded.set(name, module);
  try {
    const parameters = ['exports', 'require', 'module', '__filename', '__dirname'];
    const run = vm.compileFunction(code, parameters, { filename });
    run.call(module.exports, module.exports, moduleRequire(name, filename), module, filename, path.dirname(filename));
  } catch (error) {
    loaded.delete(name);
    throw error;
  }
  module.loaded = true;
  return module.exports;
}

/** What cells get: always the newest evaluation of a module, also behind names that were imported before an edit. */
function facade(name) {
  let proxy = facades.get(name);
  if (!proxy) {
    const now = () => load(name);
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
    facades.set(name, proxy);
  }
  load(name);
  return proxy;
}

function requirePackage(require, id) {
  // Cells that print `import ... from 'tslab'` must share the instance that the kernel listens to.
  const exports = id === 'tslab' ? module.require('tslab') : require(id);
  for (const callback of packageLoaded) callback(id);
  return exports;
}

function moduleRequire(importer, filename) {
  const real = createRequire(filename);
  const folders = [path.dirname(filename)];
  return Object.assign((id) => {
    const name = findModule(id, folders);
    if (name === undefined) return requirePackage(real, id);
    if (!importers.has(name)) importers.set(name, new Set());
    importers.get(name).add(importer);
    return load(name);
  }, real);
}

/** The `require` of all cells. */
function cellRequire() {
  const fromRoot = createRequire(path.join(root, 'cell.js'));
  const fromNotebook = createRequire(path.join(importFolders[0], 'cell.js'));
  const inProject = isInside(importFolders[0]);
  return Object.assign((id) => {
    // The compiler writes './lib/...' for files that it loads on its own; what a learner typed wins.
    const name = findModule(id, [...importFolders, root]);
    if (name !== undefined) return facade(name);
    return requirePackage(inProject || /^\.\.?\//.test(id) ? fromNotebook : fromRoot, id);
  }, fromRoot);
}

module.exports = { addModules, cellRequire, onPackageLoaded };
