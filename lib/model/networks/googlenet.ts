import { tf } from '../../tf/backend';
import { NetworkBuilder, type Node } from './builder';
import type { NamedWeights } from '../weights/formats/weights';
import type { Architecture } from './architecture';
import { LocalResponseNormalization, SameMaxPooling } from './layers';

/** After these a max pool halves the map. */
const POOLED: Readonly<Record<string, string>> = { '3b': 'pool3', '4e': 'pool4' };
const MODULES = ['3a', '3b', '4a', '4b', '4c', '4d', '4e', '5a', '5b'];

/** inception 模块（inception module）：1x1、3x3、5x5 与池化四路，各自的 1x1 卷积先压缩通道，最后拼接。 */
function inception(net: NetworkBuilder, x: Node, module: string): Node {
  const name = (part: string) => `inception_${module}/${part}`;
  const conv = (from: Node, part: string) =>
    net.relu(net.conv(from, name(part), { pad: 'same' }), name(`relu_${part}`));
  const pooled = net.apply(new SameMaxPooling({ name: name('pool') }), x);
  const branches = [
    conv(x, '1x1'),
    conv(conv(x, '3x3_reduce'), '3x3'),
    conv(conv(x, '5x5_reduce'), '5x5'),
    conv(pooled, 'pool_proj'),
  ];
  return net.apply(tf.layers.concatenate({ name: `inception_${module}`, axis: 3 }), branches);
}

/** GoogLeNet (Szegedy et al. 2015, arXiv:1409.4842) as the BVLC trained it, without the two auxiliary classifiers. */
export function buildGoogLeNet(weights: NamedWeights, size = 224): tf.LayersModel {
  const net = new NetworkBuilder(weights, size);
  const lrn = (from: Node, name: string) => net.apply(new LocalResponseNormalization({ name }), from);
  // Caffe pads three rows and columns on every side; 'same' would put another number of them before and after.
  const padded = net.apply(tf.layers.zeroPadding2d({ name: 'conv1/pad', padding: 3 }), net.input);
  let x = lrn(net.pool(net.relu(net.conv(padded, 'conv1', { stride: 2 }), 'relu1'), 'pool1'), 'norm1');
  x = net.relu(net.conv(x, 'conv2/reduce'), 'conv2/relu_reduce');
  x = net.relu(net.conv(x, 'conv2', { pad: 'same' }), 'relu2');
  x = net.pool(lrn(x, 'norm2'), 'pool2');
  for (const module of MODULES) {
    x = inception(net, x, module);
    if (POOLED[module]) x = net.pool(x, POOLED[module]);
  }
  x = net.apply(tf.layers.globalAveragePooling2d({ name: 'pool5' }), x);
  return net.finish(net.dense(x, 'logits'));
}

export const googlenet: Architecture = {
  id: 'googlenet',
  title: 'GoogLeNet',
  inputSize: 224,
  preprocess: { mean: [123, 117, 104], scale: 1 },
  roles: {
    firstConv: 'conv1',
    lastConv: 'inception_5b',
    lastPool: 'pool4',
    features: 'pool5',
    logits: 'logits',
    stages: ['relu1', 'relu2', 'inception_3b', 'inception_4c', 'inception_5b'],
  },
};
