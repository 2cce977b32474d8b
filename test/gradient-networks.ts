import { tf } from '../lib/tf/backend';
import { inputGradient, type Target } from '../lib/05-deconv/gradients';
import { type ImageModel, imageModel } from '../lib/model/model';
import { Convolution } from '../lib/model/networks/layers';

/** A network of our own from any chain of layers; input x in [0, 1] reaches the first layer unchanged. */
export function chain(inputSize: [number, number], layers: tf.layers.Layer[], logits?: string): ImageModel {
  const input = tf.input({ shape: [...inputSize, 3] });
  const output = layers.reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, input as tf.SymbolicTensor);
  const first = layers[0].name;
  return imageModel(tf.model({ inputs: input, outputs: output }), {
    id: 'chain',
    title: '手搭网络',
    classes: [],
    roles: {
      firstConv: first,
      lastConv: first,
      lastPool: first,
      features: first,
      logits,
      stages: [first, first, first, first, first],
    },
    preprocess: { mean: [0, 0, 0], scale: 1 / 255 },
  });
}

export function convolution(name: string, size: [number, number], kernel: number[], channels: number, filters: number) {
  const layer = new Convolution({ name, size, filters });
  const fill = () => {
    const weights = [tf.tensor4d(kernel, [...size, channels, filters]), tf.zeros([filters])];
    layer.setWeights(weights);
    tf.dispose(weights);
  };
  return { layer, fill };
}

/** A layer that computes whatever it is given: what somebody's own layer may do. */
export class Own extends tf.layers.Layer {
  static className = 'Own';
  constructor(
    name: string,
    private readonly compute: (x: tf.Tensor) => tf.Tensor,
  ) {
    super({ name });
  }
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return this.compute(Array.isArray(inputs) ? inputs[0] : inputs);
  }
  override computeOutputShape(shape: tf.Shape | tf.Shape[]): tf.Shape | tf.Shape[] {
    return shape;
  }
}

/** The gradient as plain numbers. */
export const gradientOf = (model: ImageModel, image: tf.Tensor3D, target: Target, options = {}) => {
  const gradient = inputGradient(model, image, target, options);
  const values = Array.from(gradient.dataSync());
  gradient.dispose();
  return values;
};
