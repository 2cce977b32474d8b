/** A picture of noise, and what occlusion is by its definition. */
import { tf } from '../../../lib/tf/backend';
import type { ImageModel } from '../../../lib/model/model';
import { randomGenerator } from '../../../lib/base/random';

export function randomImage(model: ImageModel, seed = 1): tf.Tensor3D {
  const { uniform } = randomGenerator(seed);
  const [height, width] = model.inputSize;
  return tf.tensor3d(Float32Array.from({ length: height * width * 3 }, uniform), [height, width, 3]);
}

/** The definition, written once more and independently: cover with grey, run the network. */
export function byDefinition(
  model: ImageModel,
  image: tf.Tensor3D,
  size: number,
  row: number,
  col: number,
): Float32Array {
  const [height, width] = model.inputSize;
  return tf.tidy(() => {
    const mask = tf.buffer([height, width, 1]);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        mask.set(Number(y >= row && y < row + size && x >= col && x < col + size), y, x, 0);
      }
    }
    const m = mask.toTensor();
    const covered = tf.add(tf.mul(image, tf.sub(1, m)), tf.mul(m, 0.5)) as tf.Tensor3D;
    return model.activations(covered).dataSync() as Float32Array;
  });
}
