import { tf } from '../../lib/tf/backend';
import { judge } from '../../lib/06-optimization/judge';
import { classScore } from '../../lib/06-optimization/objectives';
import { maximize, type MaximizeOptions } from '../../lib/06-optimization/optimize';
import { pixels } from '../../lib/06-optimization/parametrization';
import { l2, totalVariation } from '../../lib/06-optimization/penalties';
import { yosinskiPresets } from '../../lib/06-optimization/presets';
import { loadModel } from '../../lib/model/networks/load';
import { showGrid } from '../../lib/show/grid';
import { capturePng } from '../../lib/show/record';
import type { Recipe, RecordResult } from './recipe';

const FAMILIES: Readonly<Record<string, MaximizeOptions>> = {
  没有正则化: { parametrization: pixels(), steps: 20 },
  L2: { parametrization: pixels(), penalties: [l2(0.05)], steps: 20 },
  全变分: { parametrization: pixels(), penalties: [totalVariation(0.05)], steps: 20 },
  'Yosinski 3': { ...yosinskiPresets[2].options, steps: 120 },
};

/** What the other network says of the picture as it is (`rank`), and of what is drawn (`drawnRank`). */
type Row = Record<'own' | 'rank' | 'probability' | 'drawnRank', number[]>;

/** The picture's deviation from the mean, blown up until it fills the range: some differ from it by one grey level. */
function stretched(image: tf.Tensor3D, mean: readonly number[]): tf.Tensor3D {
  return tf.tidy(() => {
    const deviation = tf.sub(image, tf.tensor1d([...mean]));
    return tf.add(0.5, tf.mul(deviation, tf.div(0.5, tf.max(tf.abs(deviation)))));
  });
}

/** Without regularisation, with the two penalties, with the paper's projections: each picture judged by two networks, as it is and stretched. */
async function families(classes: readonly number[], seed: number): Promise<RecordResult> {
  const model = await loadModel('googlenet');
  const other = await loadModel('efficientnet-lite0');
  const pictures: tf.Tensor3D[] = [];
  const numbers: Record<string, Row> = {};
  for (const [name, options] of Object.entries(FAMILIES)) {
    const row: Row = { own: [], rank: [], probability: [], drawnRank: [] };
    numbers[name] = row;
    for (const index of classes) {
      const { image, best } = await maximize(model, classScore(index), { ...options, seed, verdict: false });
      best.dispose();
      row.own.push((await judge(model, image, { class: index })).probability);
      const { rank, probability } = await judge(other, image, { class: index });
      row.rank.push(rank);
      row.probability.push(probability);
      const drawn = stretched(image, model.mean);
      row.drawnRank.push((await judge(other, drawn, { class: index })).rank);
      pictures.push(drawn);
      image.dispose();
    }
  }
  // A row a class: four panels fit a notebook's width without being made smaller.
  const kinds = Object.keys(FAMILIES);
  const rows = classes.flatMap((_, c) => kinds.map((_, k) => pictures[k * classes.length + c]));
  const rowLabels = classes.map((index) => model.classes[index].zh);
  const sheet = { columns: kinds.length, tile: 180, rowLabels, columnLabels: kinds };
  const png = await capturePng(() => showGrid(rows, sheet));
  tf.dispose(pictures);
  model.dispose();
  other.dispose();
  return { numbers, images: { '': png } };
}

/** Flamingo, ostrich, red panda, zebra, goldfish, balloon, volcano, sports car, tarantula, daisy. */
const CLASSES = [130, 9, 387, 340, 1, 417, 980, 817, 76, 985];

export const recipe: Recipe = {
  name: 'optimization-families',
  title: 'GoogLeNet 的十个类别：没有正则化、L2、全变分、Yosinski 的第 3 组',
  settings: { classes: CLASSES, steps: [20, 20, 20, 120], l2: 0.05, totalVariation: 0.05, judge: 'efficientnet-lite0' },
  seed: 0,
  tolerance: 0.5,
  run: (_settings, seed) => families(CLASSES, seed),
};
