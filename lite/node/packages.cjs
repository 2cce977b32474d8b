'use strict';
/** The packages that cells and the library can `require` in a browser. */

/** @type {Map<string, () => object>} */
const known = new Map();
/** As in Node: by file. Here the name is the file. @type {Record<string, { exports: object }>} */
const cache = {};

const plain = (id) => id.replace(/^node:/, '');

function resolve(id) {
  if (known.has(plain(id))) return plain(id);
  const message = `浏览器里没有软件包 ${id}；有：${[...known.keys()].filter((name) => !name.includes('/dist/')).join('、')}`;
  throw Object.assign(new Error(message), { code: 'MODULE_NOT_FOUND' });
}

function load(id) {
  const name = resolve(id);
  cache[name] ??= { exports: known.get(name)() };
  return cache[name].exports;
}

/** @param {Record<string, () => object>} packages loaded when somebody asks for them */
function provide(packages) {
  for (const [name, get] of Object.entries(packages)) known.set(name, get);
}

module.exports = { cache, load, resolve, provide };
