'use strict';
/** Node's `util`: how values look, and of which kind they are. */
const { inspect, format } = require('node-inspect-extracted');

const tagOf = (value) => Object.prototype.toString.call(value).slice(8, -1);

module.exports = {
  inspect,
  format,
  types: { isPromise: (value) => value instanceof Promise, isNativeError: (value) => tagOf(value) === 'Error' },
};
