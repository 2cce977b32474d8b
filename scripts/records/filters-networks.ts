import { colourShare, filterImages } from '../../lib/01-filters/filters';
import { bootstrap } from '../../lib/base/statistics';
import { loadModel, type NetworkId } from '../../lib/model/networks/load';
import { showGrid } from '../../lib/show/grid';
import { capturePng } from '../../lib/show/record';
import { tf } from '../../lib/tf/backend';
import type { Recipe } from './recipe';

/** Two downloaded networks' first layers: what the source's blob of (96, 3, 11, 11) looks like, and another network's. */
export const recipe: Recipe = {
  name: 'filters-networks',
  title: '两个要下载的网络的第一层：2012 年的 AlexNet（压缩版）与 SqueezeNet',
  settings: { models: ['alexnet-2012', 'squeezenet'] },
  seed: 0,
  async run({ models }, seed) {
    const images: Record<string, Uint8Array> = {};
    const numbers: Record<string, number | Record<string, number>> = {};
    for (const id of models as NetworkId[]) {
      // Compressed on every machine, or the record would depend on what can be downloaded.
      const model = await loadModel(id, { full: false });
      const pictures = filterImages(model);
      images[id] = await capturePng(() => showGrid(pictures, { columns: 16, tile: 60 }));
      const [count, height] = pictures.shape;
      numbers[id] = { count, height };
      if (id === 'alexnet-2012') {
        const share = await colourShare(model);
        numbers.第一组 = { ...bootstrap(share.slice(0, count / 2), { seed }) };
        numbers.第二组 = { ...bootstrap(share.slice(count / 2), { seed }) };
        const weights = model.network.getLayer(model.roles.firstConv).getWeights()[0];
        const colours = tf.tidy(() => tf.reshape(tf.transpose(weights, [3, 0, 1, 2]), [-1, 3]));
        const triples = (await colours.array()) as number[][];
        numbers.颜色 = new Set(triples.map((rgb) => rgb.map((v) => v.toPrecision(5)).join())).size;
        colours.dispose();
      }
      pictures.dispose();
      model.dispose();
    }
    return { numbers, images };
  },
};
