import type { NamedWeights } from '../lib/model/weights/formats/weights';
import { fromCaffeKernel } from '../lib/model/weights/formats/weights';

/**
 * AlexNet with reproducible pseudo-random weights: the real network's full size, without its files. Stream:
 * mulberry32 with seed 1000 * layer (weights) and 1000 * layer + 1 (biases), Caffe's order of elements.
 */
const SHAPES: [string, number[]][] = [
  ['conv1', [96, 3, 11, 11]],
  ['conv2', [256, 48, 5, 5]],
  ['conv3', [384, 256, 3, 3]],
  ['conv4', [384, 192, 3, 3]],
  ['conv5', [256, 192, 3, 3]],
  ['fc6', [4096, 9216]],
  ['fc7', [4096, 4096]],
  ['fc8', [1000, 4096]],
];

function stream(seed: number, count: number, amplitude: number): Float32Array {
  const values = new Float32Array(count);
  const scale = Math.fround(amplitude);
  for (let i = 0; i < count; i++) {
    const state = (seed + Math.imul(i + 1, 0x6d2b79f5)) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    values[i] = Math.fround(((t ^ (t >>> 14)) >>> 0) / 2147483648 - 1) * scale;
  }
  return values;
}

/** fc6 as Caffe has it reads [c, h, w]; TF.js flattens [h, w, c]. */
function denseKernel(
  data: Float32Array,
  [out, inputs]: number[],
  spatial?: [number, number, number],
): NamedWeights[string] {
  const result = new Float32Array(data.length);
  for (let i = 0; i < inputs; i++) {
    let to = i;
    if (spatial) {
      const [channels, height, width] = spatial;
      const [c, rest] = [Math.floor(i / (height * width)), i % (height * width)];
      to = rest * channels + c;
    }
    for (let o = 0; o < out; o++) result[to * out + o] = data[o * inputs + i];
  }
  return { data: result, shape: [inputs, out] };
}

export function pseudoAlexNetWeights({ head = true } = {}): NamedWeights {
  const weights: NamedWeights = {};
  SHAPES.forEach(([name, shape], index) => {
    if (!head && name.startsWith('fc')) return;
    const count = shape.reduce((a, b) => a * b, 1);
    const fanIn = count / shape[0];
    const data = stream(1000 * (index + 1), count, Math.sqrt(6 / fanIn));
    weights[`${name}/kernel`] =
      shape.length === 4
        ? fromCaffeKernel(data, shape, { flipInput: name === 'conv1' })
        : denseKernel(data, shape, name === 'fc6' ? [256, 6, 6] : undefined);
    weights[`${name}/bias`] = { data: stream(1000 * (index + 1) + 1, shape[0], 0.05), shape: [shape[0]] };
  });
  return weights;
}
