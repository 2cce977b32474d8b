import { tf } from '../../tf/backend';
import { CourseError } from '../../base/errors';
import type { NamedWeights } from '../weights/formats/weights';
import {
  CeilMaxPooling,
  Convolution,
  type ConvolutionConfig,
  Dense,
  DepthwiseConvolution,
  Relu,
  Relu6,
} from './layers';

export type Node = tf.SymbolicTensor;

/**
 * Writes a network down as a chain of named layers and fills in its weights at the end. The weights of layer
 * "x" are called "x/kernel" and "x/bias".
 */
export class NetworkBuilder {
  readonly input: Node;
  private readonly pending: { layer: tf.layers.Layer; key: string }[] = [];

  constructor(
    private readonly weights: NamedWeights,
    size: number,
  ) {
    this.input = tf.input({ shape: [size, size, 3], name: 'data' });
  }

  apply(layer: tf.layers.Layer, x: Node | Node[]): Node {
    return layer.apply(x) as Node;
  }

  private weighted(layer: tf.layers.Layer, x: Node, key: string): Node {
    this.pending.push({ layer, key });
    return this.apply(layer, x);
  }

  /** Size and number of filters are read off the weights. `key` is the weights' name where it is not the layer's. */
  conv(x: Node, name: string, options: Partial<ConvolutionConfig> = {}, key = name): Node {
    const [height, width, , filters] = this.take(key, 'kernel').shape;
    return this.weighted(new Convolution({ ...options, name, size: [height, width], filters }), x, key);
  }

  depthwise(x: Node, name: string, stride: number): Node {
    const [height, width] = this.take(name, 'kernel').shape;
    return this.weighted(new DepthwiseConvolution({ name, size: [height, width], stride }), x, name);
  }

  dense(x: Node, name: string): Node {
    return this.weighted(new Dense({ name, units: this.take(name, 'kernel').shape[1] }), x, name);
  }

  relu(x: Node, name: string): Node {
    return this.apply(new Relu({ name }), x);
  }

  relu6(x: Node, name: string): Node {
    return this.apply(new Relu6({ name }), x);
  }

  pool(x: Node, name: string): Node {
    return this.apply(new CeilMaxPooling({ name }), x);
  }

  private take(layer: string, part: string): NamedWeights[string] {
    const found = this.weights[`${layer}/${part}`];
    if (!found)
      throw new CourseError(`权重里缺少 ${layer}/${part}；请删除权重缓存后重新下载（npm run doctor 会告诉你位置）。`);
    return found;
  }

  finish(output: Node): tf.LayersModel {
    const model = tf.model({ inputs: this.input, outputs: output });
    for (const { layer, key } of this.pending) {
      const tensors = ['kernel', 'bias'].map((part) => {
        const { data, shape } = this.take(key, part);
        return tf.tensor(data, shape);
      });
      layer.setWeights(tensors);
      tf.dispose(tensors);
    }
    return model;
  }
}
