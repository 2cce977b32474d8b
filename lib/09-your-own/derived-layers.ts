import { tf } from '../tf/backend';
import { addKnownLayers } from '../tf/known-layers';

/** Small layers that are put behind a network, where its output is not yet a row of scores. */

type Inputs = tf.Tensor | tf.Tensor[];
const single = (inputs: Inputs) => (Array.isArray(inputs) ? inputs[0] : inputs);
/** So small that only a probability of exactly 0 notices. */
const TINY = 1e-30;

/** Scores whose softmax are the probabilities that come in: their logarithm. */
export class LogProbability extends tf.layers.Layer {
  static className = 'LogProbability';
  override call(inputs: Inputs): tf.Tensor {
    return tf.tidy(() => tf.log(tf.add(single(inputs), TINY)));
  }
  override computeOutputShape(shape: tf.Shape): tf.Shape {
    return shape;
  }
}

/** Scores whose sigmoid are the probabilities that come in: log p / (1 - p). */
export class LogOdds extends tf.layers.Layer {
  static className = 'LogOdds';
  override call(inputs: Inputs): tf.Tensor {
    return tf.tidy(() => {
      const p = single(inputs);
      return tf.sub(tf.log(tf.add(p, TINY)), tf.log(tf.add(tf.sub(1, p), TINY)));
    });
  }
  override computeOutputShape(shape: tf.Shape): tf.Shape {
    return shape;
  }
}

/** One log odds z as the scores of two classes, [-z, z]: the sigmoid of each is its probability, 1 - p and p. */
export class TwoClasses extends tf.layers.Layer {
  static className = 'TwoClasses';
  override call(inputs: Inputs): tf.Tensor {
    return tf.tidy(() => tf.mul(single(inputs), tf.tensor2d([[-1, 1]])));
  }
  override computeOutputShape(): tf.Shape {
    return [null, 2];
  }
}

addKnownLayers(LogProbability, LogOdds, TwoClasses);
