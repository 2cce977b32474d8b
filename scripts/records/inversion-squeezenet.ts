import { tf } from '../../lib/tf/backend';
import { loadImage } from '../../lib/image/image';
import { invert, quickInversion } from '../../lib/07-inversion/inversion';
import { survival } from '../../lib/07-inversion/measures';
import { loadModel } from '../../lib/model/networks/load';
import { photo } from '../../lib/image/photos';
import { showGrid } from '../../lib/show/grid';
import { capturePng } from '../../lib/show/record';
import type { Recipe } from './recipe';

const LAYERS = ['relu_conv1', ...[2, 3, 4, 5, 6, 7, 8, 9].map((i) => `fire${i}/concat`), 'conv10', 'pool10'];

/** Another architecture, down to the class scores themselves. */
export const recipe: Recipe = {
  name: 'inversion-squeezenet',
  title: 'SqueezeNet 从第一层到类别得分的反演',
  settings: { model: 'squeezenet', photo: 'red-panda', layers: LAYERS, steps: 80, step: 'adam(0.02)' },
  seed: 0,
  tolerance: 0.2,
  // correlations with the photo; of deep layers, where little is left, rounding decides which picture is found
  absolute: { structure: 0.15, colour: 0.15, layout: 0.15 },
  sources: ['lib/07-inversion/inversion.ts', 'lib/07-inversion/presets.ts', 'lib/07-inversion/measures.ts'],
  async run(settings, seed) {
    const model = await loadModel('squeezenet');
    const own = photo(settings.photo as string);
    const image = await loadImage(own.path, { size: [...model.inputSize], crop: own.crop });
    const pictures: tf.Tensor3D[] = [image];
    const captions = ['原图'];
    const numbers: Record<string, Record<string, number>> = {};
    for (const layer of LAYERS) {
      const options = { ...quickInversion, steps: settings.steps as number, seed };
      const { best, image: last, error, lambda } = await invert(model, image, layer, options);
      last.dispose();
      pictures.push(best);
      captions.push(`${layer}，${(100 * error.ofCode).toFixed(1)}%`);
      numbers[layer] = { lambda, error: error.ofCode, ...survival(best, image) };
    }
    const sheet = await capturePng(() => showGrid(pictures, { columns: 6, tile: 180, captions }));
    tf.dispose(pictures);
    model.dispose();
    return { numbers, images: { '': sheet } };
  },
};
