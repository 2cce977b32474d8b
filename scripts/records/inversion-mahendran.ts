import { tf } from '../../lib/tf/backend';
import { loadImage } from '../../lib/image/image';
import { invert } from '../../lib/07-inversion/inversion';
import { loadModel } from '../../lib/model/networks/load';
import { photo } from '../../lib/image/photos';
import { showGrid } from '../../lib/show/grid';
import { capturePng } from '../../lib/show/record';
import type { Recipe } from './recipe';

/** The authors' own settings: 400 steps with momentum from strong noise, the strength by layer. */
export const recipe: Recipe = {
  name: 'inversion-mahendran',
  title: '论文的设置：400 步、动量、逐层的 λ，两张照片',
  settings: {
    model: 'alexnet',
    photos: ['red-panda', 'scarlet-macaw'],
    layers: ['conv1', 'relu2', 'conv3', 'relu4', 'pool5'],
    steps: 400,
  },
  seed: 0,
  tolerance: 0.15,
  sources: ['lib/07-inversion/inversion.ts', 'lib/07-inversion/presets.ts'],
  async run(settings, seed) {
    const model = await loadModel('alexnet', { head: false });
    const layers = settings.layers as string[];
    const pictures: tf.Tensor3D[] = [];
    const numbers: Record<string, number[]> = {};
    const captions: string[] = [];
    for (const name of settings.photos as string[]) {
      const own = photo(name);
      const image = await loadImage(own.path, { size: [...model.inputSize], crop: own.crop });
      pictures.push(image);
      captions.push('原图');
      numbers[name] = [];
      for (const layer of layers) {
        const {
          best,
          image: last,
          error,
        } = await invert(model, image, layer, { steps: settings.steps as number, seed });
        last.dispose();
        pictures.push(best);
        numbers[name].push(error.ofCode);
        captions.push(`${layer}，误差 ${(100 * error.ofCode).toFixed(1)}%`);
      }
    }
    const sheet = await capturePng(() => showGrid(pictures, { columns: layers.length + 1, tile: 190, captions }));
    tf.dispose(pictures);
    model.dispose();
    return { numbers, images: { '': sheet } };
  },
};
