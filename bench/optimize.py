"""PyTorch's side of bench/optimize.ts: maximisation of a class or a channel, the same algorithm on the same weights.

A line of JSON in, {"weights": FOLDER, "network": "squeezenet", "start": FILE, "target": ["conv10", 130], "rate": 0.03,
"steps": 20, "regular": true}, runs so many steps on from where the last line ended; a line out: {"seconds": ...,
"cpu": ..., "score": ..., "version": ...}.
"""

import json
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
from pytorch_networks import load

torch.set_num_threads(2)
SIGMA, EVERY, JITTER = 0.6, 2, 16


def gaussian(sigma):
    radius = max(1, int(4 * sigma + 0.5))
    x = torch.arange(-radius, radius + 1, dtype=torch.float32)
    weights = torch.exp(-(x**2) / (2 * sigma**2))
    return weights / weights.sum()


def blurred(image):
    weights = gaussian(SIGMA).to(image.device)
    radius = len(weights) // 2
    padded = F.pad(image, (radius,) * 4, mode='reflect')
    vertical = F.conv2d(padded, weights.view(1, 1, -1, 1).repeat(3, 1, 1, 1), groups=3)
    return F.conv2d(vertical, weights.view(1, 1, 1, -1).repeat(3, 1, 1, 1), groups=3)


def score(network, image, target):
    layer, channel = target
    return network(image, {layer})[layer][0, channel].mean()


def step(network, image, target, rate, k, regular, random):
    x = image.clone().requires_grad_(True)
    seen = torch.roll(x, tuple(random.integers(-JITTER, JITTER + 1, 2)), (2, 3)) if regular else x
    value = score(network, seen, target)
    (gradient,) = torch.autograd.grad(value, x)
    with torch.no_grad():
        moved = (image + rate * gradient / gradient.square().mean().sqrt()).clamp(0, 1)
        if regular and (k + 1) % EVERY == 0:
            moved = blurred(moved).clamp(0, 1)
    return moved, value.detach()


def main():
    image = None
    networks = {}
    random = np.random.default_rng(0)
    k = 0
    for line in sys.stdin:
        request = json.loads(line)
        name, target = request['network'], request['target']
        if name not in networks:
            networks[name] = load(name, request['weights'])
        network = networks[name]
        if request.get('start'):
            pixels = np.fromfile(request['start'], np.float32)
            side = round((len(pixels) / 3) ** 0.5)
            pixels = pixels.reshape(side, side, 3)
            image, k = torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous(), 0
        start, before = time.perf_counter(), time.process_time()
        for _ in range(request['steps']):
            image, value = step(network, image, target, request['rate'], k, request['regular'], random)
            k += 1
        seconds, cpu = time.perf_counter() - start, time.process_time() - before
        final = float(score(network, image, target).detach())
        version = torch.__version__.split('+')[0]
        print(json.dumps({'seconds': seconds, 'cpu': cpu, 'score': final, 'version': f'PyTorch {version}'}), flush=True)


if __name__ == '__main__':
    main()
