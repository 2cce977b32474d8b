// Tries a native binding in a process of its own: a binding that crashes must not take set-up with it.
// usage: native-check.cjs FILE.node      prints { version, gpu, error } as JSON
/** @type {any} */
const util = require('node:util');
util.isNullOrUndefined = (value) => value === null || value === undefined; // gone in Node 23

const [file] = process.argv.slice(2);
if (file) {
  // the package asks node-pre-gyp where its binding lies: answer with the one to try
  const id = require.resolve('@mapbox/node-pre-gyp');
  const answer = /** @type {any} */ ({ id, filename: id, loaded: true, exports: { find: () => file } });
  require.cache[id] = answer;
}
const tf = require('@tensorflow/tfjs-node-gpu');
const { gradientError, TOLERANCE } = require('./gradient-check.cjs');

async function main() {
  const error = await gradientError(tf, 'tensorflow');
  const backend = /** @type {any} */ (tf.backend());
  console.log(JSON.stringify({ version: backend.binding.TF_Version, gpu: Boolean(backend.isUsingGpuDevice), error }));
  process.exitCode = error < TOLERANCE ? 0 : 1;
}

void main();
