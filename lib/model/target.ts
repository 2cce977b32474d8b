import { tf } from '../tf/backend';
import type { ImageModel } from './model';

/**
 * 特征图中的位置（position）：`'max'` 激活值最大处，`'center'` 正中，`'sum'` 整张特征图之和，或 `[行, 列]`（从 0 数起）。
 */
export type Position = 'max' | 'center' | 'sum' | readonly [number, number];

/**
 * 求梯度的对象（target）：一个类别的得分，或任意一层、任意一个通道、任意一个位置的神经元（`at` 缺省 'center'）。
 * 全连接层没有位置，只需 `layer` 与 `channel`。
 */
export type Target =
  { readonly class: number } | { readonly layer: string; readonly channel: number; readonly at?: Position };

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

function checkTarget({ layer, channel, at }: ResolvedTarget, shape: readonly (number | null)[], what = '通道'): void {
  const channels = shape[shape.length - 1];
  if (!isIndex(channel, channels)) {
    const range = channels === null ? '不小于 0' : `0 … ${channels - 1} `;
    throw new RangeError(`${what}应为 ${range}的整数（${layer} 层），得到 ${String(channel)}`);
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

/**
 * Checks a target BEFORE anything is computed (an index out of range would end the wasm backend for good) and
 * fills in the layer of a class and the default position.
 */
export function resolveTarget(model: ImageModel, target: Target): ResolvedTarget {
  const isClass = 'class' in target;
  const resolved: ResolvedTarget = isClass
    ? { layer: model.layerName(), channel: target.class, at: 'sum' }
    : { layer: model.layerName(target.layer), channel: target.channel, at: target.at ?? 'center' };
  const info = model.layers.find((l) => l.name === resolved.layer)!;
  if (info.kind === 'InputLayer') {
    throw new RangeError(
      `${info.name} 是输入层，它的值就是（预处理过的）图像本身；请选它之后的层，例如 ${model.roles.firstConv}`,
    );
  }
  checkTarget(resolved, info.shape, isClass ? '类别' : '通道');
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
 * 从哪里开始往回传（seed）：每个样本的那一个神经元处为 1，同层其余为 0。形状与 `activations` 相同，每个样本一个 target。
 *
 * 'max' is looked up here and not left to max(): the gradient of max() goes to all ties, and a dead map is one tie.
 */
export function seedGradient(activations: tf.Tensor, targets: readonly ResolvedTarget[]): tf.Tensor {
  const [, ...shape] = activations.shape;
  const channels = shape[shape.length - 1];
  const width = shape.length === 3 ? shape[1] : 1;
  const size = shape.reduce((a, b) => a * b, 1);
  const seed = new Float32Array(targets.length * size);
  const values = targets.some((t) => t.at === 'max') ? activations.dataSync() : seed;
  targets.forEach((target, n) => {
    checkTarget(target, shape);
    const from = n * size;
    if (target.at === 'sum' || shape.length !== 3) {
      for (let i = from + target.channel; i < from + size; i += channels) seed[i] = 1;
      return;
    }
    const [row, col] =
      target.at === 'max'
        ? largestIn(values, width, channels, target.channel, from, from + size)
        : target.at === 'center'
          ? [shape[0] >> 1, shape[1] >> 1]
          : target.at;
    seed[from + (row * width + col) * channels + target.channel] = 1;
  });
  return tf.tensor(seed, activations.shape);
}

/**
 * 神经元（或类别得分）在一幅图上的值（value of the target）。
 *
 * @param image `[h, w, 3]`，RGB，[0, 1]；不会被 dispose
 * @returns 激活值；'max' 是特征图里最大的一个，'sum' 是整张之和，类别是 softmax 之前的得分
 * @throws RangeError 类别、层、通道或位置不对
 */
export function targetValue(model: ImageModel, image: tf.Tensor3D, target: Target): number {
  const [value] = tf.tidy(() => targetValues(model, tf.expandDims(image, 0) as tf.Tensor4D, target));
  return value;
}

/** The same for a batch of images, in one pass. */
export function targetValues(model: ImageModel, images: tf.Tensor4D, target: Target): number[] {
  const resolved = resolveTarget(model, target);
  return tf.tidy(() => {
    const [activations] = model.forward(images, [resolved.layer]);
    const count = images.shape[0];
    const picked = tf.mul(activations, seedGradient(activations, Array(count).fill(resolved)));
    return Array.from(tf.sum(tf.reshape(picked, [count, -1]), 1).dataSync());
  }) as unknown as number[];
}

/** 把 'max' 与 'center' 定成这幅图上的一个位置 [行, 列]；类别、'sum' 与全连接层原样返回。 */
export function fixTarget(model: ImageModel, image: tf.Tensor3D, target: Target): Target {
  const { layer, channel, at } = resolveTarget(model, target);
  if (at !== 'max' && at !== 'center') return target;
  const activations = model.activations(image, layer);
  const [height, width, channels] = activations.shape;
  const values = activations.dataSync();
  activations.dispose();
  if (activations.rank !== 3) return target;
  return {
    layer,
    channel,
    at: at === 'max' ? largestIn(values, width!, channels!, channel) : [height >> 1, width! >> 1],
  };
}
