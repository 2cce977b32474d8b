'use strict';
/** Node's `util`: how values look, and of which kind they are. */
const { inspect, format } = require('node-inspect-extracted');

const tagOf = (value) => Object.prototype.toString.call(value).slice(8, -1);

const isTag = (tag) => (value) => tagOf(value) === tag;

module.exports = {
  inspect,
  format,
  types: {
    isPromise: isTag('Promise'),
    isNativeError: isTag('Error'),
    isAnyArrayBuffer: (value) => value instanceof ArrayBuffer || isTag('SharedArrayBuffer')(value),
    isArrayBufferView: ArrayBuffer.isView,
    isMap: isTag('Map'),
    isSet: isTag('Set'),
    isProxy: () => false,
  },
};
