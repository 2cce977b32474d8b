import { tf } from './tf';
import { type PoolingAttributes, scatterToMaxima } from './max-pool-switches';

/**
 * The gradient of max pooling on wasm. The package's own kernel loses the gradient of every window whose
 * maximum is <= 0 and gives ties to the last element; TensorFlow, PyTorch and the cpu backend give them to the
 * first. Flat sky and the zeros after a ReLU are full of ties.
 */

interface WasmBackend {
  makeOutput(shape: number[], dtype: tf.DataType): tf.TensorInfo;
  typedArrayFromHeap(tensor: tf.TensorInfo): Float32Array;
}

export function installWasmMaxPoolGrad(): void {
  tf.unregisterKernel('MaxPoolGrad', 'wasm');
  tf.registerKernel({
    kernelName: 'MaxPoolGrad',
    backendName: 'wasm',
    kernelFunc: ({ inputs, backend, attrs }) => {
      const { dy, input, output: maxima } = inputs as Record<'dy' | 'input' | 'output', tf.TensorInfo>;
      const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as PoolingAttributes;
      const shape = input.shape as [number, number, number, number];
      const info = tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
      const wasm = backend as WasmBackend;
      // Allocate before taking views: growing the wasm memory moves the heap and detaches them.
      const output = wasm.makeOutput(input.shape, input.dtype);
      const dx = wasm.typedArrayFromHeap(output).fill(0);
      const [x, y, above] = [input, maxima, dy].map((t) => wasm.typedArrayFromHeap(t));
      scatterToMaxima(x, y, above, dx, info);
      return output;
    },
  });
}
