/** The parts of small networks of every kind that people bring, and what each must say: what its own predict() says. */
import * as assert from 'uvu/assert';
import { tf } from '../../../lib/tf/backend';
import { inputGradient } from '../../../lib/05-deconv/gradients';
import { classify } from '../../../lib/model/classify';
import type { ImageModel } from '../../../lib/model/model';

export const init = (seed: number) => ({ kernelInitializer: tf.initializers.randomNormal({ stddev: 0.5, seed }) });

export const { layers } = tf;

type Symbolic = tf.SymbolicTensor;

export const SIZE: [number, number, number] = [12, 12, 3];

export const put = (layer: tf.layers.Layer, ...inputs: Symbolic[]) =>
  layer.apply(inputs.length === 1 ? inputs[0] : inputs) as Symbolic;

export const conv = (seed: number, extra: object = {}) =>
  layers.conv2d({ filters: 4, kernelSize: 3, activation: 'relu', ...init(seed), ...extra });

export const body = (inputShape = SIZE) => [
  conv(1, { inputShape, name: 'one' }),
  layers.maxPooling2d({ poolSize: 2, name: 'pool' }),
  conv(2, { name: 'two' }),
];

export const chain = (...end: tf.layers.Layer[]) => tf.sequential({ layers: [...body(), ...end] });

export const gap = () => layers.globalAveragePooling2d({ name: 'gap' });

export const dense = (units: number, activation?: 'softmax' | 'sigmoid' | 'relu' | 'tanh', name = 'end') =>
  layers.dense({ units, activation, name, ...init(9) });

export function heads(
  kinds: readonly ('softmax' | 'sigmoid')[],
  join: (ends: Symbolic[]) => Symbolic[],
): tf.LayersModel {
  const image = tf.input({ shape: SIZE });
  const features = body()
    .slice(1)
    .reduce((x, layer) => put(layer, x), put(conv(1, { name: 'one' }), image));
  const row = put(gap(), features);
  const ends = kinds.map((kind, i) =>
    put(layers.dense({ units: 3, activation: kind, name: `end${i}`, ...init(i + 5) }), row),
  );
  return tf.model({ inputs: image, outputs: join(ends) });
}

export const softmax = (own: number[]) => {
  const powers = own.map(Math.exp);
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((p) => p / sum);
};

export const picture = ([height, width]: readonly number[] = SIZE) =>
  tf.tensor3d(
    Float32Array.from({ length: height * width * 3 }, (_, i) => 0.5 + 0.45 * Math.sin(i * i + 1)),
    [height, width, 3],
  );

export function ownAnswer(network: tf.LayersModel, image: tf.Tensor, head = 0): number[] {
  return tf.tidy(() => {
    const outputs = [network.predict(image.expandDims(0)) as tf.Tensor | tf.Tensor[]].flat();
    return Array.from(outputs[head].dataSync());
  }) as unknown as number[];
}

export const inOrder = async (model: ImageModel, image: tf.Tensor3D) =>
  (await classify(model, image, { count: 100 }))
    .sort((a, b) => a.index - b.index)
    .map(({ probability }) => probability);

/** The gradient of a class score against central differences, where no kink is near. */
export async function checkGradient(model: ImageModel, image: tf.Tensor3D, what: string): Promise<void> {
  const gradient = await inputGradient(model, image, { class: 0 });
  const [values, slopes] = [await image.data(), await gradient.data()];
  const score = (i: number, d: number) =>
    tf.tidy(() => {
      const moved = Float32Array.from(values);
      moved[i] += d;
      return model.activations(tf.tensor3d(moved, image.shape)).dataSync()[0];
    }) as unknown as number;
  const largest = Math.max(...slopes.map(Math.abs));
  assert.ok(largest > 0, `${what}：梯度处处为零`);
  const probes = Array.from({ length: 24 }, (_, k) => (k * 37) % values.length);
  const near = probes.filter((i) => Math.abs((score(i, 2e-3) - score(i, -2e-3)) / 4e-3 - slopes[i]) < 0.02 * largest);
  assert.ok(near.length >= 21, `${what}：差分与梯度相符的 ${near.length} / 24`);
  gradient.dispose();
}
