import type * as Tf from '@tensorflow/tfjs';
import { sliceInfo, type StridedSliceAttributes } from './strided-slice';

/**
 * Strided slices on wasm that also drop an axis: the package walks through the image as if the axis had never been there.
 * Sliced first and reshaped afterwards, the numbers are right.
 */

export function installWasmStridedSlice(tf: typeof Tf): void {
  const original = tf.getKernel('StridedSlice', 'wasm');
  tf.unregisterKernel('StridedSlice', 'wasm');
  tf.registerKernel({
    ...original,
    kernelFunc: (params) => {
      const a = params.attrs as unknown as StridedSliceAttributes;
      const x = params.inputs.x as Tf.Tensor;
      if (!a.shrinkAxisMask || a.strides.some((s) => s < 0)) return original.kernelFunc(params);
      const info = sliceInfo(tf, x.shape, a);
      return tf.tidy(() => tf.reshape(tf.stridedSlice(x, info.begin, info.end, info.strides), info.finalShape));
    },
  });
}
