import type * as Tf from '@tensorflow/tfjs';

/**
 * Strided slices on wasm that also drop an axis: the package walks through the image as if the axis had never been there.
 * Sliced first and reshaped afterwards, the numbers are right.
 */

interface Attributes {
  begin: number[];
  end: number[];
  strides: number[];
  beginMask: number;
  endMask: number;
  ellipsisMask: number;
  newAxisMask: number;
  shrinkAxisMask: number;
}

export function installWasmStridedSlice(tf: typeof Tf): void {
  const original = tf.getKernel('StridedSlice', 'wasm');
  tf.unregisterKernel('StridedSlice', 'wasm');
  tf.registerKernel({
    ...original,
    kernelFunc: (params) => {
      const a = params.attrs as unknown as Attributes;
      const x = params.inputs.x as Tf.Tensor;
      if (!a.shrinkAxisMask || a.strides.some((s) => s < 0)) return original.kernelFunc(params);
      const info = tf.slice_util.sliceInfo(x.shape, a.begin, a.end, a.strides, a.beginMask, a.endMask, a.ellipsisMask, a.newAxisMask, a.shrinkAxisMask); // prettier-ignore
      return tf.tidy(() => tf.reshape(tf.stridedSlice(x, info.begin, info.end, info.strides), info.finalShape));
    },
  });
}
