"""PyTorch's side of bench/attack.ts: the targeted iterated attack with momentum (Dong et al. 2018), same weights.

A line of JSON in, {"weights": FOLDER, "network": "squeezenet", "image": FILE, "target": 9, "epsilon": 0.0078, "steps": 20};
a line out: {"seconds": ..., "cpu": ..., "probability": ..., "version": ...}.
"""

import json
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
from pytorch_networks import load

torch.set_num_threads(2)
MOMENTUM = 0.5


def attack(network, origin, target, epsilon, steps):
    size = 2.5 * epsilon / steps
    label = torch.tensor([target])
    x, memory = origin.clone(), torch.zeros_like(origin)
    for _ in range(steps):
        x.requires_grad_(True)
        (gradient,) = torch.autograd.grad(F.cross_entropy(network(x), label), x)
        with torch.no_grad():
            memory = MOMENTUM * memory + gradient / gradient.abs().mean()
            x = x - size * memory.sign()
            x = torch.maximum(torch.minimum(x, origin + epsilon), origin - epsilon).clamp(0, 1)
    with torch.no_grad():
        return x, float(F.softmax(network(x), 1)[0, target])


def main():
    networks = {}
    for line in sys.stdin:
        request = json.loads(line)
        name = request['network']
        if name not in networks:
            networks[name] = load(name, request['weights'])
        pixels = np.fromfile(request['image'], np.float32)
        side = round((len(pixels) / 3) ** 0.5)
        origin = torch.from_numpy(pixels.reshape(side, side, 3)).permute(2, 0, 1)[None].contiguous()
        start, before = time.perf_counter(), time.process_time()
        _, probability = attack(networks[name], origin, request['target'], request['epsilon'], request['steps'])
        answer = {'seconds': time.perf_counter() - start, 'cpu': time.process_time() - before}
        version = 'PyTorch ' + torch.__version__.split('+')[0]
        print(json.dumps({**answer, 'probability': probability, 'version': version}), flush=True)


main()
