import { tf } from '../../tf/backend';
import { alexnet } from './alexnet';
import { NetworkBuilder } from './builder';
import type { NamedWeights } from '../weights/formats/weights';
import { LocalResponseNormalization } from './layers';
import type { Architecture } from './architecture';

/**
 * BVLC AlexNet (Krizhevsky et al. 2012, NIPS), Caffe's layer names. Order: ReLU, LRN, pool (CaffeNet has pool and
 * LRN the other way round). Without fc6 ... fc8 among the weights it ends at pool5: the trunk. Its weights are to be
 * had product-quantised only: conv1's 96 kernels are put together from 128 colours.
 */
export function buildAlexNet2012(weights: NamedWeights, size = 227): tf.LayersModel {
  const net = new NetworkBuilder(weights, size);
  let x = net.relu(net.conv(net.input, 'conv1', { stride: 4 }), 'relu1');
  x = net.pool(net.apply(new LocalResponseNormalization({ name: 'norm1' }), x), 'pool1');
  x = net.relu(net.conv(x, 'conv2', { pad: 'same', groups: 2 }), 'relu2');
  x = net.pool(net.apply(new LocalResponseNormalization({ name: 'norm2' }), x), 'pool2');
  x = net.relu(net.conv(x, 'conv3', { pad: 'same' }), 'relu3');
  x = net.relu(net.conv(x, 'conv4', { pad: 'same', groups: 2 }), 'relu4');
  x = net.relu(net.conv(x, 'conv5', { pad: 'same', groups: 2 }), 'relu5');
  x = net.pool(x, 'pool5');
  if (!('fc6/kernel' in weights)) return net.finish(x);
  x = net.apply(tf.layers.flatten({ name: 'flatten' }), x);
  x = net.relu(net.dense(x, 'fc6'), 'relu6');
  x = net.relu(net.dense(x, 'fc7'), 'relu7');
  return net.finish(net.dense(x, 'fc8'));
}

export const alexnet2012: Architecture = {
  id: 'alexnet-2012',
  title: 'AlexNet 2012（BVLC，压缩版）',
  inputSize: 227,
  preprocess: { mean: [122.679, 116.669, 104.007], scale: 1 },
  roles: alexnet.roles,
};

/** With its three fully connected layers the top features are fc7's 4096 numbers, after the ReLU. */
export const alexnet2012WithHead: Architecture = {
  ...alexnet2012,
  roles: { ...alexnet2012.roles, features: 'relu7', logits: 'fc8' },
};
