import { tf } from '../tf/backend';
import { addKnownLayers } from '../tf/known-layers';

/** Layers of Keras that TensorFlow.js does not know, or of which it drops a setting: what they compute, in our words. */

type Inputs = tf.Tensor | tf.Tensor[];
const single = (inputs: Inputs) => (Array.isArray(inputs) ? inputs[0] : inputs);
type Config = ConstructorParameters<typeof tf.layers.Layer>[0];

/** ReLU with a threshold and a slope below it: x from the threshold up (not above maxValue), slope (x - threshold) below. */
export class KerasReLU extends tf.layers.Layer {
  static className = 'KerasReLU';
  private readonly slope: number;
  private readonly threshold: number;
  private readonly top?: number;

  constructor(config: Config & { negativeSlope?: number; threshold?: number; maxValue?: number | null }) {
    super(config);
    this.slope = config.negativeSlope ?? 0;
    this.threshold = config.threshold ?? 0;
    this.top = config.maxValue ?? undefined;
  }

  override call(inputs: Inputs): tf.Tensor {
    return tf.tidy(() => {
      const x = single(inputs);
      const above = this.threshold ? tf.sub(x, this.threshold) : x;
      const slanted = this.slope ? tf.leakyRelu(above, this.slope) : tf.relu(above);
      // The step is 0 AT the threshold, where Keras takes x: a single number, of measure zero.
      const y = this.threshold ? tf.add(slanted, tf.mul(tf.step(above), this.threshold)) : slanted;
      return this.top === undefined ? y : tf.minimum(y, this.top);
    });
  }

  override computeOutputShape(shape: tf.Shape): tf.Shape {
    return shape;
  }
}

/** (x - mean) / sqrt(variance): numbers in the settings, or learned ones from the file. */
export class KerasNormalization extends tf.layers.Layer {
  static className = 'KerasNormalization';
  private readonly given?: { mean: number[]; variance: number[] };
  private learned?: { mean: tf.LayerVariable; variance: tf.LayerVariable };

  constructor(config: Config & { mean?: number | number[] | null; variance?: number | number[] | null }) {
    super({ ...config, trainable: false });
    const { mean, variance } = config;
    if (mean === undefined || mean === null || variance === undefined || variance === null) return;
    this.given = { mean: [mean].flat(3) as number[], variance: [variance].flat(3) as number[] };
  }

  override build(shape: tf.Shape): void {
    if (!this.given) {
      const channels = shape[shape.length - 1];
      const add = (name: string, start: 'zeros' | 'ones') =>
        this.addWeight(name, [channels], 'float32', start === 'zeros' ? tf.initializers.zeros() : tf.initializers.ones(), undefined, false); // prettier-ignore
      this.learned = { mean: add('mean', 'zeros'), variance: add('variance', 'ones') };
    }
    this.built = true;
  }

  override call(inputs: Inputs): tf.Tensor {
    return tf.tidy(() => {
      const mean = this.learned ? this.learned.mean.read() : tf.tensor1d(this.given!.mean);
      const variance = this.learned ? this.learned.variance.read() : tf.tensor1d(this.given!.variance);
      // Keras' own least standard deviation
      return tf.div(tf.sub(single(inputs), mean), tf.maximum(tf.sqrt(variance), 1e-7));
    });
  }

  /** By how much pixels shrink here: 1 / the largest standard deviation. Known only for numbers in the settings. */
  get scaling(): number {
    return this.given ? 1 / Math.sqrt(Math.max(...this.given.variance)) : 1;
  }

  override computeOutputShape(shape: tf.Shape): tf.Shape {
    return shape;
  }
}

/** Global pooling that keeps the axes of height and width, [batch, 1, 1, channels]. */
export class KerasGlobalPooling extends tf.layers.Layer {
  static className = 'KerasGlobalPooling';
  private readonly largest: boolean;

  constructor(config: Config & { largest?: boolean }) {
    super(config);
    this.largest = config.largest ?? false;
  }

  override call(inputs: Inputs): tf.Tensor {
    return this.largest ? tf.max(single(inputs), [1, 2], true) : tf.mean(single(inputs), [1, 2], true);
  }

  override computeOutputShape(shape: tf.Shape): tf.Shape {
    return [shape[0], 1, 1, shape[3]];
  }
}

for (const kind of [KerasReLU, KerasNormalization, KerasGlobalPooling]) tf.serialization.registerClass(kind as never);

addKnownLayers(KerasReLU, KerasNormalization, KerasGlobalPooling);
