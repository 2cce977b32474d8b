import { tf } from '../../tf/backend';
import { NetworkBuilder } from './builder';
import type { NamedWeights } from '../weights/formats/weights';
import type { Architecture } from './architecture';

/** Of ImageNet's photos, [0, 1]: what torchvision trains with. */
const MEAN = [0.485, 0.456, 0.406] as const;
const DEVIATION = [0.229, 0.224, 0.225] as const;

/**
 * AlexNet in one tower (Krizhevsky 2014, arXiv:1404.5997): no groups, no LRN, 64 kernels of 11x11 in conv1. Ends at
 * pool5: the weights come without the fully connected layers.
 */
export function buildAlexNet(weights: NamedWeights, size = 224): tf.LayersModel {
  const net = new NetworkBuilder(weights, size);
  // Two rows and columns on every side; 'same' would put another number of them before and after.
  const padded = net.apply(tf.layers.zeroPadding2d({ name: 'conv1/pad', padding: 2 }), net.input);
  let x = net.pool(net.relu(net.conv(padded, 'conv1', { stride: 4 }), 'relu1'), 'pool1');
  x = net.pool(net.relu(net.conv(x, 'conv2', { pad: 'same' }), 'relu2'), 'pool2');
  x = net.relu(net.conv(x, 'conv3', { pad: 'same' }), 'relu3');
  x = net.relu(net.conv(x, 'conv4', { pad: 'same' }), 'relu4');
  x = net.relu(net.conv(x, 'conv5', { pad: 'same' }), 'relu5');
  return net.finish(net.pool(x, 'pool5'));
}

export const alexnet: Architecture = {
  id: 'alexnet',
  title: 'AlexNet',
  inputSize: 224,
  preprocess: {
    mean: [255 * MEAN[0], 255 * MEAN[1], 255 * MEAN[2]],
    scale: [1 / (255 * DEVIATION[0]), 1 / (255 * DEVIATION[1]), 1 / (255 * DEVIATION[2])],
  },
  roles: {
    firstConv: 'conv1',
    lastConv: 'conv5',
    lastPool: 'pool5',
    features: 'pool5',
    logits: undefined,
    stages: ['relu1', 'relu2', 'relu3', 'relu4', 'relu5'],
  },
};
