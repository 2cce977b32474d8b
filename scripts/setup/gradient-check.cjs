// What set-up asks of every backend before the course may use it.

/** The largest relative error of a gradient that is right. */
const TOLERANCE = 1e-3;

const random = (tf, shape, seed) => tf.randomUniform(shape, -1, 1, 'float32', seed).data();

/** The gradient that the course lives on: convolution, ReLU and max pooling down to the picture. */
async function gradient(tf, backend, picture, filters) {
  await tf.setBackend(backend);
  const score = (x) =>
    tf.sum(tf.maxPool(tf.relu(tf.conv2d(x, tf.tensor(filters, [3, 3, 3, 4]), 2, 'same')), 3, 2, 'valid'));
  return tf
    .grad(score)(tf.tensor(picture, [1, 17, 17, 3]))
    .data();
}

/** How far it is on this backend from plain JavaScript's; NaN where there was nothing to compare. */
async function gradientError(tf, backend) {
  const picture = await random(tf, [1, 17, 17, 3], 1);
  const filters = await random(tf, [3, 3, 3, 4], 2);
  const exact = await gradient(tf, 'cpu', picture, filters);
  const found = await gradient(tf, backend, picture, filters);
  const length = (values) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  return length(found.map((value, i) => value - exact[i])) / length(exact);
}

module.exports = { gradientError, TOLERANCE };
