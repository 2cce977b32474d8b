"""The course's networks in PyTorch, from the course's own weights: the other side of every comparison.

    npx tsx bench/export-weights.ts FOLDER
    python bench/pytorch_networks.py --weights FOLDER --checks CHECKS    # against recorded numbers

A network takes RGB images in [0, 1], [n, 3, height, width], and gives the class scores; `network(images, layers)` gives
the named layers instead, under the course's names. `set_rule(network, 'deconv' | 'guided' | 'backprop')` chooses what
its ReLUs do to gradients.
"""

import argparse
import json
import os

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

RULES = ('backprop', 'deconv', 'guided')


class RuledGradient(torch.autograd.Function):
    """Clipping whose gradient follows Zeiler and Fergus ('deconv') or Springenberg et al. ('guided')."""

    @staticmethod
    def forward(context, x, top, rule):
        context.save_for_backward(x)
        context.top, context.rule = top, rule
        return x.clamp(0, top)

    @staticmethod
    def backward(context, gradient):
        (x,) = context.saved_tensors
        gradient = gradient.clamp(min=0)
        if context.rule == 'guided':
            gradient = gradient * ((x > 0) & (x < context.top))
        return gradient, None, None


class Relu(nn.ReLU):
    """ReLU, or ReLU6 with top=6. A subclass of nn.ReLU, so that other packages recognise it."""

    def __init__(self, top=float('inf')):
        super().__init__()
        self.top, self.rule = top, 'backprop'

    def forward(self, x):
        if self.rule != 'backprop':
            return RuledGradient.apply(x, self.top, self.rule)
        return F.relu(x) if self.top == float('inf') else F.relu6(x)


def set_rule(network, rule):
    if rule not in RULES:
        raise ValueError(f'{rule} is none of {RULES}')
    for module in network.modules():
        if isinstance(module, Relu):
            module.rule = rule


class SameConvolution(nn.Conv2d):
    """TensorFlow's 'same' padding: what does not divide by two goes to the bottom and the right."""

    def forward(self, x):
        padding = []
        for size, kernel, stride in zip(reversed(x.shape[-2:]), reversed(self.kernel_size), reversed(self.stride)):
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            padding += [total // 2, total - total // 2]
        return super().forward(F.pad(x, padding))


class Network(nn.Module):
    """A network is a generator of (name, activations); the last one is the result."""

    def __init__(self, weights, mean, scale=1.0):
        super().__init__()
        self.weights = weights
        self.register_buffer('mean', torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer('scale', torch.as_tensor(scale), persistent=False)
        self.switches = False
        self.parts = nn.ModuleDict()

    def convolution(self, name, stride=1, padding=0, groups=1, kind=nn.Conv2d):
        kernel = self.weights[f'{name}/kernel']
        if groups > 1 and kernel.shape[3] == 1:
            kernel = kernel.permute(2, 3, 0, 1)  # depthwise: [height, width, channels, 1]
        else:
            kernel = kernel.permute(3, 2, 0, 1)
        outputs, inputs, height, width = kernel.shape
        layer = kind(inputs * groups, outputs, (height, width), stride, padding, groups=groups)
        self.put(name, layer, kernel)

    def dense(self, name):
        kernel = self.weights[f'{name}/kernel'].T
        self.put(name, nn.Linear(kernel.shape[1], kernel.shape[0]), kernel)

    def put(self, name, layer, kernel):
        layer.weight = nn.Parameter(kernel.contiguous(), requires_grad=False)
        layer.bias = nn.Parameter(self.weights[f'{name}/bias'].contiguous(), requires_grad=False)
        self.parts[name] = layer

    def relu(self, name, top=float('inf')):
        self.parts[name] = Relu(top)

    def pool(self, x):
        return Switches.apply(x) if self.switches else F.max_pool2d(x, 3, 2, ceil_mode=True)

    def forward(self, images, layers=None):
        found = {}
        for name, x in self.steps((images * 255 - self.mean) * self.scale):
            if layers is not None and name in layers:
                found[name] = x
                if len(found) == len(layers):
                    return found
        if layers is not None:
            raise KeyError(f'no layer {set(layers) - set(found)}')
        return x


class Switches(torch.autograd.Function):
    """Max pooling whose way back is Zeiler and Fergus' unpooling: where windows meet, the later one overwrites."""

    @staticmethod
    def forward(context, x):
        y, places = F.max_pool2d(x, 3, 2, ceil_mode=True, return_indices=True)
        context.save_for_backward(places)
        context.size = x.shape[-2:]
        return y

    @staticmethod
    def backward(context, gradient):
        (places,) = context.saved_tensors
        return F.max_unpool2d(gradient, places, 3, 2, output_size=context.size)


class AlexNet(Network):
    """AlexNet in one tower, conv1 to pool5."""

    def __init__(self, weights):
        super().__init__(weights, (123.675, 116.28, 103.53), 1 / torch.tensor((58.395, 57.12, 57.375)).view(3, 1, 1))
        for i, (stride, padding) in enumerate([(4, 2), (1, 2), (1, 1), (1, 1), (1, 1)], 1):
            self.convolution(f'conv{i}', stride, padding)
            self.relu(f'relu{i}')

    def steps(self, x):
        for i in range(1, 6):
            yield f'conv{i}', (x := self.parts[f'conv{i}'](x))
            yield f'relu{i}', (x := self.parts[f'relu{i}'](x))
            if i in (1, 2, 5):
                yield f'pool{i}', (x := self.pool(x))


class AlexNet2012(Network):
    """BVLC AlexNet in two groups; without fc6 among the weights it ends at pool5."""

    def __init__(self, weights, mean=(122.679, 116.669, 104.007)):
        super().__init__(weights, mean)
        self.convolution('conv1', stride=4)
        self.convolution('conv2', padding=2, groups=2)
        self.convolution('conv3', padding=1)
        self.convolution('conv4', padding=1, groups=2)
        self.convolution('conv5', padding=1, groups=2)
        self.head = 'fc6/kernel' in weights
        for name in ('fc6', 'fc7', 'fc8') if self.head else ():
            self.dense(name)
        for i in range(1, 8 if self.head else 6):
            self.relu(f'relu{i}')
        self.normalise = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0)

    def steps(self, x):
        for i in range(1, 6):
            yield f'conv{i}', (x := self.parts[f'conv{i}'](x))
            yield f'relu{i}', (x := self.parts[f'relu{i}'](x))
            if i < 3:
                yield f'norm{i}', (x := self.normalise(x))
                yield f'pool{i}', (x := self.pool(x))
        yield 'pool5', (x := self.pool(x))
        if not self.head:
            return
        # The dense kernel's rows are in TensorFlow.js' order: height, width, channel.
        x = x.permute(0, 2, 3, 1).flatten(1)
        for i in (6, 7):
            yield f'fc{i}', (x := self.parts[f'fc{i}'](x))
            yield f'relu{i}', (x := self.parts[f'relu{i}'](x))
        yield 'fc8', self.parts['fc8'](x)


class GoogLeNet(Network):
    """BVLC GoogLeNet without its two auxiliary classifiers."""

    MODULES = ('3a', '3b', '4a', '4b', '4c', '4d', '4e', '5a', '5b')
    POOLED = {'3b': 'pool3', '4e': 'pool4'}
    WAYS = (('1x1',), ('3x3_reduce', '3x3'), ('5x5_reduce', '5x5'), ('pool_proj',))

    def __init__(self, weights):
        super().__init__(weights, (123.0, 117.0, 104.0))
        self.convolution('conv1', stride=2, padding=3)
        self.convolution('conv2/reduce')
        self.convolution('conv2', padding=1)
        for name in ('relu1', 'conv2/relu_reduce', 'relu2'):
            self.relu(name)
        for module in self.MODULES:
            for way in self.WAYS:
                for part in way:
                    name = f'inception_{module}'
                    self.convolution(f'{name}/{part}', padding={'3x3': 1, '5x5': 2}.get(part, 0))
                    self.relu(f'{name}/relu_{part}')
        self.dense('logits')
        self.normalise = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0)

    def module(self, x, name):
        found = []
        for way in self.WAYS:
            y = F.max_pool2d(x, 3, 1, 1) if way == ('pool_proj',) else x
            for part in way:
                y = self.parts[f'{name}/{part}'](y)
                yield f'{name}/{part}', y
                y = self.parts[f'{name}/relu_{part}'](y)
                yield f'{name}/relu_{part}', y
            found.append(y)
        yield name, torch.cat(found, 1)

    def steps(self, x):
        yield 'conv1', (x := self.parts['conv1'](x))
        yield 'relu1', (x := self.parts['relu1'](x))
        yield 'pool1', (x := self.pool(x))
        yield 'norm1', (x := self.normalise(x))
        for name in ('conv2/reduce', 'conv2/relu_reduce', 'conv2', 'relu2'):
            yield name, (x := self.parts[name](x))
        yield 'norm2', (x := self.normalise(x))
        yield 'pool2', (x := self.pool(x))
        for module in self.MODULES:
            for name, inner in self.module(x, f'inception_{module}'):
                yield name, inner
            x = inner
            if module in self.POOLED:
                yield self.POOLED[module], (x := self.pool(x))
        yield 'pool5', (x := x.mean((2, 3)))
        yield 'logits', self.parts['logits'](x)


class SqueezeNet(Network):
    """SqueezeNet v1.0; the scores are the spatial mean after conv10's ReLU."""

    def __init__(self, weights):
        super().__init__(weights, (123.0, 117.0, 104.0))
        self.convolution('conv1', stride=2)
        self.relu('relu_conv1')
        for i in range(2, 10):
            for part in ('squeeze1x1', 'expand1x1', 'expand3x3'):
                self.convolution(f'fire{i}/{part}', padding=1 if part == 'expand3x3' else 0)
                self.relu(f'fire{i}/relu_{part}')
        self.convolution('conv10', padding=1)
        self.relu('relu_conv10')

    def steps(self, x):
        yield 'conv1', (x := self.parts['conv1'](x))
        yield 'relu_conv1', (x := self.parts['relu_conv1'](x))
        yield 'pool1', (x := self.pool(x))
        for i in range(2, 10):
            expanded = []
            for part in ('squeeze1x1', 'expand1x1', 'expand3x3'):
                y = self.parts[f'fire{i}/{part}'](x)
                yield f'fire{i}/{part}', y
                y = self.parts[f'fire{i}/relu_{part}'](y)
                yield f'fire{i}/relu_{part}', y
                if part == 'squeeze1x1':
                    x = y
                else:
                    expanded.append(y)
            yield f'fire{i}/concat', (x := torch.cat(expanded, 1))
            if i in (4, 8):
                yield f'pool{i}', (x := self.pool(x))
        yield 'conv10', (x := self.parts['conv10'](x))
        yield 'relu_conv10', (x := self.parts['relu_conv10'](x))
        yield 'pool10', x.mean((2, 3))


class EfficientNetLite0(Network):
    # Repeats, kernel size, stride of the first repeat, expansion, output channels.
    STAGES = (
        (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80),
        (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320),
    )  # fmt: skip

    def __init__(self, weights):
        super().__init__(weights, (127.0, 127.0, 127.0), 1 / 128)
        self.same('stem', stride=2)
        self.blocks = []
        channels = 32
        for repeats, _, stride, expansion, outputs in self.STAGES:
            for repeat in range(repeats):
                block, step = f'b{len(self.blocks)}', stride if repeat == 0 else 1
                if expansion != 1:
                    self.same(f'{block}/expand')
                self.same(f'{block}/dw', stride=step, groups=channels * expansion)
                self.same(f'{block}/proj', relu=False)
                self.blocks.append((block, expansion != 1, step == 1 and channels == outputs))
                channels = outputs
        self.same('head')
        self.dense('fc')

    def same(self, name, stride=1, groups=1, relu=True):
        self.convolution(name, stride, groups=groups, kind=SameConvolution)
        if relu:
            self.relu(f'{name}/relu', top=6)

    def steps(self, x):
        def through(x, *names):
            for name in names:
                for part in (name, f'{name}/relu'):
                    if part in self.parts:
                        x = self.parts[part](x)
                        yield part, x

        for name, x in through(x, 'stem'):
            yield name, x
        for block, expands, adds in self.blocks:
            start = x
            for name, x in through(x, *([f'{block}/expand'] if expands else []), f'{block}/dw', f'{block}/proj'):
                yield name, x
            yield block, (x := x + start if adds else x)
        for name, x in through(x, 'head'):
            yield name, x
        yield 'pool', (x := x.mean((2, 3)))
        yield 'fc', self.parts['fc'](x)


def read_weights(folder, network):
    """What bench/export-weights.ts wrote, by name."""
    with open(os.path.join(folder, f'{network}.json'), encoding='utf-8') as file:
        entries = json.load(file)
    data = torch.from_numpy(np.fromfile(os.path.join(folder, f'{network}.bin'), '<f4'))
    return {e['name']: data[e['offset'] :][: int(np.prod(e['shape']))].view(e['shape']) for e in entries}


def uniform(seed, count):
    """mulberry32: uniform in [-1, 1), the same in every language."""
    state = (np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x6D2B79F5)).astype(np.uint32)
    t = (state ^ (state >> np.uint32(15))) * (state | np.uint32(1))
    t ^= t + (t ^ (t >> np.uint32(7))) * (t | np.uint32(61))
    t ^= t >> np.uint32(14)
    return (t.astype(np.float64) / 2**31 - 1).astype(np.float32)


def pseudo_alexnet():
    """Weights for the whole of AlexNet that anyone can make: uniform, variance 2 / fan-in. They know nothing.

    The numbers fill Caffe's layouts; conv1 and fc6 are then turned as the decoders turn the real ones.
    """
    shapes = [(96, 3, 11, 11), (256, 48, 5, 5), (384, 256, 3, 3), (384, 192, 3, 3), (256, 192, 3, 3)]
    shapes += [(4096, 9216), (4096, 4096), (1000, 4096)]
    weights = {}
    for i, shape in enumerate(shapes, 1):
        name = f'conv{i}' if len(shape) == 4 else f'fc{i}'
        fan_in = int(np.prod(shape[1:]))
        kernel = torch.from_numpy(uniform(1000 * i, int(np.prod(shape))) * np.float32((6 / fan_in) ** 0.5)).view(shape)
        if name == 'conv1':
            kernel = kernel.flip(1)
        if name == 'fc6':
            kernel = kernel.view(-1, 256, 6, 6).permute(0, 2, 3, 1).reshape(shape)
        weights[f'{name}/kernel'] = kernel.permute(2, 3, 1, 0) if len(shape) == 4 else kernel.T
        weights[f'{name}/bias'] = torch.from_numpy(uniform(1000 * i + 1, shape[0]) * np.float32(0.05))
    return weights


NETWORKS = {
    'alexnet': AlexNet,
    'alexnet-2012': AlexNet2012,
    'efficientnet-lite0': EfficientNetLite0,
    'googlenet': GoogLeNet,
    'squeezenet': SqueezeNet,
}


def load(network, folder=None):
    """A network by its name in the course, or 'alexnet-pseudo' (which needs no folder)."""
    if network == 'alexnet-pseudo':
        return AlexNet2012(pseudo_alexnet(), (123.0, 117.0, 104.0)).eval()
    weights = read_weights(folder, network)
    if network == 'alexnet-2012' and os.path.exists(os.path.join(folder, 'alexnet-2012-head.json')):
        weights |= read_weights(folder, 'alexnet-2012-head')
    return NETWORKS[network](weights).eval()


def read_image(path):
    """PNG to RGB in [0, 1], [1, 3, height, width]."""
    from PIL import Image

    pixels = np.asarray(Image.open(path).convert('RGB'), np.float32) / 255
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous()


def against(recorded, tensor):
    """Relative l2 error over the recorded samples, and of the recorded norm."""
    flat = (tensor[0].permute(1, 2, 0) if tensor.dim() == 4 else tensor[0]).reshape(-1).detach().double()
    expected = torch.tensor(recorded['value']).double()
    samples = ((flat[recorded['index']] - expected).norm() / expected.norm().clamp(min=1e-30)).item()
    return max(samples, abs(flat.norm().item() / recorded['l2'] - 1))


def course_name(network, name):
    """The checks call SqueezeNet's layers a little differently."""
    if network != 'squeezenet':
        return name
    return f'{name}/concat' if name.startswith('fire') else name.replace('relu1', 'relu_conv1')


def check(network, record, folder, checks):
    with open(os.path.join(checks, f'{record}.json'), encoding='utf-8') as file:
        recorded = json.load(file)
    net = load(network, folder)
    image = read_image(os.path.join(checks, recorded['image']))
    names = {name: course_name(network, name) for name in recorded['layers']}
    with torch.inference_mode():
        layers = net(image, set(names.values()))
        scores = net(image)[0]
    worst = max(against(values, layers[names[name]]) for name, values in recorded['layers'].items())
    # AlexNet is recorded from float32, the course embeds half floats.
    assert worst < (1e-3 if network == 'alexnet' else 1e-5), worst
    print(f'{record}: {len(names)} layers, worst relative error {worst:.1e}')
    for entry in recorded['top5']:
        assert abs(scores[entry['index']].item() - entry['logit']) < 1e-4 * max(1, abs(entry['logit'])), entry
    target = recorded['gradientOf']
    for rule, values in recorded['gradients'].items():
        set_rule(net, rule)
        x = image.clone().requires_grad_()
        if isinstance(target, dict):
            row, column = target['at']
            value = net(x, {target['layer']})[target['layer']][0, target['channel'], row, column]
        else:
            value = net(x)[0, target]
        (gradient,) = torch.autograd.grad(value, x)
        error = against(values, gradient)
        print(f'  {rule}: relative error {error:.1e}')
        # One ReLU input so near to 0 that rounding decides about it moves a gradient by up to 1e-2.
        assert error < 1.5e-2, error


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description='Compares the networks with recorded numbers')
    parser.add_argument('--weights', required=True, help='what bench/export-weights.ts wrote')
    parser.add_argument('--checks', required=True, help='folder of recorded numbers and pictures')
    options = parser.parse_args()
    for network, record in [
        ('squeezenet', 'squeezenet'),
        ('alexnet', 'alexnet-owt'),
        ('googlenet', 'googlenet'),
        ('alexnet-2012', 'alexnet-trunk'),
        ('efficientnet-lite0', 'lite0'),
        ('alexnet-pseudo', 'alexnet-pseudo-weights'),
    ]:
        check(network, record, options.weights, options.checks)
