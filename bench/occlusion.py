"""Captum's side of bench/occlusion.ts: a line of JSON in asks for one map, a line of JSON out answers.

    {"network": "squeezenet", "weights": FOLDER, "image": FILE, "side": 227, "class": 348, "size": 40, "stride": 8, "out": FILE}

AlexNet in one tower has no class scores: the means of pool5's maps stand for them ("alexnet-means").
"""

import json
import sys
import time

import captum
import numpy as np
import torch
from captum.attr import Occlusion
from pytorch_networks import load

torch.set_num_threads(2)
networks = {}


def occlusion(request):
    name = request['network']
    if name not in networks:
        trunk = load(name.removesuffix('-means'), request['weights'])
        networks[name] = (lambda x: trunk(x).mean((2, 3))) if name.endswith('-means') else trunk
    network = networks[name]
    side = request['side']
    pixels = np.fromfile(request['image'], np.float32).reshape(side, side, 3)
    image = torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous()
    size, stride = request['size'], request['stride']
    start, processor = time.perf_counter(), time.process_time()
    with torch.inference_mode():
        drop = Occlusion(lambda x: torch.softmax(network(x), 1)).attribute(
            image,
            sliding_window_shapes=(3, size, size),
            strides=(3, stride, stride),
            baselines=0.5,
            target=request['class'],
            perturbations_per_eval=32,
        )
    seconds, processor = time.perf_counter() - start, time.process_time() - processor
    drop[0, 0].numpy().astype(np.float32).tofile(request['out'])
    version = f'Captum {captum.__version__}, PyTorch {torch.__version__.split("+")[0]}'
    return {'seconds': seconds, 'processor': processor, 'version': version}


for line in sys.stdin:
    print(json.dumps(occlusion(json.loads(line))), flush=True)
