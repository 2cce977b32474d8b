"""PyTorch's and Captum's side of bench/gradients.ts: a line of JSON in asks for one map, a line of JSON out answers.

    {"network": "alexnet", "weights": FOLDER, "image": FILE, "size": 227, "method": "captum" | "torch", "rule": "guided",
     "target": 235 | ["conv5", [139, 2, 11]] | ["conv5", [[channel, row, column], ...]], "repeats": 5, "out": FILE,
     "pool": "gradient" (default) | "switches"}
"""

import json
import os
import sys
import time
import warnings

import captum
import numpy as np
import torch
from captum.attr import Deconvolution, GuidedBackprop, NeuronDeconvolution, NeuronGradient, NeuronGuidedBackprop, Saliency
from pytorch_networks import load

torch.set_num_threads(int(os.environ.get('THREADS', '2')))
warnings.filterwarnings('ignore')
BATCH = 16
networks = {}


def plain(network, image, target):
    """torch.autograd alone, as short as it gets."""
    image = image.clone().requires_grad_(True)
    if isinstance(target, int):
        score = network(image)[0, target]
    else:
        layer, place = target
        score = network(image, {layer})[layer][(0, *place)]
    return torch.autograd.grad(score, image)[0]


def by_captum(network, image, rule, target):
    if isinstance(target, int):
        method = {'backprop': Saliency, 'deconv': Deconvolution, 'guided': GuidedBackprop}[rule](network)
        return method.attribute(image, target, **({'abs': False} if rule == 'backprop' else {}))
    layer, place = target
    kind = {'backprop': NeuronGradient, 'deconv': NeuronDeconvolution, 'guided': NeuronGuidedBackprop}[rule]
    method = kind(network, network.parts[layer])
    if isinstance(place[0], int):
        return method.attribute(image, tuple(place))
    # All maps of a layer: a batch of the same image, each with a neuron of its own.
    maps = []
    for start in range(0, len(place), BATCH):
        part = torch.tensor(place[start : start + BATCH])
        own = lambda out, part=part: out[torch.arange(len(part)), part[:, 0], part[:, 1], part[:, 2]]  # noqa: E731
        maps.append(method.attribute(image.repeat(len(part), 1, 1, 1), own))
    return torch.cat(maps)


def answer(request):
    name, size = request['network'], request['size']
    if name not in networks:
        networks[name] = load(name, request['weights'])
    pixels = np.fromfile(request['image'], np.float32).reshape(size, size, 3)
    image = torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous()
    networks[name].switches = request.get('pool') == 'switches'
    times, processor = [], []
    for _ in range(request['repeats']):
        x = image.clone().requires_grad_(True)
        start, used = time.perf_counter(), time.process_time()
        if request['method'] == 'torch':
            gradient = plain(networks[name], x, request['target'])
        else:
            gradient = by_captum(networks[name], x, request['rule'], request['target'])
        times.append(time.perf_counter() - start)
        processor.append(time.process_time() - used)
    gradient.detach().permute(0, 2, 3, 1).contiguous().numpy().astype(np.float32).tofile(request['out'])
    version = f'Captum {captum.__version__}, PyTorch {torch.__version__.split("+")[0]}'
    return {'times': times, 'processor': processor, 'version': version}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
