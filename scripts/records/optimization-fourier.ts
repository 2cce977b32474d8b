import { tf } from '../../lib/tf/backend';
import { loadModel } from '../../lib/model/networks/load';
import { naturalness } from '../../lib/06-optimization/naturalness';
import { classScore } from '../../lib/06-optimization/objectives';
import { maximize } from '../../lib/06-optimization/optimize';
import { fourierPreset } from '../../lib/06-optimization/presets';
import { showGrid } from '../../lib/show/grid';
import { capturePng } from '../../lib/show/record';
import type { Recipe } from './recipe';

/** Five classes with the Fourier parametrisation and random transforms. */
export const recipe: Recipe = {
  name: 'optimization-fourier',
  title: '五个类别，傅里叶参数化加变换，各 60 步',
  settings: { model: 'squeezenet', classes: [130, 9, 340, 13, 817], steps: 60 },
  seed: 0,
  tolerance: 0.3,
  sources: [
    'lib/06-optimization/presets.ts',
    'lib/06-optimization/fourier.ts',
    'lib/06-optimization/transforms.ts',
    'lib/06-optimization/steps.ts',
  ],
  async run(settings, seed) {
    const model = await loadModel('squeezenet');
    const steps = settings.steps as number;
    const pictures: tf.Tensor3D[] = [];
    const captions: string[] = [];
    const measured = { probability: [] as number[], correct: [] as number[], slope: [] as number[] };
    for (const index of settings.classes as number[]) {
      const { image, best, verdict } = await maximize(model, classScore(index), {
        ...fourierPreset.options,
        steps,
        seed,
      });
      measured.correct.push(Number(verdict[0].index === index));
      measured.probability.push(verdict.find((v) => v.index === index)?.probability ?? 0);
      measured.slope.push((await naturalness(best)).slope);
      captions.push(`${model.classes[index].zh} ${(100 * measured.probability[pictures.length]).toFixed(1)}%`);
      pictures.push(best);
      image.dispose();
    }
    const png = await capturePng(() => showGrid(pictures, { columns: 5, tile: 227, captions }));
    tf.dispose(pictures);
    model.dispose();
    return { numbers: measured, images: { '': png } };
  },
};
