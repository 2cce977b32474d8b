"""PyTorch's side of bench/inversion.ts: a line of JSON in asks for one run, a line of JSON out answers.

The same objective, penalties, step rules and number of steps as the library's, from the same start.
"""

import json
import sys
import time

import numpy as np
import torch
from pytorch_networks import load

torch.set_num_threads(2)
networks = {}


def read(file, side):
    pixels = np.fromfile(file, np.float32).reshape(side, side, 3)
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous()


def inversion(network, request):
    image, start = read(request['image'], 227), read(request['start'], 227)
    mean = torch.tensor(request['mean']).view(3, 1, 1)
    layer = request['layer']
    with torch.no_grad():
        code = network(image, [layer])[layer]
    norm = (code**2).sum()
    x, velocity = start.clone(), None
    rate, alpha, tv, steps = request['rate'], request['alpha'], request['tv'], request['steps']

    def distance(x):
        return ((network(x, [layer])[layer] - code) ** 2).sum() / norm

    for step in range(steps):
        x.requires_grad_(True)
        across, down = x[..., 1:] - x[..., :-1], x[..., 1:, :] - x[..., :-1, :]
        penalty = alpha * ((x - mean) ** 6).sum() + tv * ((across**2).sum() + (down**2).sum())
        (gradient,) = torch.autograd.grad(distance(x) + penalty, x)
        part = 0 if step < steps / 4 else 1 if step < 3 * steps / 4 else 2
        pushed = gradient * (rate * 0.1**part)
        fresh = step in (0, -(-steps // 4), -(-3 * steps // 4))
        velocity = pushed if fresh else 0.9 * velocity + pushed
        x = (x.detach() - velocity).clamp(0, 1)
    with torch.no_grad():
        return x, float(distance(x))


def attack(network, request):
    image = read(request['image'], request['side'])
    x, epsilon, target = image.clone(), request['epsilon'], request['target']
    velocity = None

    def score(x):
        if request['scoreMap']:
            scores = network(x, [request['scoreMap']])[request['scoreMap']].mean((2, 3))
        else:
            scores = network(x)
        return torch.log_softmax(scores, 1)[0, target]

    for _ in range(request['steps']):
        x.requires_grad_(True)
        (gradient,) = torch.autograd.grad(score(x), x)
        scaled = gradient / (gradient.abs().mean() + 1e-30)
        velocity = scaled if velocity is None else 0.5 * velocity + scaled
        x = (x.detach() + request['rate'] * velocity.sign()).clamp(0, 1)
        x = torch.minimum(torch.maximum(x, image - epsilon), image + epsilon).clamp(0, 1)
    with torch.no_grad():
        return x, float(score(x))


TASKS = {'inversion': inversion, 'attack': attack}

for line in sys.stdin:
    request = json.loads(line)
    if request['network'] not in networks:
        networks[request['network']] = load(request['network'], request['weights'])
    start = time.perf_counter()
    _, value = TASKS[request['task']](networks[request['network']], request)
    seconds = time.perf_counter() - start
    answer = {'seconds': seconds, 'value': value, 'version': f'PyTorch {torch.__version__.split("+")[0]}'}
    print(json.dumps(answer), flush=True)
