import { transfer } from '../../lib/08-adversarial/transfer';
import { loadModel } from '../../lib/model/networks/load';
import { coursePhotos } from '../../lib/image/photos';
import type { Recipe } from './recipe';

/** Examples made on one network, shown to the other. */
export const recipe: Recipe = {
  name: 'adversarial-transfer',
  title: '在一个网络上造的对抗样本，另一个网络也上当吗',
  settings: { models: ['squeezenet', 'efficientnet-lite0'], every: 2, epsilons: [2, 8], steps: 10 },
  seed: 0,
  tolerance: 0.15,
  async run({ epsilons, steps, every }, seed) {
    const models = [await loadModel('squeezenet'), await loadModel('efficientnet-lite0')];
    const photos = coursePhotos({ labelled: true, background: 'scene' }).filter((_, i) => i % (every as number) === 0);
    const numbers: Record<string, Record<string, number>> = {};
    for (const epsilon of epsilons as number[]) {
      for (const source of models) {
        const rows = await transfer(source, models, photos, { epsilon: epsilon / 255, steps: steps as number, seed });
        for (const { victim, tested, fooled, fooledByNoise, sameAnswer } of rows) {
          numbers[`${source.id} → ${victim}, ε = ${epsilon}/255`] = { tested, fooled, fooledByNoise, sameAnswer };
        }
      }
    }
    models.forEach((model) => model.dispose());
    return { numbers, images: {} };
  },
};
