import { tf } from './tf';
import { sliceInfo, type StridedSliceAttributes } from './strided-slice';

/**
 * Strided slices on wasm and WebGPU that also drop an axis: their packages walk through the image as if the axis had never been there.
 * Sliced first and reshaped afterwards, the numbers are right.
 */

export function repairStridedSlice(backend: 'wasm' | 'webgpu'): void {
  const original = tf.getKernel('StridedSlice', backend);
  tf.unregisterKernel('StridedSlice', backend);
  tf.registerKernel({
    ...original,
    kernelFunc: (params) => {
      const a = params.attrs as unknown as StridedSliceAttributes;
      const x = params.inputs.x as tf.Tensor;
      if (!a.shrinkAxisMask || a.strides.some((s) => s < 0)) return original.kernelFunc(params);
      const info = sliceInfo(x.shape, a);
      return tf.tidy(() => tf.reshape(tf.stridedSlice(x, info.begin, info.end, info.strides), info.finalShape));
    },
  });
}
