import { tf } from '../../lib/tf/backend';
import { loadImage } from '../../lib/image/image';
import { photo } from '../../lib/image/photos';
import { invert } from '../../lib/07-inversion/inversion';
import { cellCorrelation } from '../../lib/07-inversion/measures';
import { loadModel } from '../../lib/model/networks/load';
import { showGrid } from '../../lib/show/grid';
import { capturePng } from '../../lib/show/record';
import type { Recipe } from './recipe';

/** An early layer, a later one, the deepest. */
const LAYERS = ['relu2', 'relu4', 'pool5'];
/** Powers of ten around the course's 0.05. */
const LAMBDAS = [0.005, 0.05, 0.5, 5, 50];

/** The strength of the total variation, everything else being equal. */
export const recipe: Recipe = {
  name: 'inversion-lambda',
  title: '五种 λ，三层，一张照片，其余设置相同',
  settings: { model: 'alexnet', photo: 'red-panda', layers: LAYERS, lambdas: LAMBDAS, steps: 100, step: 'adam(0.03)' },
  seed: 0,
  tolerance: 0.2,
  async run(_settings, seed) {
    const model = await loadModel('alexnet');
    const { path, crop } = photo('red-panda');
    const image = await loadImage(path, { size: [...model.inputSize], crop });
    const pictures: tf.Tensor3D[] = [];
    const numbers: Record<string, { ofCode: number[]; cells: number[] }> = {};
    for (const layer of LAYERS) {
      const row = { ofCode: [] as number[], cells: [] as number[] };
      numbers[layer] = row;
      for (const lambda of LAMBDAS) {
        const { best, image: last, error } = await invert(model, image, layer, { lambda, seed, verdict: false });
        last.dispose();
        row.ofCode.push(error.ofCode);
        row.cells.push(await cellCorrelation(best, image));
        pictures.push(best);
      }
    }
    const columnLabels = LAMBDAS.map((lambda) => `λ = ${lambda}`);
    const png = await capturePng(() =>
      showGrid(pictures, { columns: LAMBDAS.length, tile: 190, columnLabels, rowLabels: LAYERS }),
    );
    tf.dispose([image, ...pictures]);
    model.dispose();
    return { numbers, images: { '': png } };
  },
};
