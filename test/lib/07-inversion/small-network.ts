/** A network small enough to invert in a moment, and pictures of white noise. */
import { tf } from '../../../lib/tf/backend';
import { tinyModel } from '../../helpers';

export const SIDE = 12;

export const random = (seed: number, n: number) =>
  Array.from(tf.tidy(() => tf.randomNormal([n], 0, 0.4, 'float32', seed).dataSync()));

export const network = () =>
  tinyModel(
    [SIDE, SIDE],
    [
      { kernel: random(1, 3 * 3 * 3 * 6), size: [3, 3], filters: 6, relu: true },
      { kernel: random(2, 3 * 3 * 6 * 4), size: [3, 3], filters: 4, stride: 2, relu: true },
    ],
  );

export const picture = (seed = 3) => tf.randomUniform([SIDE, SIDE, 3], 0.1, 0.9, 'float32', seed) as tf.Tensor3D;
