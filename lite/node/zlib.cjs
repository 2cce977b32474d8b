'use strict';
/** Node's `zlib`: what PNG needs. */
const { unzlibSync, zlibSync } = require('fflate');

/** @typedef {import('fflate').ZlibOptions} Options */

module.exports = {
  /** @param {Uint8Array} data @param {{ level?: Options['level'], memLevel?: Options['mem'] }} [options] */
  deflateSync: (data, { level = 6, memLevel = 8 } = {}) => Buffer.from(zlibSync(data, { level, mem: memLevel })),
  inflateSync: (data) => Buffer.from(unzlibSync(data)),
};
