'use strict';
/** From the value of a cell's last expression to a MIME bundle. */
const util = require('util');
const { isTensor, displayTensor } = require('./tensors.cjs');

const DISPLAY = Symbol.for('Jupyter.display');

/** Bytes travel as base64. */
function toJson(bundle) {
  const data = {};
  for (const [type, value] of Object.entries(bundle)) {
    data[type] = ArrayBuffer.isView(value)
      ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
      : value;
  }
  return data;
}

function asText(value) {
  const text = util.inspect(value);
  return util.types.isPromise(value) && text.includes('<pending>') ? `${text}  ← 在前面加上 await 才能得到结果` : text;
}

/** @returns {Promise<Record<string, unknown>>} */
async function displayValue(value) {
  const display = value?.[DISPLAY];
  if (typeof display === 'function') {
    const bundle = toJson((await display.call(value)) ?? {});
    return 'text/plain' in bundle ? bundle : { ...bundle, 'text/plain': `[${Object.keys(bundle).join(', ')}]` };
  }
  if (isTensor(value)) return displayTensor(value);
  return { 'text/plain': asText(value) };
}

module.exports = { displayValue, toJson };
