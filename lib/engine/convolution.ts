import * as tf from '@tensorflow/tfjs';
import { isNative, nativeOp } from './native-kernels';
import { convolutionInputGradient } from './wasm-gradients';

/**
 * Convolution of a FROZEN layer: its gradient reaches the input only. TF.js' own fused operation would compute
 * the kernel's gradient too, which nobody asks for here (and which wasm cannot do).
 */

export interface FrozenConvolution {
  readonly kernel: tf.Tensor4D;
  readonly bias: tf.Tensor1D;
  readonly stride: number;
  readonly pad: 'same' | 'valid';
  /** wasm only: the prepared kernel of the input gradient, see wasm-gradients.ts. */
  readonly phases?: tf.Tensor4D;
}

const differentiating = () => (tf.engine() as unknown as { state: { gradientDepth: number } }).state.gradientDepth > 0;

/** TensorFlow's BiasAdd is one pass over the memory; a broadcasting Add is slower by half. */
const addBias = (x: tf.Tensor4D, bias: tf.Tensor1D): tf.Tensor4D =>
  isNative(tf) ? (nativeOp(tf, 'BiasAdd', [x, bias], { data_format: 'NHWC' }) as tf.Tensor4D) : tf.add(x, bias);

function inputGradient(shape: [number, number, number, number], dy: tf.Tensor4D, c: FrozenConvolution): tf.Tensor4D {
  if (tf.getBackend() === 'wasm') {
    return convolutionInputGradient(tf, shape, dy, c.kernel, c.stride, c.pad, undefined, c.phases);
  }
  const [height, width, channels, filters] = c.kernel.shape;
  if (height === 1 && width === 1 && c.stride === 1) {
    // A 1x1 convolution is a matrix product, and so is its gradient: faster than Conv2DBackpropInput.
    return tf.tidy(() => {
      const matrix = tf.matMul(tf.reshape(dy, [-1, filters]), tf.reshape(c.kernel, [channels, filters]), false, true);
      return tf.reshape(matrix, shape);
    });
  }
  return tf.conv2dTranspose(dy, c.kernel, shape, c.stride, c.pad);
}

/** x [n, h, w, in] -> [n, h', w', out], bias added. Differentiable with respect to x. */
export function convolve(x: tf.Tensor4D, c: FrozenConvolution): tf.Tensor4D {
  const forward = (input: tf.Tensor4D) => {
    if (!isNative(tf)) {
      return tf.fused.conv2d({ x: input, filter: c.kernel, bias: c.bias, strides: c.stride, pad: c.pad });
    }
    return addBias(tf.conv2d(input, c.kernel, c.stride, c.pad), c.bias);
  };
  if (!differentiating()) return tf.tidy(() => forward(x));
  return tf.customGrad((input, save) => {
    (save as (tensors: tf.Tensor[]) => void)([]);
    return {
      value: tf.tidy(() =>
        isNative(tf)
          ? forward(input as tf.Tensor4D)
          : tf.add(tf.conv2d(input as tf.Tensor4D, c.kernel, c.stride, c.pad), c.bias),
      ),
      gradFunc: (dy) => inputGradient(x.shape, dy as tf.Tensor4D, c),
    };
  })(x) as tf.Tensor4D;
}
