import { tf } from '../lib/tf/backend';
import { type ImageModel, imageModel } from '../lib/model/model';
import {
  CeilMaxPooling,
  Convolution,
  Dense,
  DepthwiseConvolution,
  LocalResponseNormalization,
  Relu,
  Relu6,
  SameMaxPooling,
} from '../lib/model/networks/layers';
import { randomGenerator } from '../lib/base/random';

/** Small networks with every layer that incremental occlusion knows, non-square on purpose; seeded weights. */

type Node = tf.SymbolicTensor;
type LayerOf<T> = new (config: T) => tf.layers.Layer;

const make = <T>(Kind: LayerOf<T>, config: T, x: Node) => new Kind(config).apply(x) as Node;

function finish(input: Node, output: Node): ImageModel {
  const network = tf.model({ inputs: input, outputs: output });
  const { normal } = randomGenerator(7);
  for (const layer of network.layers.filter((l) => l.weights.length)) {
    const tensors = layer.weights.map((w) => {
      const shape = w.shape as number[];
      const fanIn = shape.slice(0, -1).reduce((a, b) => a * b, 1);
      const size = shape.reduce((a, b) => a * b, 1);
      return tf.tensor(
        Float32Array.from({ length: size }, () => normal() / Math.sqrt(fanIn)),
        shape,
      );
    });
    layer.setWeights(tensors);
    tf.dispose(tensors);
  }
  const names = network.layers.map((l) => l.name);
  const classes = Array.from({ length: output.shape[1]! }, (_, index) => ({ index, wnid: '', en: '', zh: '' }));
  const roles = { firstConv: 'conv1', lastConv: 'conv1', lastPool: 'pool', features: 'conv1', logits: 'scores' };
  const stages: [string, string, string, string, string] = [names[1], names[1], names[1], names[1], names[1]];
  const preprocess = { mean: [123, 117, 104] as [number, number, number], scale: 1 / 64 };
  return imageModel(network, { id: 'small', title: '小网络', classes, roles: { ...roles, stages }, preprocess });
}

/** AlexNet in small: grouped convolution, LRN, overlapping pools in ceil mode, dense layers. */
export function sequentialNet(): ImageModel {
  const input = tf.input({ shape: [37, 45, 3] });
  let x = make(Convolution, { name: 'conv1', size: [5, 5], filters: 6, stride: 2, pad: 'same' }, input);
  x = make(LocalResponseNormalization, { name: 'norm' }, make(Relu, { name: 'relu1' }, x));
  x = make(CeilMaxPooling, { name: 'pool' }, x);
  x = make(Convolution, { name: 'conv2', size: [3, 3], filters: 8, pad: 'same', groups: 2 }, x);
  x = make(CeilMaxPooling, { name: 'pool2' }, make(Relu, { name: 'relu2' }, x));
  x = make(Dense, { name: 'fc', units: 7 }, tf.layers.flatten().apply(x) as Node);
  return finish(input, make(Dense, { name: 'scores', units: 5 }, make(Relu, { name: 'relu3' }, x)));
}

/** So many channels that windows are spread (spread.ts): one layer behind the other, grouped, without padding. */
export function wideNet(): ImageModel {
  const input = tf.input({ shape: [27, 33, 3] });
  const conv = (name: string, filters: number, from: Node, more: object = {}) =>
    make(Convolution, { name, size: [3, 3] as [number, number], filters, pad: 'same', ...more }, from);
  let x = make(Relu, { name: 'relu1' }, conv('conv1', 128, input, { stride: 2 }));
  x = make(Relu6, { name: 'relu2' }, conv('conv2', 160, x));
  x = make(Relu, { name: 'relu3' }, conv('conv3', 128, x, { groups: 2, size: [3, 5] }));
  x = make(LocalResponseNormalization, { name: 'norm' }, make(Relu, { name: 'relu4' }, conv('conv4', 128, x)));
  x = make(CeilMaxPooling, { name: 'pool' }, x);
  x = make(Relu, { name: 'relu5' }, conv('conv5', 8, x, { pad: 'valid' }));
  x = make(CeilMaxPooling, { name: 'pool2' }, x);
  return finish(input, make(Dense, { name: 'scores', units: 5 }, tf.layers.flatten().apply(x) as Node));
}

function fire(name: string, x: Node, squeeze: number, expand: [number, number]): Node {
  const conv = (part: string, size: number, filters: number, from: Node) =>
    make(
      Relu,
      { name: `${name}/relu${part}` },
      make(Convolution, { name: `${name}/${part}`, size: [size, size], filters, pad: 'same' }, from),
    );
  const squeezed = conv('0', 1, squeeze, x);
  const branches = [conv('1', 1, expand[0], squeezed), conv('3', 3, expand[1], squeezed)];
  return tf.layers.concatenate({ name: `${name}/concat`, axis: 3 }).apply(branches) as Node;
}

/** SqueezeNet in small: fire modules, a padded 1x1 convolution, the global mean as scores. */
export function fireNet(): ImageModel {
  const input = tf.input({ shape: [41, 33, 3] });
  let x = make(Convolution, { name: 'conv1', size: [3, 5], filters: 6, stride: 2 }, input);
  x = make(CeilMaxPooling, { name: 'pool' }, make(Relu, { name: 'relu1' }, x));
  x = fire('f2', fire('f1', x, 4, [5, 6]), 3, [4, 5]);
  x = fire('f3', make(CeilMaxPooling, { name: 'pool2' }, x), 4, [6, 4]);
  x = tf.layers.zeroPadding2d({ name: 'conv10/pad', padding: 1 }).apply(x) as Node;
  x = make(Relu, { name: 'relu10' }, make(Convolution, { name: 'conv10', size: [1, 1], filters: 4 }, x));
  return finish(input, tf.layers.globalAveragePooling2d({ name: 'scores' }).apply(x) as Node);
}

function inception(name: string, x: Node, [one, three, five, pooled]: number[]): Node {
  const conv = (part: string, size: number, filters: number, from: Node) =>
    make(
      Relu,
      { name: `${name}/relu${part}` },
      make(Convolution, { name: `${name}/${part}`, size: [size, size], filters, pad: 'same' }, from),
    );
  const branches = [
    conv('1', 1, one, x),
    conv('3', 3, three, conv('3r', 1, 3, x)),
    conv('5', 5, five, conv('5r', 1, 2, x)),
    conv('p', 1, pooled, make(SameMaxPooling, { name: `${name}/pool` }, x)),
  ];
  return tf.layers.concatenate({ name: `${name}/concat`, axis: 3 }).apply(branches) as Node;
}

/** GoogLeNet in small: inception modules, also on values below zero, a padded first layer, LRN, the global mean. */
export function inceptionNet(): ImageModel {
  const input = tf.input({ shape: [45, 37, 3] });
  let x = tf.layers.zeroPadding2d({ name: 'conv1/pad', padding: 3 }).apply(input) as Node;
  x = make(Convolution, { name: 'conv1', size: [7, 7], filters: 6, stride: 2 }, x);
  x = make(LocalResponseNormalization, { name: 'norm1' }, make(CeilMaxPooling, { name: 'pool' }, x));
  x = inception('i2', inception('i1', x, [3, 4, 2, 2]), [4, 3, 3, 2]);
  x = inception('i3', make(CeilMaxPooling, { name: 'pool2' }, x), [3, 3, 2, 2]);
  x = tf.layers.globalAveragePooling2d({ name: 'mean' }).apply(x) as Node;
  return finish(input, make(Dense, { name: 'scores', units: 4 }, x));
}

/** Depthwise convolutions with asymmetric padding, ReLU6, a dense layer after the global mean. */
export function depthwiseNet(): ImageModel {
  const input = tf.input({ shape: [34, 36, 3] });
  let x = make(Convolution, { name: 'conv1', size: [3, 3], filters: 5, stride: 2, pad: 'same' }, input);
  x = make(Relu6, { name: 'relu1' }, x);
  x = make(Relu6, { name: 'relu2' }, make(DepthwiseConvolution, { name: 'dw', size: [5, 5], stride: 1 }, x));
  x = make(Convolution, { name: 'pw', size: [1, 1], filters: 7 }, x);
  x = make(Relu6, { name: 'relu3' }, make(DepthwiseConvolution, { name: 'dw2', size: [3, 3], stride: 2 }, x));
  x = tf.layers.globalAveragePooling2d({ name: 'pool' }).apply(x) as Node;
  return finish(input, make(Dense, { name: 'scores', units: 3 }, x));
}

/** EfficientNet in small: inverted bottlenecks with and without a way around them, a sum straight after a rectifier. */
export function bottleneckNet(): ImageModel {
  const input = tf.input({ shape: [34, 42, 3] });
  const sum = (name: string, ...parts: Node[]) => tf.layers.add({ name }).apply(parts) as Node;
  const block = (name: string, x: Node, { size, stride = 1 }: { size: number; stride?: number }) => {
    const wide = make(Convolution, { name: `${name}/expand`, size: [1, 1], filters: 9 }, x);
    const dw = { name: `${name}/dw`, size: [size, size] as [number, number], stride };
    const deep = make(DepthwiseConvolution, dw, make(Relu6, { name: `${name}/relu` }, wide));
    const relu = make(Relu6, { name: `${name}/relu2` }, deep);
    return make(Convolution, { name: `${name}/project`, size: [1, 1], filters: 4 }, relu);
  };
  let x = make(Convolution, { name: 'conv1', size: [3, 3], filters: 4, stride: 2, pad: 'same' }, input);
  x = sum('sum1', block('b1', x, { size: 5 }), x);
  x = sum('sum2', x, block('b2', x, { size: 3 }));
  x = block('b3', x, { size: 3, stride: 2 });
  const y = make(Convolution, { name: 'conv2', size: [3, 3], filters: 4, pad: 'same' }, x);
  x = make(Relu, { name: 'relu3' }, sum('sum3', x, make(Relu, { name: 'relu' }, y)));
  x = tf.layers.globalAveragePooling2d({ name: 'pool' }).apply(x) as Node;
  return finish(input, make(Dense, { name: 'scores', units: 3 }, x));
}

/** A way around two layers with kernels: no chain of windows. */
export function residualNet(): ImageModel {
  const input = tf.input({ shape: [24, 24, 3] });
  const conv = (name: string, from: Node, stride = 1) =>
    make(Convolution, { name, size: [3, 3] as [number, number], filters: 4, stride, pad: 'same' }, from);
  const x = conv('conv1', input, 2);
  const y = conv('conv3', make(Relu, { name: 'relu' }, conv('conv2', x)));
  const sum = tf.layers.add({ name: 'add' }).apply([x, y]) as Node;
  return finish(input, tf.layers.globalAveragePooling2d({ name: 'scores' }).apply(sum) as Node);
}

/** One of our convolutions, then one of Keras': nothing that windows could follow to the end. */
export function stockNet(): ImageModel {
  const input = tf.input({ shape: [24, 24, 3] });
  const x = make(Convolution, { name: 'conv1', size: [3, 3], filters: 4, stride: 2, pad: 'same' }, input);
  const y = tf.layers.conv2d({ name: 'conv2', filters: 4, kernelSize: 3, activation: 'relu' }).apply(x) as Node;
  return finish(input, tf.layers.globalAveragePooling2d({ name: 'scores' }).apply(y) as Node);
}
