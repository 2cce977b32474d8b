import { tf } from '../../tf/backend';
import { NetworkBuilder, type Node } from './builder';
import type { NamedWeights } from '../weights/formats/weights';
import type { Architecture } from './architecture';

const FIRES = [2, 3, 4, 5, 6, 7, 8, 9];

/** fire 模块（fire module）：1x1 卷积压缩通道，再由 1x1 与 3x3 两路扩展、拼接。 */
function fire(net: NetworkBuilder, x: Node, index: number): Node {
  const name = (part: string) => `fire${index}/${part}`;
  const squeezed = net.relu(net.conv(x, name('squeeze1x1')), name('relu_squeeze1x1'));
  const one = net.relu(net.conv(squeezed, name('expand1x1')), name('relu_expand1x1'));
  const three = net.relu(net.conv(squeezed, name('expand3x3'), { pad: 'same' }), name('relu_expand3x3'));
  return net.apply(tf.layers.concatenate({ name: name('concat'), axis: 3 }), [one, three]);
}

/** SqueezeNet v1.0 (Iandola et al. 2016, arXiv:1602.07360), Caffe's layer names. */
export function buildSqueezeNet(weights: NamedWeights, size = 227): tf.LayersModel {
  const net = new NetworkBuilder(weights, size);
  let x = net.pool(net.relu(net.conv(net.input, 'conv1', { stride: 2 }), 'relu_conv1'), 'pool1');
  for (const index of FIRES) {
    x = fire(net, x, index);
    if (index === 4 || index === 8) x = net.pool(x, `pool${index}`);
  }
  // The published network pads this 1x1 convolution by 1: its border sees only the bias.
  const padded = net.apply(tf.layers.zeroPadding2d({ name: 'conv10/pad', padding: 1 }), x);
  const scores = net.relu(net.conv(padded, 'conv10'), 'relu_conv10');
  return net.finish(net.apply(tf.layers.globalAveragePooling2d({ name: 'pool10' }), scores));
}

export const squeezenet: Architecture = {
  id: 'squeezenet',
  title: 'SqueezeNet v1.0',
  inputSize: 227,
  preprocess: { mean: [123, 117, 104], scale: 1 },
  roles: {
    firstConv: 'conv1',
    lastConv: 'conv10',
    lastPool: 'pool8',
    features: 'fire9/concat',
    logits: 'pool10',
    stages: ['relu_conv1', 'fire3/concat', 'fire5/concat', 'fire7/concat', 'fire9/concat'],
  },
  // Every class score is a mean after a ReLU, where its gradient can be zero; maximisation uses the map before it.
  scoreMap: 'conv10',
};
