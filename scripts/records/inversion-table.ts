import { tf } from '../../lib/tf/backend';
import { loadImage } from '../../lib/image/image';
import { invert, paperLambda, quickInversion } from '../../lib/07-inversion/inversion';
import { pairwiseDistances, photoErrors, type Survival, survival } from '../../lib/07-inversion/measures';
import { loadModel } from '../../lib/model/networks/load';
import { coursePhotos, photo } from '../../lib/image/photos';
import { showGrid } from '../../lib/show/grid';
import { capturePng } from '../../lib/show/record';
import type { Recipe } from './recipe';

const LAYERS =
  'conv1 relu1 norm1 pool1 conv2 relu2 norm2 pool2 conv3 relu3 conv4 relu4 conv5 relu5 pool5'.split(' '); // prettier-ignore
const SHOWN = ['conv1', 'relu2', 'pool2', 'relu3', 'relu4', 'relu5', 'pool5'];

/** The paper's table of errors: every layer of AlexNet's trunk, three strengths of total variation, both normalisers. */
export const recipe: Recipe = {
  name: 'inversion-table',
  title: 'AlexNet 每一层的反演误差，三种 λ',
  settings: {
    model: 'alexnet',
    photo: 'red-panda',
    layers: LAYERS,
    lambdas: [1, 10, 100],
    steps: 100,
    step: 'adam(0.02)',
  },
  seed: 0,
  tolerance: 0.15,
  sources: ['lib/07-inversion/inversion.ts', 'lib/07-inversion/presets.ts', 'lib/07-inversion/measures.ts'],
  async run(settings, seed) {
    const model = await loadModel('alexnet', { head: false });
    const own = photo(settings.photo as string);
    const image = await loadImage(own.path, { size: [...model.inputSize], crop: own.crop });
    const lambdas = settings.lambdas as number[];
    const others = coursePhotos().filter((p) => p.file !== own.file);
    const pairs = await pairwiseDistances(model, coursePhotos({ background: 'scene' }).slice(0, 100), LAYERS);
    const photos = await photoErrors(model, image, others, LAYERS);
    const table: Record<string, { ofCode: number[]; ofPairs: number[] }> = {};
    const remains: Record<string, Survival> = {};
    const pictures: tf.Tensor3D[][] = lambdas.map(() => []);
    for (const layer of LAYERS) {
      table[layer] = { ofCode: [], ofPairs: [] };
      for (const [k, lambda] of lambdas.entries()) {
        const options = {
          ...quickInversion,
          steps: settings.steps as number,
          lambda,
          seed,
          pairwise: pairs.squared[layer],
        };
        const { best, image: last, error } = await invert(model, image, layer, options);
        last.dispose();
        table[layer].ofCode.push(error.ofCode);
        table[layer].ofPairs.push(error.ofPairs!);
        if (lambda === paperLambda(model, layer)) remains[layer] = survival(best, image);
        if (SHOWN.includes(layer)) pictures[k].push(best);
        else best.dispose();
      }
    }
    const sheet = await capturePng(() =>
      showGrid(pictures.flat(), {
        columns: SHOWN.length,
        tile: 150,
        columnLabels: SHOWN,
        rowLabels: lambdas.map((l) => `λ = ${l}`),
      }),
    );
    const nearest = Object.fromEntries(LAYERS.map((layer) => [layer, photos[layer].nearest.error]));
    const median = Object.fromEntries(LAYERS.map((layer) => [layer, photos[layer].median]));
    tf.dispose([image, ...pictures.flat()]);
    model.dispose();
    return { numbers: { table, nearest, median, remains: remains as never }, images: { '': sheet } };
  },
};
