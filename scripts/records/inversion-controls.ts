import { tf } from '../../lib/tf/backend';
import { loadImage } from '../../lib/image/image';
import { coursePhotos, photo } from '../../lib/image/photos';
import { invert } from '../../lib/07-inversion/inversion';
import { cellCorrelation, codeError, pairwiseDistances } from '../../lib/07-inversion/measures';
import type { ImageModel } from '../../lib/model/model';
import { loadModel } from '../../lib/model/networks/load';
import { untrainedModel } from '../../lib/model/networks/untrained';
import { showGrid } from '../../lib/show/grid';
import { capturePng } from '../../lib/show/record';
import { LAYERS, PHOTOS } from './inversion-table';
import type { Recipe } from './recipe';

async function bestOf(network: ImageModel, layer: string, image: tf.Tensor3D, seed: number): Promise<tf.Tensor3D> {
  const { best, image: last } = await invert(network, image, layer, { steps: 100, seed, verdict: false });
  last.dispose();
  return best;
}

async function squared(a: tf.Tensor3D, b: tf.Tensor3D): Promise<number> {
  const distance = tf.tidy(() => tf.sum(tf.squaredDifference(a, b)));
  const [value] = await distance.data();
  distance.dispose();
  return value;
}

/** How far apart the pixels of some reconstructions are, and their codes, in units of two photos. */
async function spread(
  model: ImageModel,
  layer: string,
  starts: readonly tf.Tensor3D[],
  photos: readonly tf.Tensor3D[],
) {
  const pairs = await pairwiseDistances(model, coursePhotos({ background: 'scene' }).slice(0, 100), [layer]);
  const twoPhotos: number[] = [];
  for (const [i, a] of photos.entries()) for (const b of photos.slice(i + 1)) twoPhotos.push(await squared(a, b));
  const typical = twoPhotos.reduce((sum, v) => sum + v, 0) / twoPhotos.length;
  const apart = { pixels: [] as number[], codes: [] as number[] };
  for (const [i, j] of [
    [0, 1],
    [0, 2],
    [1, 2],
  ]) {
    const norm = tf.tidy(() => tf.sum(tf.square(model.activations(starts[j], layer))));
    apart.pixels.push((await squared(starts[i], starts[j])) / typical);
    apart.codes.push(
      ((await codeError(model, starts[i], starts[j], layer)) * (await norm.data())[0]) / pairs.squared[layer],
    );
    norm.dispose();
  }
  return apart;
}

/** The same network without learning, and three starts of the deepest layer. */
export const recipe: Recipe = {
  name: 'inversion-controls',
  title: 'AlexNet 的对照：没有训练的网络，三个起点',
  settings: { model: 'alexnet', layers: LAYERS, photos: PHOTOS, lambda: 0.05, steps: 100, step: 'adam(0.03)' },
  seed: 0,
  tolerance: 0.2,
  async run(_settings, seed) {
    const model = await loadModel('alexnet');
    const untrained = await untrainedModel('alexnet', { seed });
    const originals: tf.Tensor3D[] = [];
    for (const name of PHOTOS) {
      const { path, crop } = photo(name);
      originals.push(await loadImage(path, { size: [...model.inputSize], crop }));
    }
    const deep = LAYERS[LAYERS.length - 1];
    // Without learning: every layer for the first photo, the deepest one for all.
    const control: tf.Tensor3D[] = [];
    const untrainedCells: number[] = [];
    const untrainedLayers: number[] = [];
    for (const layer of LAYERS) {
      const best = await bestOf(untrained, layer, originals[0], seed);
      untrainedLayers.push(await cellCorrelation(best, originals[0]));
      control.push(best);
    }
    for (const image of originals) {
      const best = await bestOf(untrained, deep, image, seed);
      untrainedCells.push(await cellCorrelation(best, image));
      best.dispose();
    }
    const starts: tf.Tensor3D[] = [];
    for (const from of [seed, seed + 1, seed + 2]) starts.push(await bestOf(model, deep, originals[0], from));
    const apart = await spread(model, deep, starts, originals);
    const sheet = await capturePng(() =>
      showGrid([originals[0], ...control], {
        columns: LAYERS.length + 1,
        tile: 190,
        columnLabels: ['照片', ...LAYERS],
      }),
    );
    const startSheet = await capturePng(() =>
      showGrid(starts, { columns: 3, tile: 300, captions: starts.map((_, i) => `起点 ${i}`) }),
    );
    tf.dispose([...originals, ...control, ...starts]);
    model.dispose();
    untrained.dispose();
    const cells = { [deep]: untrainedCells, layers: untrainedLayers };
    return { numbers: { cells, apart }, images: { untrained: sheet, starts: startSheet } };
  },
};
