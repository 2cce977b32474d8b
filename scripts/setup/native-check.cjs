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

const random = (shape, seed) => tf.randomUniform(shape, -1, 1, 'float32', seed);

/** The gradient that the course lives on: convolution, ReLU and max pooling down to the picture. */
async function gradient(backend, picture, filters) {
  await tf.setBackend(backend);
  const score = (x) =>
    tf.sum(tf.maxPool(tf.relu(tf.conv2d(x, tf.tensor(filters, [3, 3, 3, 4]), 2, 'same')), 3, 2, 'valid'));
  return tf
    .grad(score)(tf.tensor(picture, [1, 17, 17, 3]))
    .data();
}

async function main() {
  const picture = Array.from(random([1, 17, 17, 3], 1).dataSync());
  const filters = Array.from(random([3, 3, 3, 4], 2).dataSync());
  const native = await gradient('tensorflow', picture, filters);
  const exact = await gradient('cpu', picture, filters);
  let difference = 0;
  let size = 0;
  for (let i = 0; i < exact.length; i++) {
    difference += (native[i] - exact[i]) ** 2;
    size += exact[i] ** 2;
  }
  const error = Math.sqrt(difference / size);
  await tf.setBackend('tensorflow');
  const backend = /** @type {any} */ (tf.backend());
  console.log(JSON.stringify({ version: backend.binding.TF_Version, gpu: Boolean(backend.isUsingGpuDevice), error }));
  process.exitCode = error < 1e-3 && size > 0 ? 0 : 1;
}

void main();
