'use strict';
/** From the value of a cell's last expression, or what a cell displays, to a MIME bundle. */
const util = require('util');
const { isTensor, displayTensor } = require('./tensors.cjs');

const DISPLAY = Symbol.for('Jupyter.display');
const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', nbsp: ' ', '#39': "'" };

/** Bytes travel as base64; everything else must be JSON, and what is not is an error in the cell that displays it. */
function toJson(bundle) {
  const data = {};
  for (const [type, value] of Object.entries(bundle)) {
    if (typeof value === 'string') data[type] = value;
    else if (ArrayBuffer.isView(value))
      data[type] = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
    else if (util.types.isAnyArrayBuffer(value)) data[type] = Buffer.from(value).toString('base64');
    else data[type] = plain(type, value);
  }
  return data;
}

function plain(type, value) {
  let json;
  try {
    json = JSON.stringify(value, noCollections);
  } catch (error) {
    throw new TypeError(`要显示的内容（${type}）不能写成 JSON：${String(error?.message ?? error).split('\n')[0]}`);
  }
  if (json === undefined) throw new TypeError(`要显示的内容（${type}）不能写成 JSON：它是 ${typeof value}`);
  return JSON.parse(json);
}

/** JSON would write `{}` and say nothing. */
function noCollections(_key, value) {
  if (util.types.isMap(value) || util.types.isSet(value)) throw new TypeError('Map 与 Set 要先变成数组，如 [...map]');
  return value;
}

/** What a notebook's file may hold: JSON where the type says so, otherwise text, in one piece or in lines. */
function toBundle(bundle) {
  if (typeof bundle !== 'object' || bundle === null || Array.isArray(bundle))
    throw new TypeError(`要显示的应是 { 'text/html': … } 这样的对象，得到 ${util.inspect(bundle)}`);
  const data = toJson(bundle);
  for (const [type, value] of Object.entries(data)) {
    if (/[/+]json$/.test(type) || [value].flat().every((line) => typeof line === 'string')) continue;
    if (typeof value === 'object')
      throw new TypeError(`要显示的内容（${type}）应为字符串，得到 ${util.inspect(value)}`);
    data[type] = String(value);
  }
  return withPlainText(data);
}

/** For who reads without a browser: the words of a table or a text. */
function withPlainText(data) {
  if ('text/plain' in data) return data;
  const source = data['text/html'] ?? data['text/markdown'] ?? data['text/latex'];
  const words = source === undefined ? '' : wordsOf([source].flat().join(''));
  return { ...data, 'text/plain': words || `[${Object.keys(data).join(', ')}]` };
}

const wordsOf = (html) =>
  html
    .replace(/<(script|style)\b[\s\S]*?<\/\1>|<!--[\s\S]*?-->/gi, '')
    .replace(/<\/(td|th)>/gi, '\t')
    .replace(/<br\s*\/?>|<\/(p|div|tr|li|h\d|table|pre|ul|ol)>/gi, '\n')
    .replace(/<[^>]*>/g, '')
    .replace(/&(amp|lt|gt|quot|nbsp|#39);/g, (_, name) => ENTITIES[name])
    .replace(/[ \t]+\n/g, '\n')
    .replace(/\n\s*\n+/g, '\n')
    .trim()
    .slice(0, 5000);

function asText(value) {
  const text = util.inspect(value);
  return util.types.isPromise(value) && text.includes('<pending>') ? `${text}  ← 在前面加上 await 才能得到结果` : text;
}

/** What shows itself is there to be shown, also behind a `;`. */
const showsItself = (value) => typeof value?.[DISPLAY] === 'function';

/** @returns {Promise<Record<string, unknown>>} */
async function displayValue(value) {
  if (showsItself(value)) return toBundle(await value[DISPLAY]());
  if (isTensor(value)) return displayTensor(value);
  return { 'text/plain': asText(value) };
}

module.exports = { displayValue, showsItself, toJson, toBundle };
