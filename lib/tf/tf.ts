import * as tf from '@tensorflow/tfjs';

/** The one TensorFlow.js everybody uses: the native binding and wasm register themselves on it. */
export { tf };
