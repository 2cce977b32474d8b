import type * as Tf from '@tensorflow/tfjs';

/**
 * Zeiler & Fergus' unpooling (2014, section 2.1): each window hands its value back to the place where its maximum
 * was found, its "switch". Where overlapping windows share a switch the later window OVERWRITES the earlier one, a
 * zero included (max_unpool2d does the same), while the gradient of max pooling ADDS the two. With windows that do not
 * overlap both are the same.
 */

export interface PoolingAttributes {
  readonly filterSize: number | [number, number];
  readonly strides: number | [number, number];
  readonly pad: 'same' | 'valid' | number | Tf.backend_util.ExplicitPadding;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** What happens where two windows meet. */
export type Meeting = 'add' | 'overwrite';

/** For each window and channel: hands dy to the FIRST maximum of x. All arrays NHWC; dx starts as zeros. */
export function scatterToMaxima(
  x: Float32Array,
  dy: Float32Array,
  dx: Float32Array,
  info: Tf.backend_util.Conv2DInfo,
  meeting: Meeting = 'add',
): void {
  const { batchSize, inHeight, inWidth, outHeight, outWidth, inChannels: channels } = info;
  const { strideHeight, strideWidth, effectiveFilterHeight, effectiveFilterWidth, padInfo } = info;
  const best = new Float32Array(channels);
  const where = new Int32Array(channels);
  for (let b = 0; b < batchSize; b++) {
    for (let row = 0; row < outHeight; row++) {
      const top = row * strideHeight - padInfo.top;
      for (let col = 0; col < outWidth; col++) {
        const left = col * strideWidth - padInfo.left;
        best.fill(-Infinity);
        where.fill(-1);
        for (let y = Math.max(0, top); y < Math.min(inHeight, top + effectiveFilterHeight); y++) {
          for (let xx = Math.max(0, left); xx < Math.min(inWidth, left + effectiveFilterWidth); xx++) {
            const at = ((b * inHeight + y) * inWidth + xx) * channels;
            for (let c = 0; c < channels; c++) {
              if (x[at + c] > best[c]) {
                best[c] = x[at + c];
                where[c] = at + c;
              }
            }
          }
        }
        const out = ((b * outHeight + row) * outWidth + col) * channels;
        if (meeting === 'add') {
          for (let c = 0; c < channels; c++) if (where[c] >= 0) dx[where[c]] += dy[out + c];
        } else {
          for (let c = 0; c < channels; c++) if (where[c] >= 0) dx[where[c]] = dy[out + c];
        }
      }
    }
  }
}

/** Unpooling by switches, on any backend: reads both tensors, so it is a little slower than the gradient. */
export function unpoolBySwitches(tf: typeof Tf, dy: Tf.Tensor, x: Tf.Tensor, pooling: PoolingAttributes): Tf.Tensor {
  const { filterSize, strides, pad, dimRoundingMode } = pooling;
  const shape = x.shape as [number, number, number, number];
  const info = tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
  const dx = new Float32Array(x.size);
  scatterToMaxima(x.dataSync<'float32'>(), dy.dataSync<'float32'>(), dx, info, 'overwrite');
  return tf.tensor(dx, shape);
}
