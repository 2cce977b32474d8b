import type { tf } from '../tf/backend';

/** What one output of a layer reads along one axis of the layer's input: `size` values, the first `before` ahead. */
export interface AxisWindow {
  readonly size: number;
  readonly stride: number;
  /** Output i starts to read at input stride · i − before. */
  readonly before: number;
}

/** 1: rows, 2: columns (the axes of [n, h, w, c]). */
export type Axis = 1 | 2;

type Layer = tf.layers.Layer;
type Pair = readonly [number, number];

interface Configured {
  readonly size?: Pair;
  readonly stride?: number;
  readonly pad?: string;
  readonly window?: number;
  readonly config?: { readonly size: Pair; readonly stride: number };
  readonly kernelSize?: Pair;
  readonly poolSize?: Pair;
  readonly strides?: Pair;
  readonly dilationRate?: number | Pair;
  readonly padding?: string | readonly Pair[];
  readonly cropping?: readonly Pair[];
  readonly dataFormat?: string;
  readonly axis?: number | readonly number[];
  /** What a layer of our own says of itself. */
  readonly pointwise?: boolean;
}

/** Layers that work on each place by itself. A layer that is not known here may read anything: no guess is made. */
const POINTWISE = new Set(
  `InputLayer Activation ReLU LeakyReLU PReLU ELU ThresholdedReLU Dropout SpatialDropout2D GaussianNoise GaussianDropout
  AlphaDropout Rescaling Relu Relu6 LocalResponseNormalization KerasReLU KerasNormalization`.split(/\s+/),
);
/** Layers that join several maps of one size, place by place. */
const JOINS = new Set(['Add', 'Subtract', 'Multiply', 'Average', 'Maximum', 'Minimum']);
/** Layers that work along one axis: place by place if it is that of the channels. */
const OVER_CHANNELS = new Set(['Concatenate', 'LayerNormalization', 'BatchNormalization', 'Softmax']);
const KERNELS = new Set(
  `Conv2D DepthwiseConv2D SeparableConv2D MaxPooling2D AveragePooling2D GraphConv2D GraphDepthwiseConv2D
  GraphMaxPooling2D GraphAveragePooling2D`.split(/\s+/),
);

/** Less than any float that occurs: what a max pool sees outside the map, so that the padding never wins. */
export const LEAST = -3.4e38;

const POINT: AxisWindow = { size: 1, stride: 1, before: 0 };
const alongAxis = (value: number | Pair | undefined, axis: Axis) =>
  typeof value === 'number' ? value : (value?.[axis - 1] ?? 1);

/** Whether the only axis a layer mixes is the last one, the channels. */
const overChannels = (axis: number | readonly number[] | undefined) =>
  [axis ?? -1].flat().every((a) => a === -1 || a === 3);

/**
 * The window of a layer along an axis, from the sizes of that axis before and after; undefined where an output does not
 * read one window that moves in even steps (dense layers, upsampling, transposed convolutions, layers of somebody else).
 */
export function windowOf(layer: Layer, axis: Axis, input: number, output: number): AxisWindow | undefined {
  const own = layer as unknown as Configured;
  const kind = layer.getClassName();
  const windowed = (size: number, stride: number, same: boolean): AxisWindow => ({
    size,
    stride,
    before: same ? Math.floor(Math.max(0, (output - 1) * stride + size - input) / 2) : 0,
  });
  if (own.dataFormat === 'channelsFirst') return undefined;
  if (kind === 'Convolution') return windowed(own.size![axis - 1], own.stride!, own.pad === 'same');
  if (kind === 'DepthwiseConvolution') return windowed(own.config!.size[axis - 1], own.config!.stride, true);
  if (kind === 'MaxPooling' || kind === 'SameMaxPooling') {
    return windowed(own.window!, own.stride!, kind === 'SameMaxPooling');
  }
  if (KERNELS.has(kind)) {
    const size = alongAxis(own.kernelSize ?? own.poolSize, axis);
    const reach = (size - 1) * alongAxis(own.dilationRate, axis) + 1;
    return windowed(reach, alongAxis(own.strides, axis), own.padding === 'same');
  }
  if (kind === 'ZeroPadding2D') return { ...POINT, before: (own.padding as readonly Pair[])[axis - 1][0] };
  if (kind === 'Cropping2D') return { ...POINT, before: -own.cropping![axis - 1][0] };
  if (OVER_CHANNELS.has(kind)) return overChannels(own.axis) ? POINT : undefined;
  return own.pointwise || POINTWISE.has(kind) || JOINS.has(kind) ? POINT : undefined;
}
