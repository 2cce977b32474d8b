import { tf } from './tf';
import { shared } from '../base/state';
import { isNative, nativeOp } from './native-kernels';
import { canRunPrograms, defineConvolution, type Program, run } from './programs';
import { convolutionInputGradient, prepareConvolution } from './wasm-gradients';

type Shape4 = [number, number, number, number];

/**
 * Convolution of a FROZEN layer: its gradient reaches the input only. TF.js' own fused operation would compute
 * the kernel's gradient too, which nobody asks for here (and which wasm cannot do).
 */

export interface FrozenConvolution {
  readonly kernel: tf.Tensor4D;
  readonly bias: tf.Tensor1D;
  readonly stride: number;
  readonly pad: 'same' | 'valid';
  /** The prepared kernel of the input gradient, see prepareGradient. */
  readonly phases?: tf.Tensor4D;
}

const differentiating = () => (tf.engine() as unknown as { state: { gradientDepth: number } }).state.gradientDepth > 0;

/** TensorFlow's BiasAdd is one pass over the memory; a broadcasting Add is slower by half. */
const addBias = (x: tf.Tensor4D, bias: tf.Tensor1D): tf.Tensor4D =>
  isNative() ? (nativeOp('BiasAdd', [x, bias], { data_format: 'NHWC' }) as tf.Tensor4D) : tf.add(x, bias);

/** x plus a frozen bias for each channel. Differentiable with respect to x. */
export function addFrozenBias(x: tf.Tensor4D, bias: tf.Tensor1D): tf.Tensor4D {
  if (!isNative() || !differentiating()) return addBias(x, bias);
  return tf.customGrad((input, save) => {
    (save as (tensors: tf.Tensor[]) => void)([]);
    return { value: addBias(input as tf.Tensor4D, bias), gradFunc: (dy) => tf.clone(dy as tf.Tensor) };
  })(x) as tf.Tensor4D;
}

/** The prepared kernel that a frozen convolution should keep for its gradient on this backend, if any. */
export function prepareGradient(inShape: Shape4, c: FrozenConvolution): tf.Tensor4D | undefined {
  if (tf.getBackend() === 'cpu') return undefined;
  return prepareConvolution(inShape, c.kernel, c.stride, c.pad);
}

/**
 * Forward convolutions are much faster than Conv2DBackpropInput, on wasm always and on native where the stride is not 1
 * (AlexNet's conv1: 3 ms instead of 11): so the gradient is written as one, with the kernel prepared once.
 */
function inputGradient(shape: Shape4, dy: tf.Tensor4D, c: FrozenConvolution): tf.Tensor4D {
  const [height, width] = c.kernel.shape;
  if (!c.phases) return tf.conv2dTranspose(dy, c.kernel, shape, c.stride, c.pad);
  // Padding is symmetric here, and so is its gradient's (a kernel of one pixel has none): no explicit padding is needed.
  const odd = c.pad === 'same' ? height % 2 === 1 && width % 2 === 1 : height === 1 && width === 1;
  if (c.stride === 1 && odd) return tf.conv2d(dy, c.phases, 1, 'same');
  return convolutionInputGradient(shape, dy, c.kernel, c.stride, c.pad, undefined, c.phases);
}

/** Programs by stride, padding and rectifier: they take any sizes and any weights. */
const programs = shared('convolution-programs', () => new Map<string, Program>());

function convolutionProgram(stride: number, pad: 'same' | 'valid', rectified: boolean): Program {
  const key = `${stride} ${pad} ${rectified}`;
  if (!programs.has(key)) programs.set(key, defineConvolution(stride, pad, rectified));
  return programs.get(key)!;
}

/** x [n, h, w, in] -> [n, h', w', out], bias added and, if asked for, rectified, in one operation. No gradient. */
export function convolveOnly(x: tf.Tensor4D, c: FrozenConvolution, rectified: boolean): tf.Tensor4D {
  const { kernel, bias, stride, pad } = c;
  if (canRunPrograms()) return run(convolutionProgram(stride, pad, rectified), [x, kernel, bias])[0] as tf.Tensor4D;
  if (!isNative()) {
    return tf.fused.conv2d({
      x,
      filter: kernel,
      bias,
      strides: stride,
      pad,
      activation: rectified ? 'relu' : 'linear',
    });
  }
  return tf.tidy(() => (rectified ? tf.relu(convolve(x, c)) : convolve(x, c)));
}

/** x [n, h, w, in] -> [n, h', w', out], bias added. Differentiable with respect to x. */
export function convolve(x: tf.Tensor4D, c: FrozenConvolution): tf.Tensor4D {
  const forward = (input: tf.Tensor4D) => {
    if (!isNative()) {
      return tf.fused.conv2d({ x: input, filter: c.kernel, bias: c.bias, strides: c.stride, pad: c.pad });
    }
    return addBias(tf.conv2d(input, c.kernel, c.stride, c.pad), c.bias);
  };
  if (!differentiating()) return tf.tidy(() => forward(x));
  return tf.customGrad((input, save) => {
    (save as (tensors: tf.Tensor[]) => void)([]);
    return {
      value: tf.tidy(() =>
        isNative()
          ? forward(input as tf.Tensor4D)
          : tf.add(tf.conv2d(input as tf.Tensor4D, c.kernel, c.stride, c.pad), c.bias),
      ),
      gradFunc: (dy) => inputGradient(x.shape, dy as tf.Tensor4D, c),
    };
  })(x) as tf.Tensor4D;
}
