import { tf } from './tf';

/**
 * Zeiler & Fergus' unpooling (2014, section 2.1): each window hands its value back to the place where its maximum
 * was found, its "switch". Where overlapping windows share a switch the later window OVERWRITES the earlier one, a
 * zero included (max_unpool2d does the same), while the gradient of max pooling ADDS the two. With windows that do not
 * overlap both are the same.
 */

export interface PoolingAttributes {
  readonly filterSize: number | [number, number];
  readonly strides: number | [number, number];
  readonly pad: 'same' | 'valid' | number | tf.backend_util.ExplicitPadding;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** What happens where two windows meet. */
export type Meeting = 'add' | 'overwrite';

/**
 * For each window and channel: hands dy to the FIRST maximum of x (ties are everywhere in a flat sky and among the zeros
 * of a ReLU; TensorFlow and PyTorch give them to the first). All arrays NHWC; dx starts as zeros.
 *
 * y, the maxima themselves, is known from the forward pass: the search can stop at the first element that equals it.
 */
export function scatterToMaxima(
  x: Float32Array,
  y: Float32Array,
  dy: Float32Array,
  dx: Float32Array,
  info: tf.backend_util.Conv2DInfo,
  meeting: Meeting = 'add',
): void {
  const { batchSize, inHeight, inWidth, outHeight, outWidth, inChannels: channels } = info;
  const { strideHeight, strideWidth, effectiveFilterHeight, effectiveFilterWidth, padInfo } = info;
  const add = meeting === 'add';
  const line = inWidth * channels;
  for (let window = 0; window < batchSize * outHeight * outWidth; window++) {
    const col = window % outWidth;
    const row = Math.floor(window / outWidth) % outHeight;
    const image = Math.floor(window / (outWidth * outHeight)) * inHeight * line;
    const top = row * strideHeight - padInfo.top;
    const left = col * strideWidth - padInfo.left;
    const begin = image + Math.max(0, top) * line;
    const end = image + Math.min(inHeight, top + effectiveFilterHeight) * line;
    const from = Math.max(0, left) * channels;
    const width = Math.min(inWidth, left + effectiveFilterWidth) * channels - from;
    for (let c = 0; c < channels; c++) {
      const gradient = dy[window * channels + c];
      if (add && gradient === 0) continue;
      const maximum = y[window * channels + c];
      search: for (let first = begin + from + c; first < end; first += line) {
        for (let at = first; at < first + width; at += channels) {
          if (x[at] !== maximum) continue;
          dx[at] = add ? dx[at] + gradient : gradient;
          break search;
        }
      }
    }
  }
}

/** A backend's own way to do it, where it has one. */
export const UNPOOL = 'ConvscopeUnpool';

/** Unpooling by switches, on any backend: most read the tensors, so it is a little slower than the gradient. */
export function unpoolBySwitches(dy: tf.Tensor, [x, y]: readonly tf.Tensor[], pooling: PoolingAttributes): tf.Tensor {
  if (tf.getKernel(UNPOOL, tf.getBackend())) {
    return tf.engine().runKernel(UNPOOL, { dy, input: x, output: y }, pooling as unknown as Record<string, number>);
  }
  const { filterSize, strides, pad, dimRoundingMode } = pooling;
  const shape = x.shape as [number, number, number, number];
  const info = tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
  const dx = new Float32Array(x.size);
  // eslint-disable-next-line no-restricted-syntax -- TensorFlow.js asks for a gradient and cannot wait for it
  const [xs, ys, dys] = [x, y, dy].map((t) => t.dataSync<'float32'>());
  scatterToMaxima(xs, ys, dys, dx, info, 'overwrite');
  return tf.tensor(dx, shape);
}
