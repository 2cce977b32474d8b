'use strict';
/** The one TensorFlow.js of the page. */
const { cache } = require('../node/packages.cjs');

const tensorClasses = () => [cache['@tensorflow/tfjs']?.exports.Tensor].filter(Boolean);

module.exports = { tensorClasses };
