import { tf } from '../../lib/tf/backend';
import { loadModel } from '../../lib/model/networks/load';
import { neuron } from '../../lib/06-optimization/objectives';
import { maximize, type MaximizeOptions } from '../../lib/06-optimization/optimize';
import { patchImage } from '../../lib/02-patches/patch-image';
import { type ChannelPatches, topPatches } from '../../lib/02-patches/patches';
import { patchPurity } from '../../lib/02-patches/purity';
import { coursePhotos } from '../../lib/image/photos';
import { fourier } from '../../lib/06-optimization/fourier';
import { showGrid } from '../../lib/show/grid';
import { capturePng } from '../../lib/show/record';
import { blur, decay } from '../../lib/06-optimization/regularizers';
import { adam } from '../../lib/06-optimization/steps';
import { jitter } from '../../lib/06-optimization/transforms';
import type { Recipe } from './recipe';

const PATCHES = 4;

/** The two channels of a layer whose nine strongest patches agree most in category: a rule, not a choice by eye. */
function mostUniform(all: readonly ChannelPatches[]): ChannelPatches[] {
  return [...all].sort((a, b) => patchPurity(b) - patchPurity(a) || a.channel - b.channel).slice(0, 2);
}

/** Receptive fields from here on are large enough for waves. */
const LARGE = 64;
const WAVES: MaximizeOptions = { parametrization: fourier(), step: adam(0.05), noise: 0.01, projections: [] };

/** A nearly linear unit would drive every pixel to black or white; decay holds the deviation within its field at 0.3. */
const calm = (size: number, width: number): MaximizeOptions => ({
  learningRate: (0.06 * size) / width,
  projections: [blur(0.6, 2), decay(0.2)],
});

/** conv1 … conv5 of AlexNet: the optimised pattern of a neuron beside the strongest patches of its channel. */
export const recipe: Recipe = {
  name: 'optimization-neurons',
  title: 'AlexNet 各层的神经元：最优化的图案与最大激活图块',
  settings: { model: 'alexnet', layers: ['conv1', 'conv2', 'conv3', 'conv4', 'conv5'], steps: 150 },
  seed: 0,
  tolerance: 0.3,
  sources: ['lib/06-optimization/fourier.ts', 'lib/06-optimization/steps.ts', 'lib/06-optimization/regularizers.ts'],
  async run(settings, seed) {
    const model = await loadModel('alexnet', { head: false });
    const photos = coursePhotos({ background: 'scene' });
    const tiles: tf.Tensor3D[] = [];
    const captions: string[] = [];
    const activation: Record<string, number> = {};
    const strongestPhoto: Record<string, number> = {};
    for (const layer of settings.layers as string[]) {
      const { shape, receptiveField } = model.layers.find((l) => l.name === layer)!;
      const { size, stride, offset } = receptiveField!;
      const begin = Math.max(0, offset + stride * (shape[0] >> 1));
      for (const { channel, patches } of mostUniform(await topPatches(model, photos, layer, { top: 9 }))) {
        const way = size < LARGE ? calm(size, model.inputSize[1]) : WAVES;
        // Moving a small receptive field by more than a fraction of itself would blur what it looks for.
        const transforms = [jitter(Math.min(8, size >> 4))];
        const steps = settings.steps as number;
        const result = await maximize(model, neuron(layer, channel), { ...way, transforms, steps, seed });
        const { image, best, trace, bestStep } = result;
        tiles.push(tf.tidy(() => tf.slice(best, [begin, begin, 0], [size, size, 3])));
        tf.dispose([image, best]);
        for (const patch of patches.slice(0, PATCHES)) tiles.push(await patchImage(patch, { size: 96 }));
        activation[`${layer} ${channel}`] = trace[bestStep];
        strongestPhoto[`${layer} ${channel}`] = patches[0].value;
        captions.push(`#${channel}`, ...Array<string>(PATCHES).fill(''));
      }
    }
    const png = await capturePng(() =>
      showGrid(tiles, { columns: 2 * (PATCHES + 1), tile: 96, captions, rowLabels: settings.layers as string[] }),
    );
    tf.dispose(tiles);
    model.dispose();
    return { numbers: { activation, strongestPhoto }, images: { '': png } };
  },
};
