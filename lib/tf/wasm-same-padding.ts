import { tf } from './tf';

/**
 * Convolutions on wasm whose kernel is smaller than the stride along one axis (1 x 3 with stride 2), padding 'same': the
 * package leaves the padding to its library, which gets it wrong. With the padding in numbers it is right.
 */

type Shape4 = [number, number, number, number];

interface Attributes {
  strides: number | [number, number];
  pad: 'same' | 'valid' | number | tf.backend_util.ExplicitPadding;
  dilations?: number | [number, number];
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

function explicit(x: Shape4, filter: Shape4, a: Attributes, depthwise: boolean): Attributes {
  const [down, across] = typeof a.strides === 'number' ? [a.strides, a.strides] : a.strides;
  if (a.pad !== 'same' || (filter[0] >= down && filter[1] >= across)) return a;
  const { padInfo } = tf.backend_util.computeConv2DInfo(x, filter, a.strides, a.dilations ?? 1, 'same', a.dimRoundingMode, depthwise); // prettier-ignore
  const { top, bottom, left, right } = padInfo;
  return { ...a, pad: [[0, 0], [top, bottom], [left, right], [0, 0]] }; // prettier-ignore
}

export function installWasmSamePadding(): void {
  for (const kernelName of ['Conv2D', 'FusedConv2D', 'DepthwiseConv2dNative', 'FusedDepthwiseConv2D']) {
    const original = tf.getKernel(kernelName, 'wasm');
    if (!original) continue;
    tf.unregisterKernel(kernelName, 'wasm');
    tf.registerKernel({
      ...original,
      kernelFunc: (params) => {
        const { x, filter } = params.inputs as Record<'x' | 'filter', tf.TensorInfo>;
        const attrs = explicit(x.shape as Shape4, filter.shape as Shape4, params.attrs as unknown as Attributes, kernelName.includes('epthwise')); // prettier-ignore
        return original.kernelFunc({ ...params, attrs: attrs as never });
      },
    });
  }
}
