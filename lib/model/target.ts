import { kindOf } from '../base/check';
import { assertImage, assertNearRange } from '../image/check';
import { tf } from '../tf/backend';
import { assertModel } from './given';
import type { ImageModel } from './model';

/**
 * 特征图中的位置（position）：`'max'` 激活值最大处，`'center'` 正中，`'sum'` 整张特征图之和，或 `[行, 列]`（从 0 数起）。
 */
export type Position = 'max' | 'center' | 'sum' | readonly [number, number];

/** 一个类别（class），写成 `{ class: 编号 }`；编号由 `findClass('鸵鸟').index` 或 `classify` 得到。 */
export interface ClassTarget {
  /** 类别编号，从 0 数起。 */
  readonly class: number;
}

/**
 * 看哪一个类别或神经元（target）：一个类别的得分，或任意一层、任意一个通道、任意一个位置的神经元（`at` 缺省 'center'）。
 * 全连接层没有位置，只需 `layer` 与 `channel`。
 */
export type Target = ClassTarget | { readonly layer: string; readonly channel: number; readonly at?: Position };

export interface ResolvedTarget {
  readonly layer: string;
  /** Index along the layer's last axis: the class or the channel. */
  readonly channel: number;
  readonly at: Position;
}

const POSITIONS: readonly unknown[] = ['max', 'center', 'sum'];

/** Unknown (null) sizes of a network of your own are let through here and checked again on the activations. */
const isIndex = (value: unknown, size: number | null) =>
  Number.isInteger(value) && (value as number) >= 0 && (size === null || (value as number) < size);

function checkTarget({ layer, channel, at }: ResolvedTarget, shape: readonly (number | null)[]): void {
  const channels = shape[shape.length - 1];
  if (!isIndex(channel, channels)) {
    const range = channels === null ? '不小于 0' : `0 … ${channels - 1} `;
    throw new RangeError(`通道应为 ${range}的整数（${layer} 层），得到 ${String(channel)}`);
  }
  if (!Array.isArray(at)) {
    if (POSITIONS.includes(at)) return;
    throw new RangeError(`位置 at 应为 'max'、'center'、'sum' 或 [行, 列]，得到 ${JSON.stringify(at)}`);
  }
  if (shape.length !== 3) throw new RangeError(`${layer} 是全连接层，没有位置；请去掉 at`);
  if (at.length !== 2 || !isIndex(at[0], shape[0]) || !isIndex(at[1], shape[1])) {
    throw new RangeError(
      `${layer} 的特征图是 ${shape[0]} × ${shape[1]}，位置 [${at.join(', ')}] 不在其中（[行, 列]，从 0 数起）`,
    );
  }
}

/** A bare number or name is the commonest slip: say how to write it. */
function checkForm(target: unknown, what: string): void {
  if (typeof target === 'object' && target !== null && ('class' in target || 'layer' in target)) return;
  const meant = Number.isInteger(target) ? `类别 ${String(target)} 写成 { class: ${String(target)} }；` : '';
  throw new TypeError(
    `${what} 应写成 { class: 编号 }（一个类别）或 { layer: 层名, channel: 编号 }（一个神经元），得到 ${kindOf(target)}；` +
      `${meant}按名称查找类别：{ class: findClass('鸵鸟').index }`,
  );
}

/**
 * The number of a class, checked: for what only makes sense of classes (attacks, probabilities).
 *
 * @param what the argument's name, for the error
 */
export function classOf(model: ImageModel, target: ClassTarget, what = 'target'): number {
  assertModel(model);
  checkForm(target, what);
  if (!('class' in target)) {
    throw new TypeError(`${what} 应为一个类别 { class: 编号 }，得到神经元 ${JSON.stringify(target)}`);
  }
  const { shape } = model.layers.find((l) => l.name === model.layerName())!;
  const count = shape[shape.length - 1] ?? model.classes.length;
  if (isIndex(target.class, count)) return target.class;
  throw new RangeError(
    `类别编号应为 0 到 ${count - 1} 的整数，得到 ${String(target.class)}；按名称查找：findClass('鸵鸟').index`,
  );
}

/**
 * Checks a target BEFORE anything is computed (an index out of range would end the wasm backend for good) and
 * fills in the layer of a class and the default position.
 */
export function resolveTarget(model: ImageModel, target: Target): ResolvedTarget {
  assertModel(model);
  checkForm(target, 'target');
  const resolved: ResolvedTarget =
    'class' in target
      ? { layer: model.layerName(), channel: classOf(model, target), at: 'sum' }
      : { layer: model.layerName(target.layer), channel: target.channel, at: target.at ?? 'center' };
  const info = model.layers.find((l) => l.name === resolved.layer)!;
  if (info.kind === 'InputLayer') {
    throw new RangeError(
      `${info.name} 是输入层，它的值就是（预处理过的）图像本身；请选它之后的层，例如 ${model.roles.firstConv}`,
    );
  }
  checkTarget(resolved, info.shape);
  return resolved;
}

/** Where the channel's map of one example is largest; the first place of several. */
export function largestIn(
  values: ArrayLike<number>,
  width: number,
  channels: number,
  channel: number,
  from = 0,
  to = values.length,
) {
  let best = from + channel;
  for (let i = best; i < to; i += channels) if (values[i] > values[best]) best = i;
  const cell = Math.floor((best - from) / channels);
  return [Math.floor(cell / width), cell % width] as const;
}

/**
 * Where each row of [n, m] is largest: 1 there, 0 elsewhere; of several equal places the first. Not max() itself, whose
 * gradient goes to all ties (a dead map is one tie), nor argMax alone, whose choice among ties differs by backend.
 * For gradients it is a constant.
 */
export function firstMaximum(rows: tf.Tensor2D): tf.Tensor2D {
  const mask = tf.customGrad((x) => {
    const values = x as tf.Tensor2D;
    const length = values.shape[1];
    const largest = tf.equal(values, tf.max(values, 1, true));
    const earliest = tf.argMax(tf.mul(tf.cast(largest, 'float32'), tf.range(length, 0, -1)), 1);
    const value = tf.equal(tf.range(0, length, 1, 'int32'), tf.expandDims(earliest, 1));
    return { value: tf.cast(value, 'float32'), gradFunc: () => tf.zerosLike(values) };
  });
  return tf.tidy(() => mask(rows) as tf.Tensor2D);
}

/**
 * 从哪里开始往回传（seed）：每个样本的那一个神经元处为 1，同层其余为 0。形状与 `activations` 相同，每个样本一个 target。
 */
export function seedGradient(activations: tf.Tensor, targets: readonly ResolvedTarget[]): tf.Tensor {
  const [, ...shape] = activations.shape;
  const channels = shape[shape.length - 1];
  const spatial = shape.length === 3;
  const size = shape.reduce((a, b) => a * b, 1);
  const seed = new Float32Array(targets.length * size);
  const atMaximum = new Float32Array(targets.length * channels);
  targets.forEach((target, n) => {
    checkTarget(target, shape);
    const from = n * size;
    if (target.at === 'sum' || !spatial) {
      for (let i = from + target.channel; i < from + size; i += channels) seed[i] = 1;
    } else if (target.at === 'max') {
      atMaximum[n * channels + target.channel] = 1;
    } else {
      const [row, col] = target.at === 'center' ? [shape[0] >> 1, shape[1] >> 1] : target.at;
      seed[from + (row * shape[1] + col) * channels + target.channel] = 1;
    }
  });
  if (!spatial || targets.every(({ at }) => at !== 'max')) return tf.tensor(seed, activations.shape);
  return tf.tidy(() => {
    const chosen = tf.tensor3d(atMaximum, [targets.length, 1, channels]);
    const flat = tf.reshape(activations, [targets.length, -1, channels]);
    const place = firstMaximum(tf.sum(tf.mul(flat, chosen), 2) as tf.Tensor2D);
    const peaks = tf.reshape(tf.mul(tf.expandDims(place, 2), chosen), activations.shape);
    return tf.add(peaks, tf.tensor(seed, activations.shape));
  });
}

/**
 * 神经元（或类别得分）在一幅图上的值（value of the target）。
 *
 * @param image `[h, w, 3]`，RGB，[0, 1]；不会被 dispose
 * @returns 激活值；'max' 是特征图里最大的一个，'sum' 是整张之和，类别是 softmax 之前的得分
 * @throws TypeError 只给了一个数；RangeError 类别、层、通道或位置不对
 * @example
 * const score = await targetValue(model, image, { class: 387 });
 */
export async function targetValue(model: ImageModel, image: tf.Tensor3D, target: Target): Promise<number> {
  assertImage(image);
  assertNearRange(await image.data()); // an experiment may have moved it a little out of [0, 1]
  const images = tf.expandDims(image, 0) as tf.Tensor4D;
  try {
    return (await targetValues(model, images, target))[0];
  } finally {
    images.dispose();
  }
}

/**
 * 同上，一批图一次算完（values for a batch）。
 *
 * @param images `[n, h, w, 3]`，RGB，[0, 1]；不会被 dispose
 * @returns n 个数
 * @throws TypeError 只给了一个数；RangeError 类别、层、通道或位置不对
 */
export async function targetValues(model: ImageModel, images: tf.Tensor4D, target: Target): Promise<number[]> {
  const resolved = resolveTarget(model, target);
  const sums = tf.tidy(() => {
    const [activations] = model.forward(images, [resolved.layer]);
    const count = images.shape[0];
    const picked = tf.mul(activations, seedGradient(activations, Array(count).fill(resolved)));
    return tf.sum(tf.reshape(picked, [count, -1]), 1);
  });
  const values = await sums.data();
  sums.dispose();
  return Array.from(values);
}

/**
 * 把 'max' 与 'center' 定成这幅图上的一个位置 [行, 列]（fix the position）；类别、'sum' 与全连接层原样返回。
 *
 * @throws TypeError 只给了一个数；RangeError 类别、层、通道或位置不对
 */
export async function fixTarget(model: ImageModel, image: tf.Tensor3D, target: Target): Promise<Target> {
  const { layer, channel, at } = resolveTarget(model, target);
  if (at !== 'max' && at !== 'center') return target;
  const activations = model.activations(image, layer);
  const [height, width, channels] = activations.shape;
  const values = await activations.data();
  activations.dispose();
  if (activations.rank !== 3) return target;
  return {
    layer,
    channel,
    at: at === 'max' ? largestIn(values, width!, channels!, channel) : [height >> 1, width! >> 1],
  };
}
