'use strict';
/**
 * How tensors look in a notebook: an image as an image, anything else as shape, type and a few values; never their
 * internals, also not inside an array, an object or a console.log.
 */
const util = require('util');
const { tensorClasses } = require('./copies.cjs');
const { encodePng } = require('./png.cjs');

/** More numbers nobody reads: shape, range and the first ones tell more. */
const MOST_VALUES = 64;
/** A batch shows what it is with a few rows of pictures. */
const MOST_IMAGES = 16;
/** Reading the values of a larger tensor would take longer than looking at them. */
const MOST_READ = 5_000_000;
/** Small pictures (a filter of 11x11) are enlarged pixel by pixel to about this size. */
const SEEN_SIZE = 160;

const isTensor = (value) =>
  typeof value === 'object' &&
  value !== null &&
  Array.isArray(value.shape) &&
  typeof value.dtype === 'string' &&
  typeof value.dataSync === 'function' &&
  'dataId' in value;

const isVariable = (value) => isTensor(value.val ?? value) && typeof value.assign === 'function';

const number = (value) =>
  typeof value === 'number' && !Number.isInteger(value) ? String(Number(value.toPrecision(4))) : String(value);

function nested(values, shape) {
  if (shape.length === 0) return number(values[0]);
  const size = values.length / (shape[0] || 1);
  const rows = Array.from({ length: shape[0] }, (_, i) =>
    nested(values.slice(i * size, (i + 1) * size), shape.slice(1)),
  );
  if (shape.length === 1) return `[${rows.join(', ')}]`;
  return `[${rows.join(shape.length === 2 ? ',\n ' : ',\n\n ').replace(/\n(?! )/g, '\n ')}]`;
}

function range(values) {
  let [low, high, sum, bad] = [Infinity, -Infinity, 0, 0];
  for (const value of values) {
    if (!Number.isFinite(value)) bad++;
    else {
      if (value < low) low = value;
      if (value > high) high = value;
      sum += value;
    }
  }
  const count = values.length - bad;
  const text = count > 0 ? `最小 ${number(low)}，最大 ${number(high)}，平均 ${number(sum / count)}` : '没有有限的值';
  return bad > 0 ? `${text}；其中 ${bad} 个不是有限的数（NaN、Infinity）` : text;
}

const heading = (tensor) =>
  `${isVariable(tensor) ? 'Variable' : 'Tensor'} ${tensor.dtype} [${tensor.shape.join(', ')}]`;

/** A few lines about a tensor. */
function describe(tensor, values) {
  if (tensor.isDisposed) return `${heading(tensor)}（已释放）`;
  if (values === undefined && tensor.size > MOST_READ) return `${heading(tensor)}（${tensor.size} 个值）`;
  values ??= tensor.dataSync();
  if (values.length <= MOST_VALUES) return `${heading(tensor)}\n${nested(Array.from(values), tensor.shape)}`;
  const first = Array.from(values.slice(0, 6), number).join(', ');
  if (typeof values[0] === 'string' || tensor.dtype.startsWith('complex')) return `${heading(tensor)}\n${first}, …`;
  return `${heading(tensor)}\n${range(values)}\n${first}, …`;
}

/** One line, for a tensor inside of something else. */
function describeShort(tensor) {
  if (tensor.isDisposed) return `${heading(tensor)}（已释放）`;
  if (tensor.size > MOST_VALUES) return heading(tensor);
  const values = Array.from(tensor.dataSync().slice(0, 6), number);
  return `${heading(tensor)} [${values.join(', ')}${tensor.size > 6 ? ', …' : ''}]`;
}

/** [number of images, height, width, channels], when a tensor can be an image or a few of them. */
function imageShape(tensor, values) {
  const { shape, dtype } = tensor;
  if (dtype !== 'float32' || (shape.length !== 3 && shape.length !== 4)) return undefined;
  const [n, height, width, channels] = shape.length === 3 ? [1, ...shape] : shape;
  if (![1, 3, 4].includes(channels) || n < 1 || n > MOST_IMAGES || height < 4 || width < 4) return undefined;
  for (const value of values) if (!(value >= 0 && value <= 1)) return undefined;
  return { n, height, width, channels };
}

/** All images of a batch in one picture, side by side with gaps. */
function picture(values, { n, height, width, channels }) {
  const zoom = Math.max(1, Math.floor(SEEN_SIZE / Math.max(height, width)));
  const [tall, wide] = [height * zoom, width * zoom];
  const across = Math.min(n, Math.max(1, Math.floor(960 / (wide + 4))));
  const down = Math.ceil(n / across);
  const total = { width: across * (wide + 4) - 4, height: down * (tall + 4) - 4 };
  const pixels = new Uint8Array(total.width * total.height * channels).fill(255);
  for (let i = 0; i < n; i++) {
    const [top, left] = [Math.floor(i / across) * (tall + 4), (i % across) * (wide + 4)];
    for (let y = 0; y < tall; y++) {
      const row = (i * height + Math.floor(y / zoom)) * width;
      for (let x = 0; x < wide; x++) {
        const from = (row + Math.floor(x / zoom)) * channels;
        const to = ((top + y) * total.width + left + x) * channels;
        for (let c = 0; c < channels; c++) pixels[to + c] = Math.round(255 * values[from + c]);
      }
    }
  }
  return encodePng(pixels, total.width, total.height, channels);
}

/** The MIME bundle of a tensor as a cell's result. */
async function displayTensor(tensor) {
  if (tensor.isDisposed || tensor.size > MOST_READ) return { 'text/plain': describe(tensor) };
  const values = await tensor.data();
  const image = imageShape(tensor, values);
  if (!image) return { 'text/plain': describe(tensor, values) };
  const png = picture(values, image).toString('base64');
  return { 'image/png': png, 'text/plain': `${heading(tensor)}（图像）` };
}

/** Teaches every loaded copy of TensorFlow.js' Tensor class the short form, for util.inspect and console.log. */
function teachTensors(id) {
  if (!/tensorflow/.test(id)) return;
  for (const { prototype } of tensorClasses()) {
    if (Object.prototype.hasOwnProperty.call(prototype, util.inspect.custom)) continue;
    Object.defineProperty(prototype, util.inspect.custom, {
      value(depth, options) {
        return depth === options.depth || depth === undefined ? describe(this) : describeShort(this);
      },
      configurable: true,
    });
  }
}

/** After JavaScript was cut off in the middle, tidy() and grad() never ran their last lines: run them. */
function mendEngine() {
  const engine = globalThis._tfengine;
  if (!engine?.state) return;
  const { state } = engine;
  for (const node of state.activeTape ?? []) for (const tensor of node.saved ?? []) tensor?.dispose();
  while (state.scopeStack.length > 0) engine.endScope();
  Object.assign(state, { gradientDepth: 0, kernelDepth: 0, activeTape: null });
}

module.exports = { isTensor, displayTensor, teachTensors, mendEngine };
