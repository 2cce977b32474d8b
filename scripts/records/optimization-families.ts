import { tf } from '../../lib/tf/backend';
import { judge } from '../../lib/06-optimization/judge';
import { classScore } from '../../lib/06-optimization/objectives';
import { maximize, type MaximizeOptions } from '../../lib/06-optimization/optimize';
import { pixels } from '../../lib/06-optimization/parametrization';
import { l2, totalVariation } from '../../lib/06-optimization/penalties';
import { yosinskiPresets } from '../../lib/06-optimization/presets';
import type { ImageModel } from '../../lib/model/model';
import { loadModel } from '../../lib/model/networks/load';
import { showGrid } from '../../lib/show/grid';
import { capturePng } from '../../lib/show/record';
import type { Recipe, RecordResult } from './recipe';

const FAMILIES: Readonly<Record<string, MaximizeOptions>> = {
  没有: { parametrization: pixels(), steps: 20 },
  L2: { parametrization: pixels(), penalties: [l2(0.05)], steps: 20 },
  全变分: { parametrization: pixels(), penalties: [totalVariation(0.05)], steps: 20 },
  'Yosinski 3': { ...yosinskiPresets[2].options, steps: 48 },
};

/** How many classes the sheet shows; the table counts all of them. */
const SHOWN = 5;

/** The deviation from the mean colour, stretched to the full range: what a reader of the sheet sees. */
function stretched(image: tf.Tensor3D, mean: readonly number[]): tf.Tensor3D {
  return tf.tidy(() => {
    const deviation = tf.sub(image, tf.tensor1d([...mean]));
    return tf.add(tf.mul(deviation, tf.div(0.5, tf.max(tf.abs(deviation)))), 0.5) as tf.Tensor3D;
  });
}

type Row = Record<'own' | 'rank' | 'probability', number[]>;
const empty = (): Row => ({ own: [], rank: [], probability: [] });

/** Two networks' opinions of a picture. */
async function note(row: Row, [own, other]: readonly ImageModel[], image: tf.Tensor3D, index: number): Promise<void> {
  row.own.push((await judge(own, image, index)).probability);
  const { rank, probability } = await judge(other, image, index);
  row.rank.push(rank);
  row.probability.push(probability);
}

/** Without regularisation, with the two penalties, with the paper's projections: each picture judged by two networks. */
async function families(classes: readonly number[], seed: number): Promise<RecordResult> {
  const model = await loadModel('googlenet');
  const other = await loadModel('efficientnet-lite0');
  const pictures: tf.Tensor3D[] = [];
  const numbers: Record<string, Row> = {};
  for (const [name, options] of Object.entries(FAMILIES)) {
    numbers[name] = empty();
    const asShown = name.startsWith('Yosinski') ? (numbers[`${name}，拉伸`] = empty()) : undefined;
    for (const [i, index] of classes.entries()) {
      const { image, best } = await maximize(model, classScore(index), { ...options, seed, verdict: false });
      const visible = stretched(image, model.mean);
      await note(numbers[name], [model, other], image, index);
      // The projections leave a grey level or two: the judge shall also see what the reader sees.
      if (asShown) await note(asShown, [model, other], visible, index);
      if (i < SHOWN) pictures.push(visible);
      tf.dispose(i < SHOWN ? [image, best] : [image, best, visible]);
    }
  }
  const png = await capturePng(() =>
    showGrid(pictures, {
      columns: SHOWN,
      tile: 180,
      rowLabels: Object.keys(FAMILIES),
      columnLabels: classes.slice(0, SHOWN).map((index) => model.classes[index].zh),
    }),
  );
  tf.dispose(pictures);
  model.dispose();
  other.dispose();
  return { numbers, images: { '': png } };
}

const CLASSES = [130, 9, 387, 340, 1, 417, 980, 817, 76, 985];

export const recipe: Recipe = {
  name: 'optimization-families',
  title: 'GoogLeNet：没有正则化、L2、全变分、Yosinski 的第 3 组，十类中的前五类；与均值色之差，各自拉伸',
  settings: { classes: CLASSES, steps: [20, 20, 20, 48], l2: 0.05, totalVariation: 0.05, judge: 'efficientnet-lite0' },
  seed: 0,
  tolerance: 0.5,
  run: (_settings, seed) => families(CLASSES, seed),
};
