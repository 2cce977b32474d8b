import { tf } from './tf';
import { shared } from '../base/state';
import { sliceInfo, type StridedSliceAttributes } from './strided-slice';

/**
 * Gradients that TF.js gets wrong, or not at all, in networks that people bring: average pooling that hangs over the
 * border (wasm and cpu), convolutions with a dilation, strided slices and depth to space (everywhere).
 */

type T4 = tf.Tensor4D;

interface PoolingAttributes {
  filterSize: number | [number, number];
  strides: number | [number, number];
  pad: 'same' | 'valid' | number | tf.backend_util.ExplicitPadding;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** How many places of the image each window along one axis covers. */
const covered = (windows: number, stride: number, size: number, before: number, length: number) =>
  Array.from({ length: windows }, (_, i) => Math.min(length, i * stride - before + size) - Math.max(0, i * stride - before)); // prettier-ignore

/**
 * Average pooling divides by the places INSIDE the image, its gradient in TF.js by the whole window: at the border only
 * a part of the gradient arrives. What is missing is a factor for each window.
 */
function borderFactors(shape: T4['shape'], attributes: PoolingAttributes): tf.Tensor4D | undefined {
  const { filterSize, strides, pad, dimRoundingMode } = attributes;
  const info = tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
  const { filterHeight, filterWidth, outHeight, outWidth, padInfo } = info;
  const rows = covered(outHeight, info.strideHeight, filterHeight, padInfo.top, shape[1]);
  const cols = covered(outWidth, info.strideWidth, filterWidth, padInfo.left, shape[2]);
  const whole = filterHeight * filterWidth;
  const factors = rows.flatMap((r) => cols.map((c) => whole / (r * c)));
  return factors.every((f) => f === 1) ? undefined : tf.tensor4d(factors, [1, outHeight, outWidth, 1]);
}

interface ConvolutionAttributes {
  strides: number | [number, number];
  pad: 'same' | 'valid' | number;
  dilations: number | [number, number];
  dataFormat: string;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** The gradient of a dilated convolution is a convolution with the reversed kernel and the same dilation. */
function dilatedInputGradient(dy: T4, [x, kernel]: [T4, T4], attributes: ConvolutionAttributes): T4 {
  return tf.tidy(() => {
    const { strides, pad, dilations, dimRoundingMode } = attributes;
    const info = tf.backend_util.computeConv2DInfo(x.shape, kernel.shape, strides, dilations, pad, dimRoundingMode);
    const { top, bottom, left, right } = info.padInfo;
    const [tall, wide] = [info.effectiveFilterHeight - 1, info.effectiveFilterWidth - 1];
    const padded = tf.pad(dy, [[0, 0], [tall - top, tall - bottom], [wide - left, wide - right], [0, 0]]); // prettier-ignore
    const reversed = tf.transpose(tf.reverse(kernel, [0, 1]), [0, 1, 3, 2]) as T4;
    return tf.conv2d(padded as T4, reversed, 1, 'valid', 'NHWC', dilations);
  });
}

type Gradient = NonNullable<ReturnType<typeof tf.getGradient>>;

function wrap(kernelName: string, change: (original: Gradient['gradFunc']) => Gradient['gradFunc']) {
  const original = tf.getGradient(kernelName);
  tf.unregisterGradient(kernelName);
  tf.registerGradient({ ...original, gradFunc: change(original.gradFunc) });
}

/** What a strided slice has taken goes back to where it was, zeros between (TF.js has no gradient of it). */
function scattered(dy: tf.Tensor, shape: number[], a: StridedSliceAttributes): tf.Tensor {
  return tf.tidy(() => {
    const info = sliceInfo(shape, a);
    const lengths = shape.map((_, axis) => Math.max(0, Math.ceil((info.end[axis] - info.begin[axis]) / info.strides[axis]))); // prettier-ignore
    return shape.reduce(
      (grad, size, axis) => {
        const [begin, stride, count] = [info.begin[axis], info.strides[axis], lengths[axis]];
        if (begin === 0 && stride === 1 && count === size) return grad;
        const places = tf.range(0, count, 1, 'int32').mul(tf.scalar(stride, 'int32')).add(tf.scalar(begin, 'int32'));
        // Rows of the identity say where each one belongs.
        const spread = tf.cast(tf.oneHot(places as tf.Tensor1D, size), 'float32');
        const order = [...shape.keys()].filter((k) => k !== axis).concat(axis);
        const last = tf.transpose(grad, order);
        const placed = tf.reshape(tf.matMul(tf.reshape(last, [-1, count]), spread as tf.Tensor2D), [...last.shape.slice(0, -1), size]); // prettier-ignore
        return tf.transpose(placed, order.map((_, i) => order.indexOf(i))); // prettier-ignore
      },
      tf.reshape(dy, lengths),
    );
  });
}

/** Blocks of pixels back to channels: the inverse of depthToSpace, NHWC. */
function spaceToDepth(dy: T4, block: number): tf.Tensor {
  const [n, height, width, channels] = dy.shape;
  const split = tf.reshape(dy, [n, height / block, block, width / block, block, channels]);
  const shape: [number, number, number, number] = [n, height / block, width / block, block * block * channels];
  return tf.reshape(tf.transpose(split, [0, 1, 3, 2, 4, 5]), shape);
}

function addGradients(): void {
  tf.registerGradient({
    kernelName: 'StridedSlice',
    inputsToSave: ['x'],
    gradFunc: (dy, saved, attributes) => ({
      x: () => scattered(dy as tf.Tensor, saved[0].shape, attributes as unknown as StridedSliceAttributes),
    }),
  });
  tf.registerGradient({
    kernelName: 'DepthToSpace',
    gradFunc: (dy, _, attributes) => ({
      x: () => tf.tidy(() => spaceToDepth(dy as T4, attributes.blockSize as number)),
    }),
  });
}

export function installGradientRepairs(): void {
  shared('gradient-repairs', () => {
    addGradients();
    wrap('AvgPool', (original) => (dy, saved, attributes) => {
      if (tf.getBackend() === 'tensorflow') return original(dy, saved, attributes);
      return {
        x: () =>
          tf.tidy(() => {
            const factors = borderFactors(saved[0].shape as T4['shape'], attributes as unknown as PoolingAttributes);
            const above = factors ? tf.mul(dy as tf.Tensor, factors) : (dy as tf.Tensor);
            return original(above, saved, attributes).x();
          }),
      };
    });
    wrap('Conv2D', (original) => (dy, saved, attributes) => {
      const convolution = attributes as unknown as ConvolutionAttributes;
      const { dilations, dataFormat } = convolution;
      if (tf.backend_util.tupleValuesAreOne(dilations ?? 1) || dataFormat !== 'NHWC')
        return original(dy, saved, attributes);
      return {
        x: () => dilatedInputGradient(dy as T4, saved as [T4, T4], convolution),
        // The kernel's gradient is still TF.js' own: an error that says so.
        filter: () => original(dy, saved, attributes).filter(),
      };
    });
    return true;
  });
}
