import { tf } from '../tf/backend';

/** Network input = (255 x - mean) * scale, x RGB in [0, 1]; the numbers in the order of the network's channels. */
export interface Scaling {
  readonly mean: readonly [number, number, number];
  readonly scale: number | readonly [number, number, number];
  readonly order?: 'RGB' | 'BGR';
}

/** A network's own scale, colours and order, and back. */
export interface Preprocessing {
  /** The colour that is "zero" to the network, RGB in [0, 1]. */
  readonly mean: readonly [number, number, number];
  /** RGB in [0, 1] -> what the network's input expects; differentiable. */
  prepare(images: tf.Tensor): tf.Tensor;
  dispose(): void;
}

/** @param channels of the network's input: 3, or 1 for a grey one */
export function preprocessing({ mean, scale, order = 'RGB' }: Scaling, channels: number): Preprocessing {
  const scales = typeof scale === 'number' ? [scale, scale, scale] : scale;
  const rgb = order === 'BGR' ? [...mean].reverse() : mean;
  const constants = (values: number[]) => tf.keep(tf.tensor1d(values.slice(0, channels)));
  const offset = constants(mean.map((m, i) => m * scales[i]));
  // One number for all channels stays a number: a broadcast would cost more.
  const factor = typeof scale === 'number' ? 255 * scale : constants(scales.map((s) => 255 * s));

  /** RGB as the network takes its channels; grey is what the eye sees as bright (ITU-R BT.601). */
  function inOrder(images: tf.Tensor): tf.Tensor {
    if (channels === 1) return tf.sum(tf.mul(images, tf.tensor1d([0.299, 0.587, 0.114])), -1, true);
    return order === 'BGR' ? tf.reverse(images, -1) : images;
  }

  return {
    mean: [rgb[0] / 255, rgb[1] / 255, rgb[2] / 255],
    prepare: (images) => tf.sub(tf.mul(inOrder(images), factor), offset),
    dispose() {
      offset.dispose();
      if (typeof factor !== 'number') factor.dispose();
    },
  };
}
