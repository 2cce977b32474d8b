import { tf } from '../../tf/backend';
import { addKnownLayers } from '../../tf/known-layers';
import { LEAST } from '../window';
import { addFrozenBias, convolve, convolveOnly, type FrozenConvolution, prepareGradient } from '../../tf/convolution';

/**
 * The few layers that TF.js lacks or that the course needs in a simpler form. Each ReLU is a layer of its own
 * and calls TF.js' relu / relu6, so that chapter 05 can change its backward rule; convolutions are frozen.
 */

type Inputs = tf.Tensor | tf.Tensor[];
const single = (inputs: Inputs) => (Array.isArray(inputs) ? inputs[0] : inputs);

abstract class SameShape extends tf.layers.Layer {
  override computeOutputShape(shape: tf.Shape | tf.Shape[]): tf.Shape | tf.Shape[] {
    return shape;
  }
}

/** max(x, 0). */
export class Relu extends SameShape {
  static className = 'Relu';
  override call(inputs: Inputs): tf.Tensor {
    return tf.relu(single(inputs));
  }
}

/** min(max(x, 0), 6), as ONE operation: a composition would hide its gradient from chapter 05. */
export class Relu6 extends SameShape {
  static className = 'Relu6';
  override call(inputs: Inputs): tf.Tensor {
    return tf.relu6(single(inputs));
  }
}

/** 局部响应归一化（local response normalization）over 5 channels; Caffe divides alpha by that 5, TF.js does not. */
export class LocalResponseNormalization extends SameShape {
  static className = 'LocalResponseNormalization';
  override call(inputs: Inputs): tf.Tensor {
    return tf.localResponseNormalization(single(inputs) as tf.Tensor4D, 2, 1, 1e-4 / 5, 0.75);
  }
}

/** How many rows a 3x3 / 2 pool in ceil mode needs below the image, so that its last window is complete. */
const missing = (n: number) => Math.max(0, Math.ceil((n - 3) / 2) * 2 + 3 - n);

/** 最大池化 3x3，步幅 2（max pooling），as Caffe does it: the last window may hang over the border (ceil mode). */
export class CeilMaxPooling extends tf.layers.Layer {
  static className = 'MaxPooling';
  readonly window = 3;
  readonly stride = 2;
  override call(inputs: Inputs): tf.Tensor {
    return tf.tidy(() => {
      const x = single(inputs) as tf.Tensor4D;
      const [rows, cols] = [missing(x.shape[1]), missing(x.shape[2])];
      // (the padding never receives a gradient either)
      const padded = rows || cols ? tf.pad(x, [[0, 0], [0, rows], [0, cols], [0, 0]], LEAST) : x; // prettier-ignore
      return tf.maxPool(padded, this.window, this.stride, 'valid');
    });
  }
  override computeOutputShape(shape: tf.Shape | tf.Shape[]): tf.Shape {
    const [n, height, width, channels] = shape as number[];
    return [n, (height + missing(height) - 3) / 2 + 1, (width + missing(width) - 3) / 2 + 1, channels];
  }
}

/** 最大池化 3x3，步幅 1（max pooling），大小不变：inception 模块的第四路。边外的位置不参与比较。 */
export class SameMaxPooling extends SameShape {
  static className = 'SameMaxPooling';
  readonly window = 3;
  readonly stride = 1;
  override call(inputs: Inputs): tf.Tensor {
    return this.pool(single(inputs) as tf.Tensor4D, 'same');
  }
  /** `pad: 'valid'` for a cut-out that brings its own padding (incremental occlusion). */
  pool(x: tf.Tensor4D, pad: 'same' | 'valid'): tf.Tensor4D {
    return tf.maxPool(x, this.window, this.stride, pad);
  }
}

export interface ConvolutionConfig {
  name: string;
  size: [number, number];
  filters: number;
  stride?: number;
  pad?: 'same' | 'valid';
  /** Grouped convolution: group g sees only its own share of the input channels (AlexNet's conv2, 4, 5). */
  groups?: number;
}

/** 卷积（convolution），权重冻结；weights: kernel [kh, kw, in / groups, filters], bias [filters]. */
export class Convolution extends tf.layers.Layer {
  static className = 'Convolution';
  readonly size: [number, number];
  readonly filters: number;
  readonly stride: number;
  readonly pad: 'same' | 'valid';
  readonly groups: number;
  private parts: FrozenConvolution[] = [];

  constructor({ name, size, filters, stride = 1, pad = 'valid', groups = 1 }: ConvolutionConfig) {
    super({ name, trainable: false });
    [this.size, this.filters, this.stride, this.pad, this.groups] = [size, filters, stride, pad, groups];
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const channels = (inputShape as number[])[3];
    const zeros = tf.initializers.zeros();
    this.addWeight('kernel', [...this.size, channels / this.groups, this.filters], 'float32', zeros);
    this.addWeight('bias', [this.filters], 'float32', zeros);
    this.built = true;
  }

  override setWeights(weights: tf.Tensor[]): void {
    super.setWeights(weights);
    this.prepare();
  }

  /** Splits the kernel into its groups and reverses it for the gradient: once, since it is frozen. */
  private prepare(): void {
    this.release();
    const [kernel, bias] = this.weights.map((w) => w.read()) as [tf.Tensor4D, tf.Tensor1D];
    const kernels = this.groups === 1 ? [kernel] : (tf.split(kernel, this.groups, 3) as tf.Tensor4D[]);
    const biases = this.groups === 1 ? [bias] : (tf.split(bias, this.groups) as tf.Tensor1D[]);
    const [, height, width] = this.inboundNodes[0].inputShapes[0] as number[];
    this.parts = kernels.map((k, g) => {
      const part = { kernel: k, bias: biases[g], stride: this.stride, pad: this.pad };
      return { ...part, phases: prepareGradient([1, height, width, k.shape[2]], part) };
    });
  }

  private release(): void {
    for (const part of this.parts) {
      part.phases?.dispose();
      if (this.groups > 1) tf.dispose([part.kernel, part.bias]);
    }
    this.parts = [];
  }

  override call(inputs: Inputs): tf.Tensor {
    return this.grouped(single(inputs) as tf.Tensor4D, (share, g) => convolve(share, this.parts[g]));
  }

  /** Without a gradient, its rectifier at once; `pad: 'valid'` for a cut-out that brings its own padding. */
  apart(x: tf.Tensor4D, pad: 'same' | 'valid', rectified: boolean): tf.Tensor4D {
    return this.grouped(x, (share, g) => convolveOnly(share, { ...this.parts[g], pad }, rectified));
  }

  /** At every place that sees one of x's, without the bias: [n, h + kh - 1, w + kw - 1, filters]; stride 1. No gradient. */
  spread(x: tf.Tensor4D): tf.Tensor4D {
    const [rows, cols] = this.size.map((k): [number, number] => [k - 1, k - 1]);
    return this.grouped(x, (share, g) => tf.conv2d(share, this.parts[g].kernel, 1, [[0, 0], rows, cols, [0, 0]]));
  }

  private grouped(x: tf.Tensor4D, one: (share: tf.Tensor4D, group: number) => tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      if (this.groups === 1) return one(x, 0);
      return tf.concat((tf.split(x, this.groups, 3) as tf.Tensor4D[]).map(one), 3);
    });
  }

  override computeOutputShape(shape: tf.Shape | tf.Shape[]): tf.Shape {
    const [n, height, width] = shape as number[];
    const out = (length: number, k: number) =>
      this.pad === 'same' ? Math.ceil(length / this.stride) : Math.floor((length - k) / this.stride) + 1;
    return [n, out(height, this.size[0]), out(width, this.size[1]), this.filters];
  }

  override dispose() {
    this.release();
    return super.dispose();
  }
}

/** 逐通道卷积（depthwise convolution），权重冻结；weights: kernel [k, k, channels, 1], bias [channels]. */
export class DepthwiseConvolution extends tf.layers.Layer {
  static className = 'DepthwiseConvolution';
  constructor(readonly config: { name: string; size: [number, number]; stride: number }) {
    super({ name: config.name, trainable: false });
  }
  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const channels = (inputShape as number[])[3];
    this.addWeight('kernel', [...this.config.size, channels, 1], 'float32', tf.initializers.zeros());
    this.addWeight('bias', [channels], 'float32', tf.initializers.zeros());
    this.built = true;
  }
  override call(inputs: Inputs): tf.Tensor {
    return this.convolve(single(inputs) as tf.Tensor4D, 'same');
  }
  /** `pad: 'valid'` for a cut-out that brings its own padding (incremental occlusion). */
  convolve(x: tf.Tensor4D, pad: 'same' | 'valid'): tf.Tensor4D {
    return tf.tidy(() => {
      const [kernel, bias] = this.weights.map((w) => w.read()) as [tf.Tensor4D, tf.Tensor1D];
      return addFrozenBias(tf.depthwiseConv2d(x, kernel, this.config.stride, pad), bias);
    });
  }
  override computeOutputShape(shape: tf.Shape | tf.Shape[]): tf.Shape {
    const [n, height, width, channels] = shape as number[];
    return [n, Math.ceil(height / this.config.stride), Math.ceil(width / this.config.stride), channels];
  }
}

/** 全连接（dense），权重冻结；weights: kernel [in, units], bias [units]. */
export class Dense extends tf.layers.Layer {
  static className = 'Dense';
  constructor(readonly config: { name: string; units: number }) {
    super({ name: config.name, trainable: false });
  }
  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const [, inputs] = inputShape as number[];
    this.addWeight('kernel', [inputs, this.config.units], 'float32', tf.initializers.zeros());
    this.addWeight('bias', [this.config.units], 'float32', tf.initializers.zeros());
    this.built = true;
  }
  override call(inputs: Inputs): tf.Tensor {
    return tf.tidy(() => {
      const [kernel, bias] = this.weights.map((w) => w.read()) as [tf.Tensor2D, tf.Tensor1D];
      return tf.add(tf.matMul(single(inputs) as tf.Tensor2D, kernel), bias);
    });
  }
  override computeOutputShape(shape: tf.Shape | tf.Shape[]): tf.Shape {
    return [(shape as number[])[0], this.config.units];
  }
}

// prettier-ignore
addKnownLayers(Relu, Relu6, LocalResponseNormalization, CeilMaxPooling, SameMaxPooling, Convolution, DepthwiseConvolution, Dense);
