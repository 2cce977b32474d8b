import { shapeImages } from '../../lib/08-adversarial/shapes';
import {
  attackBatch,
  batchAccuracy,
  lossGradients,
  trainShapes,
  type TrainingOptions,
} from '../../lib/08-adversarial/training';
import { bootstrap, type Interval } from '../../lib/base/statistics';
import type { ImageModel } from '../../lib/model/model';
import { showGrid } from '../../lib/show/grid';
import { capturePng } from '../../lib/show/record';
import { tf } from '../../lib/tf/backend';
import type { Recipe } from './recipe';

/** The ε of the attacks that a network is trained with, images in [0, 1]; each about twice the one before. */
const STRENGTHS = [0.02, 0.05, 0.1];
/** Shapes whose gradients are drawn; all are measured. */
const SHOWN = 5;

/** How much of each gradient's energy lies on the shape. */
async function onShape(gradients: tf.Tensor4D, masks: tf.Tensor3D): Promise<number[]> {
  const share = tf.tidy(() => {
    const energy = tf.sum(tf.square(gradients), 3);
    return tf.div(tf.sum(tf.mul(energy, masks), [1, 2]), tf.add(tf.sum(energy, [1, 2]), 1e-30));
  });
  const values = await share.data();
  share.dispose();
  return [...values];
}

/** The first gradients as pictures, each to its own largest value, 0 being grey; brighter: more like its class. */
function pictures(gradients: tf.Tensor4D): tf.Tensor3D[] {
  return tf.tidy(() =>
    tf.unstack(tf.slice(gradients, [0, 0, 0, 0], [SHOWN, -1, -1, -1])).map((g) => {
      const size = tf.add(tf.max(tf.abs(g)), 1e-30);
      return tf.add(tf.div(tf.neg(g), tf.mul(size, 2)), 0.5) as tf.Tensor3D;
    }),
  );
}

/** Two networks learn the same pictures, one of them attacked all the time; a third learns them without the stripes. */
export const recipe: Recipe = {
  name: 'adversarial-training',
  title: '普通训练与对抗训练：认形状的小网络，各训练 300 步',
  settings: { steps: 300, epsilon: 0.1, test: 250, strengths: STRENGTHS },
  seed: 0,
  tolerance: 0.15,
  absolute: { mean: 0.1, low: 0.1, high: 0.1 },
  async run(settings, seed) {
    const [steps, epsilon, count] = [settings.steps, settings.epsilon, settings.test] as number[];
    const networks: Record<string, TrainingOptions> = {
      普通训练: {},
      对抗训练: { epsilon },
      '普通训练，没有条纹': { pattern: 0 },
    };
    const test = shapeImages(count, { seed: 999 });
    const other = shapeImages(count, { seed: 998, agrees: 'other' });
    const shown = tf.unstack(tf.slice(test.images, [0, 0, 0, 0], [SHOWN, -1, -1, -1])) as tf.Tensor3D[];
    const numbers: Record<string, Record<string, Interval>> = {};
    const accuracy = async (model: ImageModel, images: tf.Tensor4D, labels: readonly number[]) =>
      bootstrap((await batchAccuracy(model, images, labels)).right.map(Number), { seed });
    for (const [name, options] of Object.entries(networks)) {
      const { model } = await trainShapes({ ...options, steps, seed });
      const row: Record<string, Interval> = {
        不攻击: await accuracy(model, test.images, test.labels),
      };
      for (const strength of STRENGTHS) {
        const attacked = attackBatch(model, test.images, test.labels, { epsilon: strength });
        row[`ε = ${strength}`] = await accuracy(model, attacked, test.labels);
        attacked.dispose();
      }
      row.条纹与形状矛盾 = await accuracy(model, other.images, other.labels);
      const gradients = lossGradients(model, test.images, test.labels);
      row.梯度在形状上 = bootstrap(await onShape(gradients, test.masks), { seed });
      numbers[name] = row;
      shown.push(...pictures(gradients));
      gradients.dispose();
      model.dispose();
    }
    const area = tf.tidy(() => tf.mean(test.masks));
    const 形状的面积 = (await area.data())[0];
    const rowLabels = ['图', ...Object.keys(networks)];
    const sheet = await capturePng(() => showGrid(shown, { columns: SHOWN, tile: 156, rowLabels }));
    tf.dispose([test.images, test.masks, other.images, other.masks, area, ...shown]);
    return { numbers: { ...numbers, 形状的面积 }, images: { '': sheet } };
  },
};
