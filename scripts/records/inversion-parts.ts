import { tf } from '../../lib/tf/backend';
import { loadImage } from '../../lib/image/image';
import { photo } from '../../lib/image/photos';
import { invert, type InvertOptions } from '../../lib/07-inversion/inversion';
import { loadModel } from '../../lib/model/networks/load';
import { showGrid } from '../../lib/show/grid';
import { capturePng } from '../../lib/show/record';
import type { Recipe } from './recipe';

/** The middle of the five layers: its reconstruction is still sharp, so that what is missing shows. */
const LAYER = 'relu3';

/** Parts of a code: a region, the strongest channels, the weakest. */
export const recipe: Recipe = {
  name: 'inversion-parts',
  title: `只用 ${LAYER} 编码的一部分`,
  settings: { model: 'alexnet', photo: 'red-panda', layer: LAYER, lambda: 0.05, steps: 100 },
  seed: 0,
  tolerance: 0.3,
  async run(_settings, seed) {
    const { path, crop } = photo('red-panda');
    const model = await loadModel('alexnet');
    const image = await loadImage(path, { size: [...model.inputSize], crop });
    const strength = tf.tidy(() => tf.sum(tf.square(model.activations(image, LAYER)), [0, 1]));
    const energies = await strength.data();
    strength.dispose();
    const order = Array.from(energies, (_, i) => i).sort((a, b) => energies[b] - energies[a]);
    const parts: Record<string, InvertOptions> = {
      '中央的 5×5': { region: [4, 4, 5, 5] },
      '最强的 1/8 通道': { channels: order.slice(0, order.length >> 3) },
      最弱的一半通道: { channels: order.slice(order.length >> 1) },
    };
    const pictures: tf.Tensor3D[] = [];
    const errors: Record<string, number> = {};
    for (const [name, part] of Object.entries(parts)) {
      const { best, image: last, error } = await invert(model, image, LAYER, { ...part, seed, verdict: false });
      last.dispose();
      errors[name] = error.ofCode;
      pictures.push(best);
    }
    const sheet = await capturePng(() => showGrid(pictures, { columns: 3, tile: 300, captions: Object.keys(parts) }));
    tf.dispose([image, ...pictures]);
    model.dispose();
    return { numbers: { errors }, images: { '': sheet } };
  },
};
