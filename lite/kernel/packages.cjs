'use strict';
/** The packages of the course that the page has, loaded when something asks for them. */
const { provide } = require('../node/packages.cjs');

provide({
  '@tensorflow/tfjs': () => require('@tensorflow/tfjs'),
  '@tensorflow/tfjs-backend-wasm': () => require('@tensorflow/tfjs-backend-wasm'),
  '@tensorflow/tfjs-backend-webgpu': () => require('@tensorflow/tfjs-backend-webgpu'),
  'ml-levenberg-marquardt': () => require('ml-levenberg-marquardt'),
  // @ts-expect-error an ES module: esbuild puts it in all the same
  munkres: () => require('munkres'),
  'umap-js': () => require('umap-js'),
  canvas: () => require('../node/canvas.cjs'),
  buffer: () => require('buffer'),
  crypto: () => require('crypto'),
  fs: () => require('fs'),
  'fs/promises': () => require('fs').promises,
  os: () => require('os'),
  path: () => require('path'),
  url: () => require('url'),
  util: () => require('util'),
  worker_threads: () => require('worker_threads'),
  zlib: () => require('zlib'),
});
