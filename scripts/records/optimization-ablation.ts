import { tf } from '../../lib/tf/backend';
import { fourier } from '../../lib/06-optimization/fourier';
import { judge } from '../../lib/06-optimization/judge';
import { naturalness } from '../../lib/06-optimization/naturalness';
import { classScore } from '../../lib/06-optimization/objectives';
import { maximize, type MaximizeOptions } from '../../lib/06-optimization/optimize';
import { pixels } from '../../lib/06-optimization/parametrization';
import { normalized } from '../../lib/06-optimization/steps';
import { jitter, pad, rotateScale } from '../../lib/06-optimization/transforms';
import { loadModel } from '../../lib/model/networks/load';
import { showGrid } from '../../lib/show/grid';
import { capturePng } from '../../lib/show/record';
import type { Recipe, RecordResult } from './recipe';

/** The whole recipe, then without one part each; the last two leave out more than one. */
const PARTS: Readonly<Record<string, MaximizeOptions>> = {
  全套: {},
  '没有 1/f': { parametrization: fourier({ power: 0 }) },
  没有去相关的颜色: { parametrization: fourier({ colours: 'rgb' }) },
  没有加边和抖动: { transforms: [rotateScale()] },
  没有旋转和缩放: { transforms: [pad(12), jitter(8)] },
  '没有 Adam': { step: normalized(0.05) },
  一种变换也没有: { transforms: [] },
  '像素，什么都没有': { parametrization: pixels() },
};
/** The red panda of the whole course. */
const CLASS = 387;
const STEPS = 64;

/** One class, one seed: what each part of the recipe does for the picture and for another network's opinion of it. */
async function ablation(index: number, steps: number, seed: number): Promise<RecordResult> {
  const model = await loadModel('googlenet');
  const other = await loadModel('efficientnet-lite0');
  const pictures: tf.Tensor3D[] = [];
  const captions: string[] = [];
  const numbers: Record<string, { own: number; rank: number; probability: number; highShare: number }> = {};
  for (const [name, options] of Object.entries(PARTS)) {
    const { image, best } = await maximize(model, classScore(index), { ...options, steps, seed, verdict: false });
    best.dispose();
    const own = (await judge(model, image, { class: index })).probability;
    const { rank, probability } = await judge(other, image, { class: index });
    const { highShare } = await naturalness(image);
    numbers[name] = { own, rank, probability, highShare };
    pictures.push(image);
    captions.push(`${name}：第 ${rank} 名`);
  }
  const png = await capturePng(() => showGrid(pictures, { columns: 4, tile: 224, captions }));
  tf.dispose(pictures);
  model.dispose();
  other.dispose();
  return { numbers, images: { '': png } };
}

export const recipe: Recipe = {
  name: 'optimization-ablation',
  title: `默认的做法逐个拿掉一部分，GoogLeNet 的小熊猫，各 ${STEPS} 步；图下是旁观者给的名次`,
  settings: { model: 'googlenet', class: CLASS, steps: STEPS, parts: Object.keys(PARTS), judge: 'efficientnet-lite0' },
  seed: 0,
  tolerance: 0.5,
  run: (_settings, seed) => ablation(CLASS, STEPS, seed),
};
