"""PyTorch's side of bench/gpu.ts, on the graphics card where there is one: a line of JSON in, a line of JSON out. See there."""

import json
import sys
import time

import captum
import numpy as np
import torch
from captum.attr import Occlusion
from optimize import step
from pytorch_networks import load

DEVICE = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
networks = {}


def score(network, images, target):
    """Of each image: a class, or the mean of a layer's channel."""
    if isinstance(target, int):
        return network(images)[:, target]
    layer, channel = target
    return network(images, {layer})[layer][:, channel].mean((1, 2))


def classify(network, image, request):
    with torch.inference_mode():
        return network(image.repeat(request['batch'], 1, 1, 1))


def gradient(network, image, request):
    x = image.clone().requires_grad_(True)
    return torch.autograd.grad(score(network, x, request['target']).sum(), x)[0].permute(0, 2, 3, 1)


def maximise(network, image, request):
    target = request['target']
    layer = [request['logits'], target] if isinstance(target, int) else target
    picture = torch.full_like(image, 0.5)
    for k in range(request['steps']):
        picture, value = step(network, picture, layer, 0.03, k, False, None)
    return value


def occlusion(network, image, request):
    with torch.inference_mode():
        drop = Occlusion(lambda x: torch.softmax(network(x), 1)).attribute(
            image,
            sliding_window_shapes=(3, 40, 40),
            strides=(3, request['stride'], request['stride']),
            baselines=0.5,
            target=request['target'],
            perturbations_per_eval=32,
        )
    return drop[0, 0]


TASKS = {'classify': classify, 'gradient': gradient, 'maximise': maximise, 'occlusion': occlusion}


def answer(request):
    name, size = request['network'], request['size']
    if name not in networks:
        networks[name] = load(name, request['weights']).to(DEVICE)
    pixels = np.fromfile(request['image'], np.float32).reshape(size, size, 3)
    image = torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous().to(DEVICE)
    seconds = []
    while not seconds or (len(seconds) < request['repeats'] and sum(seconds) < request['limit']):
        start = time.perf_counter()
        result = TASKS[request['task']](networks[name], image, request).detach().float().cpu()
        seconds.append(time.perf_counter() - start)
    if result.dim() == 4 and request['task'] == 'classify':
        result = result.permute(0, 2, 3, 1)
    result.contiguous().numpy().tofile(request['out'])
    device = torch.cuda.get_device_name() if DEVICE.type == 'cuda' else 'cpu'
    version = f'PyTorch {torch.__version__.split("+")[0]}, Captum {captum.__version__}'
    return {'seconds': seconds, 'version': version, 'device': device}


if __name__ == '__main__':
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
