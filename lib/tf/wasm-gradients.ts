import { tf } from './tf';
import { shared } from '../base/state';
import { repairStridedSlice } from './strided-slice-repair';
import { installWasmFilterGradient } from './wasm-filter-gradient';
import { installWasmSamePadding } from './wasm-same-padding';
import { installWasmKernels } from './wasm-kernels';
import { installWasmMaxPoolGrad } from './wasm-max-pool-grad';

/**
 * Input gradients of convolutions on wasm.
 *
 * The gradient of a convolution with stride s scatters each output gradient into s x s interleaved phases of
 * the input. All phases at once are ONE stride-1 convolution with s*s times the channels, followed by
 * depthToSpace: operations for which wasm has fast kernels, while its own Conv2DBackpropInput is slow and
 * DepthwiseConv2dNativeBackpropInput does not exist.
 */

type T4 = tf.Tensor4D;
type Shape4 = [number, number, number, number];

interface Geometry {
  readonly stride: number;
  readonly top: number;
  readonly left: number;
  /** Kernel size in steps of the stride, rounded up. */
  readonly rows: number;
  readonly cols: number;
  /** Input size in steps of the stride, rounded up, padding included. */
  readonly height: number;
  readonly width: number;
}

function geometryOf(
  inShape: Shape4,
  kernel: Shape4,
  info: { strideHeight: number; padInfo: { top: number; left: number } },
): Geometry {
  const { strideHeight: stride, padInfo } = info;
  return {
    stride,
    top: padInfo.top,
    left: padInfo.left,
    rows: Math.ceil(kernel[0] / stride),
    cols: Math.ceil(kernel[1] / stride),
    height: Math.ceil((inShape[1] + padInfo.top) / stride),
    width: Math.ceil((inShape[2] + padInfo.left) / stride),
  };
}

/** Pads (or cuts) the output gradient so that the stride-1 VALID convolution yields height x width. */
function padGradient(dy: T4, g: Geometry): T4 {
  const [batch, outHeight, outWidth, channels] = dy.shape;
  const below = g.height - outHeight;
  const right = g.width - outWidth;
  const padded = tf.pad(dy, [
    [0, 0],
    [g.rows - 1, Math.max(below, 0)],
    [g.cols - 1, Math.max(right, 0)],
    [0, 0],
  ]);
  if (below >= 0 && right >= 0) return padded;
  return tf.slice(padded, [0, 0, 0, 0], [batch, g.height + g.rows - 1, g.width + g.cols - 1, channels]);
}

/** Fills the kernel with zeros up to a multiple of the stride. */
function padKernel(kernel: T4, g: Geometry): T4 {
  const rows = g.rows * g.stride - kernel.shape[0];
  const cols = g.cols * g.stride - kernel.shape[1];
  return rows || cols ? tf.pad(kernel, [[0, rows], [0, cols], [0, 0], [0, 0]]) : kernel; // prettier-ignore
}

/** Phases back to pixels, then the padding off. */
function unpad(phases: T4, inShape: Shape4, g: Geometry): T4 {
  const [batch, height, width, channels] = inShape;
  const full = g.stride > 1 ? tf.depthToSpace(phases, g.stride, 'NHWC') : phases;
  const exact = !g.top && !g.left && full.shape[1] === height && full.shape[2] === width;
  return exact ? full : tf.slice(full, [0, g.top, g.left, 0], [batch, height, width, channels]);
}

/** The kernel of the phase convolution: [rows, cols, out, stride * stride * in], spatially reversed. */
function phaseKernel(kernel: T4, g: Geometry): T4 {
  return tf.tidy(() => {
    const { stride: s, rows, cols } = g;
    const [, , channels, filters] = kernel.shape;
    if (s === 1) return tf.transpose(tf.reverse(kernel, [0, 1]), [0, 1, 3, 2]);
    const split = tf.reshape(padKernel(kernel, g), [rows, s, cols, s, channels * filters]);
    const taps = tf.reverse(tf.transpose(split, [0, 2, 1, 3, 4]), [0, 1]);
    const perTap = tf.transpose(tf.reshape(taps, [rows * cols, s * s * channels, filters]), [0, 2, 1]);
    return tf.reshape(perTap, [rows, cols, filters, s * s * channels]) as T4;
  });
}

/** d loss / d input of a convolution. `phases`: a prepared phaseKernel, when the caller keeps one. */
export function convolutionInputGradient(
  inShape: Shape4,
  dy: T4,
  kernel: T4,
  strides: number | [number, number],
  pad: 'same' | 'valid' | number | tf.backend_util.ExplicitPadding,
  roundingMode?: 'floor' | 'round' | 'ceil',
  phases?: T4,
): T4 {
  // prettier-ignore
  return tf.tidy(() => {
    const info = tf.backend_util.computeConv2DInfo(inShape, kernel.shape, strides, 1, pad, roundingMode);
    const g = geometryOf(inShape, kernel.shape, info);
    return unpad(tf.conv2d(padGradient(dy, g), phases ?? phaseKernel(kernel, g), 1, 'valid'), inShape, g);
  });
}

/** The phase kernel of a convolution whose input has this shape: frozen layers prepare it once. */
export function prepareConvolution(inShape: Shape4, kernel: T4, stride: number, pad: 'same' | 'valid' | number): T4 {
  const info = tf.backend_util.computeConv2DInfo(inShape, kernel.shape, stride, 1, pad);
  return phaseKernel(kernel, geometryOf(inShape, kernel.shape, info));
}

/** d loss / d input of a depthwise convolution (channel multiplier m allowed). */
function depthwiseInputGradient(
  inShape: Shape4,
  dy: T4,
  kernel: T4,
  strides: number | [number, number],
  pad: 'same' | 'valid' | number | tf.backend_util.ExplicitPadding,
  roundingMode?: 'floor' | 'round' | 'ceil',
): T4 {
  // prettier-ignore
  return tf.tidy(() => {
    const info = tf.backend_util.computeConv2DInfo(inShape, kernel.shape, strides, 1, pad, roundingMode, true);
    const g = geometryOf(inShape, kernel.shape, info);
    const { stride: s, rows, cols } = g;
    const [batch, , , channels] = inShape;
    const multiplier = kernel.shape[3];
    const outputs = channels * multiplier;
    let taps: T4;
    if (s === 1) {
      taps = tf.reshape(tf.reverse(kernel, [0, 1]), [kernel.shape[0], kernel.shape[1], outputs, 1]);
    } else {
      const split = tf.reshape(padKernel(kernel, g), [rows, s, cols, s, outputs]);
      taps = tf.reshape(tf.reverse(tf.transpose(split, [0, 2, 4, 1, 3]), [0, 1]), [rows, cols, outputs, s * s]);
    }
    let phases = tf.depthwiseConv2d(padGradient(dy, g), taps, 1, 'valid') as T4;
    if (multiplier > 1 || s > 1) {
      const perChannel = tf.sum(tf.reshape(phases, [batch * g.height * g.width, channels, multiplier, s * s]), 2);
      phases = tf.reshape(tf.transpose(perChannel, [0, 2, 1]), [batch, g.height, g.width, s * s * channels]);
    }
    return unpad(phases, inShape, g);
  });
}

type ConvAttributes = {
  strides: number | [number, number];
  pad: 'same' | 'valid' | number;
  dilations?: number | [number, number];
  dataFormat?: string;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
};

function replaceGradient(kernelName: string, inputGradient: typeof depthwiseInputGradient): void {
  const original = tf.getGradient(kernelName);
  tf.unregisterGradient(kernelName);
  tf.registerGradient({
    ...original,
    gradFunc: (dy, saved, attributes) => {
      const gradients = original.gradFunc(dy, saved, attributes);
      const { strides, pad, dilations, dataFormat, dimRoundingMode } = attributes as unknown as ConvAttributes;
      const even = !Array.isArray(strides) || strides[0] === strides[1];
      const plain = tf.backend_util.tupleValuesAreOne(dilations ?? 1) && (dataFormat ?? 'NHWC') === 'NHWC';
      if (tf.getBackend() === 'wasm' && even && plain) {
        const [x, kernel] = saved as [T4, T4];
        gradients.x = () => inputGradient(x.shape, dy as T4, kernel, strides, pad, dimRoundingMode);
      }
      return gradients;
    },
  });
}

export function installWasmGradients(): void {
  shared('wasm-gradients', () => {
    replaceGradient('Conv2D', convolutionInputGradient);
    replaceGradient('DepthwiseConv2dNative', depthwiseInputGradient);
    installWasmMaxPoolGrad();
    installWasmFilterGradient();
    installWasmSamePadding();
    installWasmKernels();
    repairStridedSlice('wasm');
    return true;
  });
}
