import { bootstrap } from '../../lib/base/statistics';
import { photoInput } from '../../lib/model/photo-input';
import { coursePhotos } from '../../lib/image/photos';
import { classify } from '../../lib/model/classify';
import { loadModel, type NetworkId } from '../../lib/model/networks/load';
import type { Recipe } from './recipe';

/** How many of the labelled photos each network gets right; two of them are downloaded. */
export const recipe: Recipe = {
  name: 'overview-networks',
  title: '三个有类别得分的网络，认全部有标签的照片',
  settings: { models: ['efficientnet-lite0', 'googlenet', 'squeezenet'] },
  seed: 0,
  async run({ models }, seed) {
    const numbers: Record<string, Record<string, number | Record<string, number>>> = {};
    const photos = coursePhotos({ labelled: true });
    for (const id of models as NetworkId[]) {
      const model = await loadModel(id);
      const [first, five]: number[][] = [[], []];
      for (const photo of photos) {
        const image = await photoInput(model, photo);
        const answers = (await classify(model, image)).map(({ index }) => index);
        image.dispose();
        first.push(Number(answers[0] === photo.imagenet!.index));
        five.push(Number(answers.includes(photo.imagenet!.index)));
      }
      numbers[id] = {
        photos: photos.length,
        layers: model.network.layers.filter((layer) => layer.weights.some((w) => w.shape.length > 1)).length,
        parameters: model.layers.reduce((sum, { parameters }) => sum + parameters, 0),
        right: { ...bootstrap(first, { seed }) },
        topFive: five.reduce((sum, v) => sum + v, 0) / five.length,
      };
      model.dispose();
    }
    return { numbers, images: {} };
  },
};
