import { tf } from '../../lib/tf/backend';
import { loadModel } from '../../lib/model/networks/load';
import { classScore, scaled } from '../../lib/06-optimization/objectives';
import { maximize } from '../../lib/06-optimization/optimize';
import { yosinskiPresets } from '../../lib/06-optimization/presets';
import { showGrid } from '../../lib/show/grid';
import { capturePng } from '../../lib/show/record';
import type { Recipe } from './recipe';

/**
 * What the score is multiplied by, preset by preset. GoogLeNet's score is a mean over 7 × 7 places; with its own scale
 * the second preset's decay outruns it. The steps of the first and the fourth follow the score's rise: half the scale,
 * twice the step. The first takes longest: what is below the median is set to zero again after each step.
 */
const SCALES = [1, 8, 1, 0.5];
const STEPS = [200, 120, 120, 120];
/** Flamingo and ostrich. */
const CLASSES = [130, 9];

/** Yosinski's four presets side by side; the pictures stay within a few grey levels, so each is stretched. */
export const recipe: Recipe = {
  name: 'optimization-presets',
  title: `Yosinski 的四组设置，GoogLeNet，${STEPS.join('、')} 步`,
  settings: { model: 'googlenet', classes: CLASSES, scales: SCALES, steps: STEPS },
  seed: 0,
  tolerance: 0.5,
  async run(_settings, seed) {
    const model = await loadModel('googlenet');
    const mean = tf.tensor1d([...model.mean]);
    const pictures: tf.Tensor3D[] = [];
    const captions: string[] = [];
    const numbers: Record<string, { probability: number[]; correct: number[]; contrast: number[] }> = {};
    for (const index of CLASSES) {
      const own = { probability: [] as number[], correct: [] as number[], contrast: [] as number[] };
      numbers[model.classes[index].en] = own;
      for (const [i, { options }] of yosinskiPresets.entries()) {
        const target = scaled(classScore(index), SCALES[i]);
        const { image, best, verdict } = await maximize(model, target, { ...options, steps: STEPS[i], seed });
        const deviation = tf.tidy(() => tf.sub(best, mean) as tf.Tensor3D);
        const square = tf.tidy(() => tf.mean(tf.square(deviation)));
        own.contrast.push(255 * Math.sqrt((await square.data())[0]));
        own.probability.push(verdict.find((v) => v.index === index)?.probability ?? 0);
        own.correct.push(Number(verdict[0].index === index));
        captions.push(`概率 ${(100 * own.probability[i]).toFixed(0)}%，起伏 ${own.contrast[i].toFixed(1)} / 255`);
        pictures.push(deviation);
        tf.dispose([image, best, square]);
      }
    }
    const rowLabels = CLASSES.map((index) => model.classes[index].zh);
    const columnLabels = yosinskiPresets.map(({ name }) => name);
    const png = await capturePng(() =>
      showGrid(pictures, { columns: 4, tile: 224, scale: 'signed', captions, rowLabels, columnLabels }),
    );
    tf.dispose([mean, ...pictures]);
    model.dispose();
    return { numbers, images: { '': png } };
  },
};
