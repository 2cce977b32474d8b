import { tf } from '../../lib/backend';
import { loadModel } from '../../lib/networks/load';
import { naturalness } from '../../lib/naturalness';
import { classScore } from '../../lib/objectives';
import { maximize } from '../../lib/optimize';
import { yosinskiPresets } from '../../lib/presets';
import { showGrid } from '../../lib/show/grid';
import { capturePng } from '../../lib/show/record';
import type { Recipe } from './recipe';

/** Four presets (columns) for two classes (rows); fewer steps than the paper's 500 to 1000. */
export const recipe: Recipe = {
  name: 'optimization-yosinski',
  title: 'Yosinski 等人的四组设置，各 100 步（论文 500 到 1000 步）',
  settings: { model: 'squeezenet', classes: [130, 9], steps: 100 },
  seed: 0,
  tolerance: 0.3,
  sources: ['lib/presets.ts', 'lib/regularizers.ts', 'lib/steps.ts'],
  async run(settings, seed) {
    const model = await loadModel('squeezenet');
    const images: tf.Tensor3D[] = [];
    const captions: string[] = [];
    const score: Record<string, number> = {};
    const contrast: Record<string, number> = {};
    const slope: Record<string, number> = {};
    const classes = settings.classes as number[];
    const steps = settings.steps as number;
    for (const index of classes) {
      for (const { name, options } of yosinskiPresets) {
        const { image, best, bestStep, trace, verdict } = await maximize(model, classScore(index), {
          ...options,
          seed,
        });
        const signed = tf.tidy(() => tf.sub(best, tf.tensor1d([...model.mean])) as tf.Tensor3D);
        const key = `${index} ${name}`;
        score[key] = trace[bestStep];
        contrast[key] = tf.tidy(() => tf.sqrt(tf.mean(tf.square(signed))).dataSync()[0]) * 255;
        slope[key] = (await naturalness(best)).slope;
        captions.push(`${verdict[0].zh} ${(100 * verdict[0].probability).toFixed(0)}%，得分 ${score[key].toFixed(0)}`);
        images.push(signed);
        tf.dispose([image, best]);
      }
    }
    const png = await capturePng(() =>
      showGrid(images, {
        columns: 4,
        tile: 227,
        scale: 'signed',
        captions,
        columnLabels: yosinskiPresets.map((p) => p.name),
        rowLabels: classes.map((index) => model.classes[index].zh),
      }),
    );
    tf.dispose(images);
    model.dispose();
    return { numbers: { score, contrast, slope }, images: { '': png } };
  },
};
