import { tf } from '../../lib/tf/backend';
import { loadModel } from '../../lib/model/networks/load';
import { classScore } from '../../lib/06-optimization/objectives';
import { maximize } from '../../lib/06-optimization/optimize';
import { yosinskiPresets } from '../../lib/06-optimization/presets';
import { showGrid } from '../../lib/show/grid';
import { capturePng } from '../../lib/show/record';
import type { Recipe } from './recipe';

/** Per class, one number for each of the four settings. */
interface Measured {
  readonly probability: number[];
  readonly correct: number[];
  readonly score: number[];
  /** Root mean square around the mean colour, 0 to 255. */
  readonly contrast: number[];
  readonly [name: string]: number[];
}

/** Yosinski's four settings side by side, with the paper's own numbers of steps: 3250 a class. */
export const recipe: Recipe = {
  name: 'optimization-presets',
  title: 'Yosinski 的四组设置，论文的步数（500、750、1000、1000）',
  settings: { model: 'squeezenet', classes: [130, 9, 144, 779, 736] },
  seed: 0,
  tolerance: 0.3,
  sources: ['lib/06-optimization/presets.ts', 'lib/06-optimization/steps.ts', 'lib/06-optimization/regularizers.ts'],
  async run(settings, seed) {
    const model = await loadModel('squeezenet');
    const classes = settings.classes as number[];
    const mean = tf.tensor1d([...model.mean]);
    const pictures: tf.Tensor3D[] = [];
    const captions: string[] = [];
    const numbers: Record<string, Measured> = {};
    for (const index of classes) {
      const own: Measured = { probability: [], correct: [], score: [], contrast: [] };
      numbers[model.classes[index].en] = own;
      for (const { options } of yosinskiPresets) {
        const { image, best, bestStep, trace, verdict } = await maximize(model, classScore(index), {
          ...options,
          seed,
        });
        // Around the mean: the pictures stay close to grey, so each is stretched to its own largest value.
        const deviation = tf.tidy(() => tf.sub(best, mean) as tf.Tensor3D);
        own.probability.push(verdict.find((v) => v.index === index)?.probability ?? 0);
        own.correct.push(Number(verdict[0].index === index));
        own.score.push(trace[bestStep]);
        own.contrast.push(255 * tf.tidy(() => tf.sqrt(tf.mean(tf.square(deviation))).dataSync()[0]));
        const probability = (100 * own.probability.at(-1)!).toFixed(1);
        captions.push(`概率 ${probability}%　起伏 ${own.contrast.at(-1)!.toFixed(1)} / 255`);
        pictures.push(deviation);
        tf.dispose([image, best]);
      }
    }
    const rowLabels = classes.map((index) => model.classes[index].zh);
    const columnLabels = yosinskiPresets.map(({ name }) => name);
    const png = await capturePng(() =>
      showGrid(pictures, { columns: 4, tile: 227, scale: 'signed', captions, rowLabels, columnLabels }),
    );
    tf.dispose([mean, ...pictures]);
    model.dispose();
    return { numbers, images: { '': png } };
  },
};
