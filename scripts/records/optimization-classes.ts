import { tf } from '../../lib/tf/backend';
import { judge } from '../../lib/06-optimization/judge';
import { classScore } from '../../lib/06-optimization/objectives';
import { maximize } from '../../lib/06-optimization/optimize';
import { loadModel } from '../../lib/model/networks/load';
import { showGrid } from '../../lib/show/grid';
import { capturePng } from '../../lib/show/record';
import type { Recipe, RecordResult } from './recipe';

interface ClassSettings {
  readonly classes: readonly number[];
  readonly steps: number;
}

/** Classes with the defaults of `maximize`, each judged by another network. */
async function classImages({ classes, steps }: ClassSettings, seed: number): Promise<RecordResult> {
  const model = await loadModel('googlenet');
  const other = await loadModel('efficientnet-lite0');
  const pictures: tf.Tensor3D[] = [];
  const captions: string[] = [];
  const numbers = { own: [] as number[], probability: [] as number[], rank: [] as number[] };
  for (const index of classes) {
    const { image, best } = await maximize(model, classScore(index), {
      steps,
      seed,
      verdict: false,
    });
    best.dispose();
    pictures.push(image);
    numbers.own.push((await judge(model, image, { class: index })).probability);
    const { rank, probability } = await judge(other, image, { class: index });
    numbers.rank.push(rank);
    numbers.probability.push(probability);
    captions.push(`${model.classes[index].zh}　旁观者：第 ${rank} 名`);
    console.log(captions.at(-1), probability);
  }
  const png = await capturePng(() => showGrid(pictures, { columns: 5, tile: 224, captions }));
  tf.dispose(pictures);
  model.dispose();
  other.dispose();
  return { numbers, images: { '': png } };
}

const settings = { classes: [130, 9, 387, 340, 1, 417, 980, 817, 76, 985], steps: 96, judge: 'efficientnet-lite0' };

export const recipe: Recipe = {
  name: 'optimization-classes',
  title: 'GoogLeNet 的十个类别，maximize 的默认设置，96 步',
  settings,
  seed: 0,
  tolerance: 0.5,
  run: (_settings, seed) => classImages(settings, seed),
};
