import { type AttackGoal, type AttackLoss, attackObjective } from './losses';
import { tf } from '../tf/backend';
import { safely } from '../tf/tape';
import { assertSameSize, checkTensor, checkImage, checkImageNow } from '../image/check';
import { cosine, l2Norm } from '../image/metrics';
import type { ImageModel } from '../model/model';
import { classOf, type ClassTarget } from '../model/target';
import { checkCounts, checkFields, checkList, checkNumber, checkNumbers } from '../base/check';
import { randomGenerator } from '../base/random';

/**
 * 随机的符号噪声（random sign noise）：每个数是 +ε 或 −ε，正负随机。与 FGSM 的扰动有同样的 L-infinity 与 l2 范数，
 * 是它的对照。
 * @returns 与 `like` 同形，由调用者 dispose
 * @example
 * const noise = signNoise(image, 2 / 255, { seed: 1 });
 * dispose(noise);
 */
export function signNoise(like: tf.Tensor3D, epsilon: number, { seed = 0 }: { seed?: number } = {}): tf.Tensor3D {
  checkNumber('epsilon', epsilon, 0);
  const random = randomGenerator(seed);
  const values = Float32Array.from({ length: checkTensor(like, 'like', 3).size }, () =>
    random.uniform() < 0.5 ? -epsilon : epsilon,
  );
  return tf.tensor3d(values, like.shape);
}

/**
 * 攻击所用的梯度（attack gradient）：交叉熵或得分之差对输入的梯度；沿它走，攻击更接近成功。
 * @param goal `{ away: { class: 编号 } }` 或 `{ to: { class: 编号 } }`
 * @returns 与图像同样大小，由调用者 dispose
 * @example
 * const gradient = attackGradient(model, image, { to: { class: 9 } }, 'margin');
 * dispose(gradient);
 */
export function attackGradient(
  model: ImageModel,
  image: tf.Tensor3D,
  goal: AttackGoal,
  loss: AttackLoss = 'crossEntropy',
): tf.Tensor3D {
  checkImageNow(image);
  const { layers, value } = attackObjective(goal, loss)(model);
  const score = (x: tf.Tensor) => {
    const outputs = model.forward(tf.expandDims(x, 0) as tf.Tensor4D, layers);
    return value((layer) => outputs[layers.indexOf(layer)]);
  };
  return tf.tidy(() => safely(() => tf.grad(score)(image)) as tf.Tensor3D);
}

/**
 * 得分之差的梯度（gradient of z(to) − z(away)）：把网络在这幅图附近看成线性模型，它就是那个模型的权重向量 w。
 * @returns 与图像同样大小，由调用者 dispose
 * @example
 * const w = weightVector(model, image, { away: { class: 387 }, to: { class: 9 } });
 * dispose(w);
 */
export function weightVector(
  model: ImageModel,
  image: tf.Tensor3D,
  goal: { readonly away: ClassTarget; readonly to: ClassTarget },
): tf.Tensor3D {
  checkImageNow(image);
  checkFields('goal', goal, ['away', 'to'], ' { away: { class: 编号 }, to: { class: 编号 } }');
  const [from, to] = [classOf(model, goal.away, 'away'), classOf(model, goal.to, 'to')];
  const layer = model.layerName();
  const difference = (x: tf.Tensor) => {
    const logits = tf.reshape(model.forward(tf.expandDims(x, 0) as tf.Tensor4D, [layer])[0], [-1]);
    const wanted = tf.sub(tf.oneHot(tf.scalar(to, 'int32'), logits.size), tf.oneHot(tf.scalar(from, 'int32'), logits.size)); // prettier-ignore
    return tf.sum(tf.mul(logits, tf.cast(wanted, 'float32'))) as tf.Scalar;
  };
  return tf.tidy(() => safely(() => tf.grad(difference)(image)) as tf.Tensor3D);
}

/**
 * 沿一个方向的得分（logits along a direction）：x + ε·d 的得分，ε 依次取 `epsilons`；不截断到 [0, 1]，以免混进别的效果。
 *
 * @param direction `[h, w, 3]`，例如梯度的符号
 * @param targets 哪些类别，例如 `[{ class: 1 }, { class: 9 }]`
 * @returns `result[k][i]` 是第 k 个类别在第 i 个 ε 处的得分
 * @example
 * const direction = attackGradient(model, image, { to: { class: 9 } });
 * const [ostrich] = await logitsAlong(model, image, direction, [0, 0.01, 0.02], [{ class: 9 }]);
 * dispose(direction);
 */
export async function logitsAlong(
  model: ImageModel,
  image: tf.Tensor3D,
  direction: tf.Tensor3D,
  epsilons: readonly number[],
  targets: readonly ClassTarget[],
  { batchSize = 8 }: { batchSize?: number } = {},
): Promise<number[][]> {
  checkCounts({ batchSize });
  await checkImage(image);
  checkNumbers('epsilons', epsilons);
  const classes = checkList('targets', targets).map((target) => classOf(model, target, 'targets'));
  assertSameSize(direction, image.shape, 'direction');
  const result: number[][] = classes.map(() => []);
  for (let from = 0; from < epsilons.length; from += batchSize) {
    const part = epsilons.slice(from, from + batchSize);
    const scores = tf.tidy(() => {
      const shifts = tf.mul(tf.expandDims(direction, 0), tf.tensor4d([...part], [part.length, 1, 1, 1]));
      return model.activations(tf.add(tf.expandDims(image, 0), shifts)) as tf.Tensor2D;
    });
    const logits = await scores.array();
    scores.dispose();
    for (const row of logits) classes.forEach((index, k) => result[k].push(row[index]));
  }
  return result;
}

export interface Alignment {
  /** 与权重向量的夹角余弦（cosine）。 */
  readonly cosine: number;
  /** 与权重向量的内积（inner product）：线性模型预言的得分变化。 */
  readonly inner: number;
  /** 自己的 l2 范数（amplitude）。 */
  readonly l2: number;
}

/**
 * 一个信号与权重向量对得多齐（alignment）：扰动、随机噪声、图像内容都可以拿来比。
 * @param signal `[h, w, 3]`；图像内容用 image − mean
 * @param weights 权重向量，见 weightVector
 * @example
 * const w = weightVector(model, image, { away: { class: 387 }, to: { class: 9 } });
 * const noise = signNoise(image, 2 / 255);
 * const { cosine: angle, inner } = await alignment(noise, w);
 * dispose(w, noise);
 */
export async function alignment(signal: tf.Tensor3D, weights: tf.Tensor3D): Promise<Alignment> {
  const [s, w] = await Promise.all(
    [checkTensor(signal, 'signal'), checkTensor(weights, 'weights')].map((t) => t.data()),
  );
  const [c, l2] = [cosine(s, w), l2Norm(s)];
  return { cosine: c, inner: c * l2 * l2Norm(w), l2 };
}

export interface BlockGrowth {
  /** 小块的边长，像素；块内的扰动必须相同。 */
  readonly block: number;
  /** 扰动能自由选择的数的个数（degrees of freedom）。 */
  readonly dimension: number;
  /** 单位 ε 引起的得分变化 Σ|块内 w 之和|（线性的预言）；block = 1 时就是 ||w||₁。 */
  readonly perEpsilon: number;
}

/**
 * 维数与得分的变化（growth with the dimension），在真实网络上：扰动在每个 block × block 的小块里必须相同，
 * 块越小、可以自由选择的数越多，同样的 ε 能引起多大的变化。
 * @example
 * const w = weightVector(model, image, { away: { class: 387 }, to: { class: 9 } });
 * const [pixel, block] = await blockGrowth(w, [1, 8]);
 * dispose(w);
 */
export async function blockGrowth(
  weights: tf.Tensor3D,
  blocks: readonly number[] = [1, 2, 4, 8, 16, 32, 64],
): Promise<BlockGrowth[]> {
  const [height, width, channels] = checkTensor(weights, 'weights', 3).shape;
  const w = await weights.data();
  return checkList('blocks', blocks).map((block) => {
    if (!Number.isInteger(block) || block < 1) throw new RangeError(`小块的边长应为正整数，得到 ${block}`);
    const [rows, cols] = [Math.ceil(height / block), Math.ceil(width / block)];
    const sums = new Float64Array(rows * cols * channels);
    for (let i = 0; i < w.length; i++) {
      const pixel = Math.floor(i / channels);
      const [row, col] = [Math.floor(pixel / width), pixel % width];
      sums[(Math.floor(row / block) * cols + Math.floor(col / block)) * channels + (i % channels)] += w[i];
    }
    return { block, dimension: sums.length, perEpsilon: sums.reduce((s, v) => s + Math.abs(v), 0) };
  });
}

/**
 * 每个小块里相同的方向（block signs）：权重在每个 block × block 小块里之和的符号，铺满那个小块。
 * 在"块内的扰动必须相同"的限制下，它就是使线性的得分增加最多的方向。
 *
 * @param weights `[h, w, c]`，见 weightVector；不会被 dispose
 * @returns 与 weights 同形，每个数是 −1、0 或 1；由调用者 dispose
 * @throws RangeError block 不是正整数
 * @example
 * const w = weightVector(model, image, { away: { class: 387 }, to: { class: 9 } });
 * const direction = blockSigns(w, 8);
 * dispose(w, direction);
 */
export function blockSigns(weights: tf.Tensor3D, block: number): tf.Tensor3D {
  if (!Number.isInteger(block) || block < 1) throw new RangeError(`小块的边长应为正整数，得到 ${block}`);
  const [height, width, channels] = checkTensor(weights, 'weights', 3).shape;
  const [rows, cols] = [Math.ceil(height / block), Math.ceil(width / block)];
  return tf.tidy(() => {
    const whole = tf.pad(weights, [[0, rows * block - height], [0, cols * block - width], [0, 0]]); // prettier-ignore
    const sums = tf.sum(tf.reshape(whole, [rows, block, cols, block * channels]), 1);
    const perBlock = tf.sum(tf.reshape(sums, [rows, cols, block, channels]), 2);
    const across = tf.tile(tf.reshape(tf.sign(perBlock), [rows, cols, 1, channels]), [1, 1, block, 1]);
    const spread = tf.tile(tf.reshape(across, [rows, 1, cols * block, channels]), [1, block, 1, 1]);
    const full = tf.reshape(spread, [rows * block, cols * block, channels]);
    return tf.slice(full, [0, 0, 0], [height, width, channels]) as tf.Tensor3D;
  });
}
