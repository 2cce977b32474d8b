"""What the scripts convert-*.py share: writes an ordinary TensorFlow.js layers model (tf.loadLayersModel reads it).

model.json holds the architecture and the list of weights; the weights follow as half floats, in shards of 4 MB.
The same weights give the same files, byte for byte. What lib/model/weights/embedded-catalogue.ts has to know of them is
printed.
"""

import hashlib
import json
import os

import numpy as np

# As tensorflowjs_converter cuts them: what a browser keeps in its cache and fetches side by side.
SHARD_BYTES = 4 * 1024 * 1024


class Topology:
    """Collects a Keras functional model, layer by layer; each method returns the new layer's name."""

    def __init__(self):
        self.layers = []

    def add(self, class_name, name, inputs, **config):
        nodes = [[[source, 0, 0, {}] for source in inputs]] if inputs else []
        config = {'name': name, 'trainable': True, **config}
        self.layers.append({'class_name': class_name, 'config': config, 'name': name, 'inbound_nodes': nodes})
        return name

    def input(self, side):
        return self.add('InputLayer', 'input', [], batch_input_shape=[None, side, side, 3], dtype='float32', sparse=False)

    def convolution(self, name, source, filters, size=1, stride=1, padding='same'):
        return self.add(
            'Conv2D', name, [source], filters=filters, kernel_size=[size, size], strides=[stride, stride],
            padding=padding, data_format='channels_last', dilation_rate=[1, 1], activation='linear', use_bias=True,
        )  # fmt: skip

    def finished(self, name, output):
        config = {
            'name': name,
            'layers': self.layers,
            'input_layers': [['input', 0, 0]],
            'output_layers': [[output, 0, 0]],
        }
        return {
            'keras_version': '2.15.0',
            'backend': 'tensorflow',
            'model_config': {'class_name': 'Functional', 'config': config},
        }


def write_model(weights, topology, folder, script, metadata):
    """`weights`: names to arrays, in the order of the layers; `script`: who made the files; `metadata`: dict."""
    data = b''
    entries = []
    for name, values in weights.items():
        # Through float32, as the checks of the course are: the halves must be the same ones.
        half = values.astype(np.float32).astype('<f2')
        assert np.isfinite(half).all(), name
        entries.append(
            {'name': name, 'shape': list(half.shape), 'dtype': 'float32',
             'quantization': {'dtype': 'float16', 'original_dtype': 'float32'}}
        )  # fmt: skip
        data += half.tobytes()

    os.makedirs(folder, exist_ok=True)
    count = -(-len(data) // SHARD_BYTES)
    paths = [f'group1-shard{i + 1}of{count}.bin' for i in range(count)]
    for i, path in enumerate(paths):
        with open(os.path.join(folder, path), 'wb') as file:
            file.write(data[i * SHARD_BYTES : (i + 1) * SHARD_BYTES])
    model = {
        'format': 'layers-model',
        'generatedBy': f'convscope scripts/{script}',
        'convertedBy': None,
        'modelTopology': topology,
        'weightsManifest': [{'paths': paths, 'weights': entries}],
        'userDefinedMetadata': metadata,
    }
    with open(os.path.join(folder, 'model.json'), 'w', encoding='utf-8') as file:
        json.dump(model, file, separators=(',', ':'))
        file.write('\n')
    print(f'{len(entries)} weights, {len(data)} bytes in {count} shards -> {folder}\n')
    print(catalogue_entry(folder, entries, paths))


def catalogue_entry(folder, entries, paths):
    """One network of embeddedNetworks: what its list of weights and its shards must hash to."""
    listed = [[entry['name'], entry['shape'], entry['quantization']['dtype']] for entry in entries]
    manifest = json.dumps(listed, ensure_ascii=False, separators=(',', ':')).encode()
    name = os.path.basename(folder)
    key = name if name.isidentifier() else f"'{name}'"
    lines = [f'  {key}: {{', f"    manifest: '{hashlib.sha256(manifest).hexdigest()}',", '    shards: [']
    for path in paths:
        with open(os.path.join(folder, path), 'rb') as file:
            data = file.read()
        lines += ['      {', f"        name: '{path}',", f'        bytes: {len(data)},']
        lines += [f"        sha256: '{hashlib.sha256(data).hexdigest()}',", '      },']
    return '\n'.join([*lines, '    ],', '  },'])
