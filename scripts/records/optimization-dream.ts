import { loadImage } from '../../lib/image/image';
import { photo } from '../../lib/image/photos';
import { loadModel } from '../../lib/model/networks/load';
import { dream } from '../../lib/06-optimization/dream';
import { energy } from '../../lib/06-optimization/objectives';
import { showGrid } from '../../lib/show/grid';
import { capturePng } from '../../lib/show/record';
import { tf } from '../../lib/tf/backend';
import type { Recipe } from './recipe';

const LAYERS = ['inception_3b', 'inception_4c'];
const OPTIONS = { octaves: 3, ratio: 1.3, steps: 10, learningRate: 0.01 };

/** DeepDream on a photo larger than the network's input, at two depths. */
export const recipe: Recipe = {
  name: 'optimization-dream',
  title: 'DeepDream：400 像素的照片，三个尺度各十步，GoogLeNet 的两层',
  settings: { model: 'googlenet', photo: 'red-panda', size: 400, layers: LAYERS, ...OPTIONS },
  seed: 0,
  tolerance: 0.3,
  async run(_settings, seed) {
    const model = await loadModel('googlenet');
    const { path, crop } = photo('red-panda');
    const image = await loadImage(path, { size: [400, 400], crop });
    const pictures: tf.Tensor3D[] = [image];
    const change: number[] = [];
    for (const layer of LAYERS) {
      const result = await dream(model, image, { objective: energy(layer), ...OPTIONS, seed });
      const moved = tf.tidy(() => tf.mean(tf.abs(tf.sub(result.image, image))));
      change.push((await moved.data())[0]);
      moved.dispose();
      pictures.push(result.image);
    }
    const captions = ['照片', ...LAYERS.map((layer) => layer.replace('inception_', ''))];
    const png = await capturePng(() => showGrid(pictures, { columns: 3, tile: 400, captions }));
    tf.dispose(pictures);
    model.dispose();
    return { numbers: { change }, images: { '': png } };
  },
};
