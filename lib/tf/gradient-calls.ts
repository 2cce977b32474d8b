import { tf } from './backend';
import { differentiating } from './tape';

/**
 * Makes the stock layers of somebody's own network fit for gradients with respect to the image.
 *
 * 1. Stock conv2d and dense layers call TF.js' fused operation. In gradient mode and without an activation that
 *    computes the kernel's gradient as well, asked for or not: half as slow again on native, an error on wasm.
 * 2. Batch normalization without gamma or beta has no gradient in TF.js.
 * 3. ReLU6 is written as a composition (minimum(6, relu), or relu + clip), which hides it from the backward rules;
 *    ThresholdedReLU is a comparison, which has no gradient.
 *
 * Outside gradients, and in training (`training: true`, as fit() passes it), the layers run as before.
 */

type Inputs = tf.Tensor | tf.Tensor[];
type Call = (inputs: Inputs, kwargs: { training?: boolean }) => Inputs;

interface Stock {
  readonly name: string;
  call: Call;
  readonly activation?: { getClassName(): string; apply(x: tf.Tensor): tf.Tensor };
  readonly kernel: { read(): tf.Tensor };
  readonly bias?: { read(): tf.Tensor } | null;
  readonly strides: [number, number];
  readonly padding: string;
  readonly dataFormat: string;
  readonly dilationRate: [number, number];
  readonly maxValue?: number;
  readonly theta?: number;
  readonly axis?: number;
  readonly epsilon?: number;
  readonly gamma?: { read(): tf.Tensor } | null;
  readonly beta?: { read(): tf.Tensor } | null;
  readonly movingMean?: { read(): tf.Tensor };
  readonly movingVariance?: { read(): tf.Tensor };
}

const single = (inputs: Inputs) => (Array.isArray(inputs) ? inputs[0] : inputs);

/** min(max(x, 0), top) as ONE rectifier that the rules can see: ReLU6 on another scale. */
const cappedRelu = (x: tf.Tensor, top: number): tf.Tensor =>
  top === 6 ? tf.relu6(x) : tf.mul(tf.relu6(tf.mul(x, 6 / top)), top / 6);

/** x where x > theta, else 0, as a rectifier that the rules can see (TF.js' own comparison has no gradient at all). */
const thresholded = (x: tf.Tensor, theta: number): tf.Tensor => {
  const above = tf.sub(x, theta);
  return tf.add(tf.relu(above), tf.mul(tf.step(above), theta));
};

function activated(x: tf.Tensor, { activation }: Stock): tf.Tensor {
  if (!activation) return x;
  return activation.getClassName() === 'relu6' ? tf.relu6(x) : activation.apply(x);
}

const withBias = (x: tf.Tensor, { bias }: Stock) => (bias ? tf.add(x, bias.read()) : x);

function convolution(inputs: Inputs, layer: Stock): tf.Tensor {
  const { strides, padding, dilationRate } = layer;
  const pad = padding as 'same' | 'valid';
  const kernel = layer.kernel.read() as tf.Tensor4D;
  const y = tf.conv2d(single(inputs) as tf.Tensor4D, kernel, strides, pad, 'NHWC', dilationRate);
  return activated(withBias(y, layer), layer);
}

/** A dense layer acts on the last axis, whatever is before it. */
function dense(inputs: Inputs, layer: Stock): tf.Tensor {
  const x = single(inputs);
  const kernel = layer.kernel.read() as tf.Tensor2D;
  const [units, outputs] = kernel.shape;
  const flat = x.rank === 2 ? x : tf.reshape(x, [-1, units]);
  const y = withBias(tf.matMul(flat, kernel), layer);
  return activated(x.rank === 2 ? y : tf.reshape(y, [...x.shape.slice(0, -1), outputs]), layer);
}

/** Frozen normalization is a product and a sum; TF.js' own gradient fails where gamma or beta is left out. */
function normalized(inputs: Inputs, { movingMean, movingVariance, gamma, beta, epsilon }: Stock): tf.Tensor {
  // Keras' default, for a saved layer that leaves it out
  const factor = tf.rsqrt(tf.add(movingVariance!.read(), epsilon ?? 1e-3));
  const scale = gamma ? tf.mul(factor, gamma.read()) : factor;
  const shift = tf.neg(tf.mul(movingMean!.read(), scale));
  return tf.add(tf.mul(single(inputs), scale), beta ? tf.add(shift, beta.read()) : shift);
}

/** What the layer computes in gradient mode instead; undefined: it stays as it is. */
function substitute(layer: Stock, kind: string): ((inputs: Inputs, original: Call) => tf.Tensor) | undefined {
  const six = layer.activation?.getClassName() === 'relu6';
  if (kind === 'Conv2D' && layer.dataFormat !== 'channelsFirst') return (x) => convolution(x, layer);
  if (kind === 'BatchNormalization' && (!layer.gamma || !layer.beta)) {
    const last = layer.axis === -1 || layer.axis === undefined;
    return (x, original) =>
      last || single(x).rank - 1 === layer.axis ? normalized(x, layer) : single(original(x, {}));
  }
  if (kind === 'Dense') return (x) => dense(x, layer);
  if (kind === 'ReLU' && layer.maxValue) return (x) => cappedRelu(single(x), layer.maxValue!);
  if (kind === 'ThresholdedReLU') return (x) => thresholded(single(x), layer.theta!);
  if (kind === 'Activation' && six) return (x) => tf.relu6(single(x));
  if (six) return (x, original) => tf.relu6(linear(layer, () => single(original(x, {}))));
  return undefined;
}

/** Runs a layer with its activation taken off for the moment. */
function linear(layer: Stock, run: () => tf.Tensor): tf.Tensor {
  const own = layer as { activation?: unknown };
  const activation = own.activation;
  own.activation = null;
  try {
    return run();
  } finally {
    own.activation = activation;
  }
}

const prepared = new WeakSet<object>();

/** Whether prepareForGradients has been at this very layer. */
export const isPrepared = (layer: object): boolean => prepared.has(layer);

/**
 * 让任何 `tf.LayersModel` 都能对输入图像求梯度，并让其中的 ReLU6 对反向规则可见（prepare for gradients）。
 * 输出不变，训练照旧；再次调用没有影响。
 *
 * @param network 用户自己的网络，就地改动各层的 `call`，包括嵌套的子网络
 */
export function prepareForGradients(network: tf.LayersModel): void {
  for (const layer of network.layers) {
    if (prepared.has(layer)) continue;
    prepared.add(layer);
    if ('layers' in layer) prepareForGradients(layer as unknown as tf.LayersModel);
    const stock = layer as unknown as Stock;
    const replacement = substitute(stock, layer.getClassName());
    if (!replacement) continue;
    const original = stock.call.bind(stock) as Call;
    stock.call = (inputs, kwargs) =>
      differentiating() && !kwargs?.training ? tf.tidy(() => replacement(inputs, original)) : original(inputs, kwargs);
  }
}
