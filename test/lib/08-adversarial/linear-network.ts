/** A linear network, of which everything can be computed by hand. */
import { tf } from '../../../lib/tf/backend';
import { tinyModel } from '../../helpers';

export const W = [
  [0.5, -1, 0.25],
  [-0.5, 1, 0.75],
];

/** Two classes; the score is linear in the image: mean over the pixels of w(c)·x + b(c). */
export const linear = (side: number, bias: number[]) =>
  tinyModel(
    [side, side],
    [{ kernel: [0, 1, 2].flatMap((k) => W.map((w) => w[k])), size: [1, 1], filters: 2, bias, relu: false }],
  );

export const D = W[1].map((v, k) => v - W[0][k]);

export const L1 = D.reduce((s, v) => s + Math.abs(v), 0);

export const grey = (side: number) => tf.fill([side, side, 3], 0.5) as tf.Tensor3D;
