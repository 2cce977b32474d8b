'use strict';
/** What a module gives, as `import` shows it. */
const { nameOf } = require('../compile/library.cjs');

function parseJson(file, text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SyntaxError(`${nameOf(file)} 不是 JSON：${error.message}`);
  }
}

const namespaces = new WeakMap();

/** A CommonJS module as `import *` shows it. */
function namespaceOf(exports) {
  if (exports === null || (typeof exports !== 'object' && typeof exports !== 'function')) return { default: exports };
  if (exports.__esModule || exports[Symbol.toStringTag] === 'Module') return exports;
  if (!namespaces.has(exports)) {
    const namespace = {};
    for (const key of Object.getOwnPropertyNames(exports))
      if (key !== 'default')
        Object.defineProperty(namespace, key, { get: () => exports[key], enumerable: true, configurable: true });
    namespaces.set(exports, Object.defineProperty(namespace, 'default', { value: exports, enumerable: true }));
  }
  return namespaces.get(exports);
}

/** Where an imported name leads. */
function importedValue(exports, imported) {
  if (imported === '*') return namespaceOf(exports);
  if (imported !== 'default') return exports[imported];
  return exports?.__esModule || exports?.[Symbol.toStringTag] === 'Module' ? exports.default : exports;
}

module.exports = { parseJson, namespaceOf, importedValue };
