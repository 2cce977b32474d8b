'use strict';
/** Node's `zlib`: what PNG needs. */
const { unzlibSync, zlibSync } = require('fflate');

module.exports = {
  deflateSync: (data, { level = 6, memLevel = 8 } = {}) => Buffer.from(zlibSync(data, { level, mem: memLevel })),
  inflateSync: (data) => Buffer.from(unzlibSync(data)),
};
