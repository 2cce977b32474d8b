import type * as Tf from '@tensorflow/tfjs';

/**
 * The gradient of max pooling on wasm. The package's own kernel loses the gradient of every window whose
 * maximum is <= 0 and gives ties to the last element; TensorFlow, PyTorch and the cpu backend give them to the
 * first. Flat sky and the zeros after a ReLU are full of ties.
 */

interface WasmBackend {
  makeOutput(shape: number[], dtype: Tf.DataType): Tf.TensorInfo;
  typedArrayFromHeap(tensor: Tf.TensorInfo): Float32Array;
}

interface Pooling {
  filterSize: number | [number, number];
  strides: number | [number, number];
  pad: 'same' | 'valid' | number;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** For each window and channel: add dy at the first maximum. All arrays NHWC. */
export function scatterToMaxima(
  x: Float32Array,
  dy: Float32Array,
  dx: Float32Array,
  info: Tf.backend_util.Conv2DInfo,
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
        for (let c = 0; c < channels; c++) if (where[c] >= 0) dx[where[c]] += dy[out + c];
      }
    }
  }
}

export function installWasmMaxPoolGrad(tf: typeof Tf): void {
  tf.unregisterKernel('MaxPoolGrad', 'wasm');
  tf.registerKernel({
    kernelName: 'MaxPoolGrad',
    backendName: 'wasm',
    kernelFunc: ({ inputs, backend, attrs }) => {
      const { dy, input } = inputs as { dy: Tf.TensorInfo; input: Tf.TensorInfo };
      const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as Pooling;
      const shape = input.shape as [number, number, number, number];
      const info = tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
      const wasm = backend as WasmBackend;
      // Allocate before taking views: growing the wasm memory moves the heap and detaches them.
      const output = wasm.makeOutput(input.shape, input.dtype);
      const dx = wasm.typedArrayFromHeap(output).fill(0);
      scatterToMaxima(wasm.typedArrayFromHeap(input), wasm.typedArrayFromHeap(dy), dx, info);
      return output;
    },
  });
}
