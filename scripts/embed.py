"""Puts a network that saveOwnModel wrote among those of the course: python3 scripts/embed.py FOLDER ID (with numpy)."""

import json
import os
import sys

import numpy as np

from layers_model import write_model

folder, network = sys.argv[1:]
with open(os.path.join(folder, 'model.json'), encoding='utf-8') as file:
    model = json.load(file)
values = np.fromfile(os.path.join(folder, 'weights.bin'), '<f4')
weights = {}
for entry in model['weightsManifest'][0]['weights']:
    size = int(np.prod(entry['shape']))
    weights[entry['name']], values = values[:size].reshape(entry['shape']), values[size:]
write_model(weights, model['modelTopology'], f'data/models/{network}', 'embed.py', {})
