import { SHAPE_SIZE, shapeImages, type ShapeOptions, SHAPES } from './shapes';
import { tf } from '../tf/backend';
import { safely } from '../tf/tape';
import { type LongRun, type RunStep, type StopReason, watchInterrupts } from '../base/interrupt';
import { type ImageModel, imageModel } from '../model/model';
import { given } from '../model/given';
import { checkCounts, checkFields, checkList, checkNumber } from '../base/check';
import { checkTensor } from '../image/check';

export interface TrainingStep extends RunStep {
  /** 这一批图的交叉熵。 */
  readonly loss: number;
}

export interface TrainingOptions extends Pick<ShapeOptions, 'pattern' | 'noise'>, LongRun<TrainingStep> {
  /** 训练时的扰动上界 ε，[0, 1] 单位；默认 0：普通训练。大于 0 就是对抗训练（adversarial training）。 */
  epsilon?: number;
  /** 每批图先攻击几步再拿来训练，默认 3。 */
  attackSteps?: number;
  /** 训练几步（批），默认 400。 */
  steps?: number;
  batchSize?: number;
  /** Adam 的学习率，默认 0.003。 */
  learningRate?: number;
  seed?: number;
}

export interface TrainedShapes {
  /** 两层卷积、一层全连接的小网络，类别见 model.classes；用完请 `model.dispose()`。 */
  readonly model: ImageModel;
  /** 每一步的交叉熵。 */
  readonly trace: readonly number[];
  readonly stopped?: StopReason;
}

/** A network small enough to be trained while one waits. */
function shapeModel(seed: number): ImageModel {
  const init = (k: number) => tf.initializers.heNormal({ seed: seed * 10 + k });
  const { conv2d, maxPooling2d, flatten, dense } = tf.layers;
  const network = tf.sequential({
    layers: [
      conv2d({ name: 'conv1', inputShape: [SHAPE_SIZE, SHAPE_SIZE, 3], filters: 12, kernelSize: 5, padding: 'same', activation: 'relu', kernelInitializer: init(1) }), // prettier-ignore
      maxPooling2d({ name: 'pool1', poolSize: 2, strides: 2 }),
      conv2d({ name: 'conv2', filters: 24, kernelSize: 5, padding: 'same', activation: 'relu', kernelInitializer: init(2) }), // prettier-ignore
      maxPooling2d({ name: 'pool2', poolSize: 2, strides: 2 }),
      flatten({ name: 'flat' }),
      dense({ name: 'logits', units: SHAPES.length, kernelInitializer: init(3) }),
    ],
  });
  return imageModel(network, {
    id: 'shapes',
    title: '认形状的小网络',
    classes: SHAPES.map((zh, index) => ({ index, wnid: '', en: zh, zh })),
    roles: { firstConv: 'conv1', logits: 'logits' } as ImageModel['roles'],
    preprocess: { mean: [127.5, 127.5, 127.5], scale: 1 / 127.5 },
  });
}

/**
 * 在自己画的小图上训练一个小网络（adversarial training）：ε 大于 0 时，每一批图先照着网络现在的梯度攻击几步，再拿攻击过的图来训练。
 *
 * @returns 见 TrainedShapes；`model` 由调用者 dispose
 * @see Goodfellow et al. 2014, arXiv:1412.6572; Madry et al. 2017, arXiv:1706.06083
 * @example
 * const { model: network, trace } = await trainShapes({ steps: 2, batchSize: 8 });
 * network.dispose();
 */
export async function trainShapes(options: TrainingOptions = {}): Promise<TrainedShapes> {
  const { epsilon = 0, attackSteps = 3, steps = 400, batchSize = 40, learningRate = 0.003 } = options;
  const { seed = 0, pattern, noise } = options;
  checkNumber('epsilon', epsilon, 0, 1);
  checkNumber('learningRate', learningRate, 1e-8, 1);
  checkCounts({ attackSteps, steps, batchSize });
  const watch = watchInterrupts(options);
  const model = shapeModel(seed);
  const optimizer = tf.train.adam(learningRate);
  const weights = model.network.trainableWeights.map((w) => w.read() as tf.Variable);
  const trace: number[] = [];
  try {
    for (let step = 0; step < steps && !watch.stopped; step++) {
      const { images, masks, labels } = shapeImages(batchSize, { seed: seed * 100003 + step, pattern, noise });
      // The attack grows with the training: from the first step on at full strength, nothing would be learned.
      const reach = epsilon * Math.min(1, (2 * step) / steps);
      const seen = reach > 0 ? attackBatch(model, images, labels, { epsilon: reach, steps: attackSteps }) : images;
      const loss = tf.tidy(
        () => safely(() => optimizer.minimize(() => crossEntropy(model, seen, labels), true, weights)) as tf.Scalar,
      );
      trace.push((await loss.data())[0]);
      tf.dispose([images, masks, seen, loss]);
      await watch.step({ done: step + 1, total: steps, loss: trace[step] });
    }
    return { model, trace, ...(watch.stopped ? { stopped: watch.stopped } : {}) };
  } catch (error) {
    model.dispose();
    throw error;
  } finally {
    optimizer.dispose();
  }
}

function crossEntropy(model: ImageModel, images: tf.Tensor4D, labels: readonly number[]): tf.Scalar {
  const [logits] = given(model).forward(images, [model.layerName()]);
  const wanted = tf.oneHot(tf.tensor1d([...labels], 'int32'), model.classes.length);
  return tf.mean(tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits as tf.Tensor2D), tf.cast(wanted, 'float32')), 1))) as tf.Scalar; // prettier-ignore
}

/** As many labels as images: how many that is. */
function checkLabels(images: tf.Tensor4D, labels: readonly number[]): number {
  checkTensor(images, 'images', 4);
  const { length } = checkList('labels', labels, (label, what) => checkNumber(what, label, 0));
  if (length === images.shape[0]) return length;
  throw new RangeError(`每幅图要有一个类别：${images.shape[0]} 幅图，得到 ${length} 个类别`);
}

/**
 * 一批图各自的梯度（batch of input gradients）：每幅图的交叉熵对它自己的梯度；走向它，图就更不像自己的类别。
 * @returns 与 images 同形，由调用者 dispose
 */
export function lossGradients(model: ImageModel, images: tf.Tensor4D, labels: readonly number[]): tf.Tensor4D {
  const count = checkLabels(images, labels);
  // The images of a batch do not know of each other: the gradient of the mean is everyone's own over their number.
  const total = (x: tf.Tensor) => tf.mul(crossEntropy(model, x as tf.Tensor4D, labels), count) as tf.Scalar;
  return tf.tidy(() => safely(() => tf.grad(total)(images)) as tf.Tensor4D);
}

/**
 * 同时攻击一批图（batch attack）：没有目标的迭代梯度符号法，每步之后回到 ±ε 与 [0, 1] 之内。
 * @returns `[n, h, w, 3]`，由调用者 dispose
 * @example
 * const images = tf.expandDims(image) as tf.Tensor4D;
 * const attacked = attackBatch(model, images, [387], { epsilon: 2 / 255, steps: 2 });
 * dispose(images, attacked);
 */
export function attackBatch(
  model: ImageModel,
  images: tf.Tensor4D,
  labels: readonly number[],
  options: { epsilon: number; steps?: number },
): tf.Tensor4D {
  const { epsilon, steps = 10 } = checkFields('options', options, ['epsilon'], ' { epsilon, steps }');
  checkLabels(images, labels);
  checkNumber('epsilon', epsilon, 0, 1);
  return tf.tidy(() => {
    const [low, high] = [tf.sub(images, epsilon), tf.add(images, epsilon)];
    let moved: tf.Tensor = images;
    for (let k = 0; k < steps; k++) {
      const step = tf.mul(tf.sign(lossGradients(model, moved as tf.Tensor4D, labels)), (1.5 * epsilon) / steps);
      moved = tf.clipByValue(tf.minimum(tf.maximum(tf.add(moved, step), low), high), 0, 1);
    }
    return tf.clone(moved) as tf.Tensor4D;
  });
}

/**
 * 认对的比例（accuracy），0 到 1。
 * @example
 * const images = tf.expandDims(image) as tf.Tensor4D;
 * const { rate } = await batchAccuracy(model, images, [387]);
 * dispose(images);
 */
export async function batchAccuracy(
  model: ImageModel,
  images: tf.Tensor4D,
  labels: readonly number[],
): Promise<{ rate: number; right: boolean[] }> {
  checkLabels(images, labels);
  const best = tf.tidy(() => tf.argMax(given(model).activations(images), -1));
  const answers = await best.data();
  best.dispose();
  const right = labels.map((label, i) => answers[i] === label);
  return { rate: right.filter(Boolean).length / right.length, right };
}
