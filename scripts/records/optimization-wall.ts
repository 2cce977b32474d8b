import { tf } from '../../lib/tf/backend';
import { randomGenerator } from '../../lib/base/random';
import { loadImage } from '../../lib/image/image';
import { photo } from '../../lib/image/photos';
import type { ImageModel } from '../../lib/model/model';
import { type NetworkId, loadModel } from '../../lib/model/networks/load';
import { channel } from '../../lib/06-optimization/objectives';
import { maximize } from '../../lib/06-optimization/optimize';
import { jitter, pad } from '../../lib/06-optimization/transforms';
import { showGrid } from '../../lib/show/grid';
import { capturePng } from '../../lib/show/record';
import type { Recipe, RecordResult } from './recipe';

/** How many channels of a layer are chosen by the rule, and how many drawn beside them. */
const CHOSEN = 6;
const DRAWN = 3;

interface WallSettings {
  readonly model: NetworkId;
  readonly photo: string;
  readonly layers: readonly string[];
  readonly steps: number;
  readonly learningRate: number;
  /** A column a layer instead of a row: few layers then fit a notebook's width without being made smaller. */
  readonly upright?: boolean;
}

/** The channels that answer a photo most, on average over their map, and some drawn from the others. */
async function channelsOf(model: ImageModel, image: tf.Tensor3D, layer: string, seed: number) {
  const answers = tf.tidy(() => tf.mean(tf.relu(model.activations(image, layer)), [0, 1]));
  const strength = await answers.data();
  answers.dispose();
  const order = Array.from(strength, (_, i) => i).sort((a, b) => strength[b] - strength[a]);
  const rest = order.slice(CHOSEN).sort((a, b) => a - b);
  const random = randomGenerator(seed);
  const drawn = Array.from({ length: DRAWN }, () => rest.splice(random.integer(rest.length), 1)[0]);
  return [...order.slice(0, CHOSEN), ...drawn];
}

/** A row a layer, or a column: six channels by the rule, three at random. */
export async function wall(settings: WallSettings, seed: number): Promise<RecordResult> {
  const model = await loadModel(settings.model);
  const { path, crop } = photo(settings.photo);
  const image = await loadImage(path, { size: [...model.inputSize], crop });
  const pictures: tf.Tensor3D[] = [];
  const captions: string[] = [];
  const numbers: Record<string, { channels: number[]; rise: number[] }> = {};
  for (const layer of settings.layers) {
    const own = { channels: await channelsOf(model, image, layer, seed), rise: [] as number[] };
    numbers[layer] = own;
    for (const index of own.channels) {
      const { steps, learningRate } = settings;
      const options = { steps, learningRate, seed, transforms: [pad(12), jitter(8)], verdict: false };
      const found = await maximize(model, channel(layer, index), options);
      found.best.dispose();
      own.rise.push(found.trace[steps] - found.trace[0]);
      pictures.push(found.image);
      captions.push(`第 ${index} 通道`);
    }
  }
  const places = Array.from({ length: CHOSEN + DRAWN }, (_, i) => (i < CHOSEN ? `最强 ${i + 1}` : '随机'));
  const layers = settings.layers.map((layer) => layer.replace('inception_', ''));
  // Pictures come layer by layer; upright, the sheet takes the first of each layer, then the second ...
  const turned = <T>(list: readonly T[]) => places.flatMap((_, i) => layers.map((_, k) => list[k * places.length + i]));
  const sheet = settings.upright
    ? { columns: layers.length, captions: turned(captions), columnLabels: layers, rowLabels: places }
    : { columns: places.length, captions, columnLabels: places, rowLabels: layers };
  const shown = settings.upright ? turned(pictures) : pictures;
  const png = await capturePng(() => showGrid(shown, { tile: 150, ...sheet }));
  tf.dispose([image, ...pictures]);
  model.dispose();
  return { numbers, images: { '': png } };
}

/**
 * The first layer is taken after its ReLU. Before it, the mean over all places is a mean of the picture itself, weighted
 * by the filter's sum: a grating's filter sums to about zero, and only the picture's one colour can raise the mean.
 */
const settings: WallSettings = {
  model: 'alexnet',
  photo: 'red-panda',
  layers: ['relu1', 'conv2', 'conv3', 'conv4', 'conv5'],
  steps: 48,
  learningRate: 0.08,
  upright: true,
};

/** AlexNet from the first to the fifth convolution. */
export const recipe: Recipe = {
  name: 'optimization-wall',
  title: 'AlexNet 由 conv1（ReLU 之后）到 conv5，每层九个通道',
  settings: { ...settings },
  seed: 0,
  tolerance: 0.3,
  run: (_settings, seed) => wall(settings, seed),
};
