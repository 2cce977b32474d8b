import { tf } from '../../lib/tf/backend';
import { loadImage } from '../../lib/image/image';
import { coursePhotos, photo } from '../../lib/image/photos';
import { invert } from '../../lib/07-inversion/inversion';
import { cellCorrelation, pairwiseDistances, survival } from '../../lib/07-inversion/measures';
import { loadModel } from '../../lib/model/networks/load';
import { showGrid } from '../../lib/show/grid';
import { capturePng } from '../../lib/show/record';
import type { Recipe, RecordResult } from './recipe';

export const LAYERS = ['conv1', 'relu2', 'relu3', 'relu4', 'pool5'];
export const PHOTOS = [
  'red-panda',
  'scarlet-macaw',
  'balloon',
  'ostrich',
  'dog',
  'strawberry',
  'taj-mahal',
  'zebra',
  'firetruck',
  'lemon',
];
/** How many photos are shown; the others are only measured. */
const SHOWN = 3;

/** Photos, layers, one lambda: errors, and what survives of the picture. */
async function inversions(photos: readonly string[], seed: number): Promise<RecordResult> {
  const model = await loadModel('alexnet');
  const originals: tf.Tensor3D[] = [];
  for (const name of photos) {
    const { path, crop } = photo(name);
    originals.push(await loadImage(path, { size: [...model.inputSize], crop }));
  }
  const pairs = await pairwiseDistances(model, coursePhotos({ background: 'scene' }).slice(0, 100), LAYERS);
  const again = async (layer: string, image: tf.Tensor3D) => {
    const { best, image: last, error } = await invert(model, image, layer, { seed, verdict: false });
    last.dispose();
    return { best, error: error.ofCode };
  };
  const table: Record<string, Record<string, number[]>> = {};
  const shown: tf.Tensor3D[][] = originals.slice(0, SHOWN).map((image) => [image]);
  for (const layer of LAYERS) {
    const row: Record<string, number[]> = { ofCode: [], ofPairs: [], cells: [], others: [], structure: [], colour: [], layout: [] }; // prettier-ignore
    table[layer] = row;
    for (const [i, image] of originals.entries()) {
      const { best, error } = await again(layer, image);
      const norm = tf.tidy(() => tf.sum(tf.square(model.activations(image, layer))));
      row.ofCode.push(error);
      row.ofPairs.push((error * (await norm.data())[0]) / pairs.squared[layer]);
      norm.dispose();
      row.cells.push(await cellCorrelation(best, image));
      const strangers = originals.filter((_, j) => j !== i);
      const others = await Promise.all(strangers.map((other) => cellCorrelation(best, other)));
      row.others.push(others.reduce((sum, v) => sum + v, 0) / others.length);
      for (const [name, value] of Object.entries(await survival(best, image))) row[name].push(value as number);
      if (i < SHOWN) shown[i].push(best);
      else best.dispose();
      console.log(layer, photos[i], error, row.cells.at(-1));
    }
  }
  const columnLabels = ['照片', ...LAYERS];
  const main = await capturePng(() => showGrid(shown.flat(), { columns: LAYERS.length + 1, tile: 190, columnLabels }));
  tf.dispose([...originals, ...shown.flat()]);
  model.dispose();
  return { numbers: { table }, images: { '': main } };
}

const SETTINGS = { model: 'alexnet', layers: LAYERS, lambda: 0.05, steps: 100, step: 'adam(0.03)' };

export const recipe: Recipe = {
  name: 'inversion-table',
  title: 'AlexNet 五层的反演，十张照片，同一个 λ',
  settings: { ...SETTINGS, photos: PHOTOS },
  seed: 0,
  tolerance: 0.2,
  run: (_settings, seed) => inversions(PHOTOS, seed),
};
