import { tf } from '../tf/backend';

/** Gaussian weights out to four sigma, normalised. */
function gaussian(sigma: number): number[] {
  const radius = Math.max(1, Math.floor(4 * sigma + 0.5));
  const weights = Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((w) => w / total);
}

/** Gaussian blur of [h, w, 3] with mirrored borders. */
export function blurred(image: tf.Tensor3D, sigma: number): tf.Tensor3D {
  return tf.tidy(() => {
    const weights = gaussian(sigma);
    const [n, radius] = [weights.length, weights.length >> 1];
    const padded = tf.mirrorPad(image, [[radius, radius], [radius, radius], [0, 0]], 'symmetric'); // prettier-ignore
    const repeated = weights.flatMap((w) => [w, w, w]);
    const vertical = tf.depthwiseConv2d(padded, tf.tensor4d(repeated, [n, 1, 3, 1]), 1, 'valid');
    return tf.depthwiseConv2d(vertical, tf.tensor4d(repeated, [1, n, 3, 1]), 1, 'valid') as tf.Tensor3D;
  });
}
