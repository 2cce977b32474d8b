import { tf } from './tf';

/**
 * The gradient of a convolution with respect to its KERNEL on wasm, which lacks the operation: without it no
 * network of one's own can be trained there (chapter 09).
 *
 * dK[i, j, c, o] = sum over images n and outputs (y, x) of X[n, s y + i, s x + j, c] * dY[n, y, x, o]: a convolution
 * of X with dY as its kernel, where channels take the place of images and the stride becomes a dilation.
 */

type T4 = tf.Tensor4D;
type Shape4 = [number, number, number, number];

interface Attributes {
  strides: number | [number, number];
  pad: 'same' | 'valid' | number;
  dataFormat: string;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
  filterShape: Shape4;
}

function convolutionFilterGradient(x: T4, dy: T4, attributes: Attributes): T4 {
  const { strides, pad, dimRoundingMode, filterShape } = attributes;
  return tf.tidy(() => {
    const info = tf.backend_util.computeConv2DInfo(x.shape, filterShape, strides, 1, pad, dimRoundingMode);
    const { strideHeight, strideWidth, padInfo, outHeight, outWidth } = info;
    // Exactly the rows and columns that the forward windows read.
    const rows = (outHeight - 1) * strideHeight + filterShape[0];
    const cols = (outWidth - 1) * strideWidth + filterShape[1];
    const below = Math.max(0, rows - x.shape[1] - padInfo.top);
    const right = Math.max(0, cols - x.shape[2] - padInfo.left);
    const padded = tf.pad(x, [[0, 0], [padInfo.top, below], [padInfo.left, right], [0, 0]]) as T4; // prettier-ignore
    const read = tf.slice(padded, [0, 0, 0, 0], [-1, rows, cols, -1]);
    const images = tf.transpose(read, [3, 1, 2, 0]);
    const kernel = tf.transpose(dy, [1, 2, 0, 3]);
    const gradient = tf.conv2d(images, kernel, 1, 'valid', 'NHWC', [strideHeight, strideWidth]);
    return tf.transpose(gradient, [1, 2, 0, 3]);
  });
}

export function installWasmFilterGradient(): void {
  if (tf.getKernel('Conv2DBackpropFilter', 'wasm')) return;
  tf.registerKernel({
    kernelName: 'Conv2DBackpropFilter',
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs }) =>
      convolutionFilterGradient(inputs.x as T4, inputs.dy as T4, attrs as unknown as Attributes),
  });
}
