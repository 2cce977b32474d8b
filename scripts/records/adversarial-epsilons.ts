import { loadPhoto, rightPhotos, smallestEpsilon } from '../../lib/08-adversarial/robustness';
import { loadModel, type NetworkId } from '../../lib/model/networks/load';
import { coursePhotos } from '../../lib/image/photos';
import { showPlot } from '../../lib/show/plot';
import { capturePng } from '../../lib/show/record';
import type { Recipe } from './recipe';

const NETWORKS: readonly NetworkId[] = ['squeezenet', 'efficientnet-lite0'];
/** Grey levels; beyond them chapter 08 sees the perturbation itself. */
const MAX = 16;

/** How little one step of FGSM needs, photo by photo. */
export const recipe: Recipe = {
  name: 'adversarial-epsilons',
  title: '每张认对的照片：一步 FGSM 改变答案所需的最小 ε',
  settings: { models: NETWORKS, method: 'fgsm', max: `${MAX}/255`, precision: 1.1 },
  seed: 0,
  tolerance: 0.1,
  async run() {
    const numbers: Record<string, { photos: number; never: number; median: number; below2: number }> = {};
    const data: Record<string, unknown>[] = [];
    for (const id of NETWORKS) {
      const model = await loadModel(id);
      const found: number[] = [];
      for (const { photo } of (await rightPhotos(model, coursePhotos({ labelled: true }))).photos) {
        const image = await loadPhoto(model, photo);
        found.push(255 * (await smallestEpsilon(model, image, { max: MAX / 255 })).epsilon);
        image.dispose();
      }
      const sorted = [...found].sort((a, b) => a - b);
      numbers[id] = {
        photos: found.length,
        never: found.filter((e) => e === Infinity).length,
        median: sorted[sorted.length >> 1],
        below2: found.filter((e) => e <= 2).length,
      };
      const share = sorted.map((_, i) => (i + 1) / sorted.length);
      const finite = sorted.filter((e) => e < Infinity);
      data.push({
        type: 'scatter',
        mode: 'lines',
        name: model.title,
        x: finite,
        y: share.slice(0, finite.length),
        line: { shape: 'hv', width: 3 },
      });
      model.dispose();
    }
    const layout = {
      title: '一步 FGSM 就改变答案的照片占多少',
      xaxis: { title: 'ε（灰度级，1/255）', type: 'log', range: [-1.3, Math.log10(MAX)] },
      yaxis: { title: '照片的比例', range: [0, 1] },
    };
    return { numbers, images: { '': await capturePng(() => showPlot({ data, layout } as never)) } };
  },
};
