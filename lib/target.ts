import { tf } from './backend';
import type { ImageModel } from './model';

/**
 * 特征图中的位置（position）：`'max'` 激活值最大处，`'center'` 正中（缺省），`'sum'` 整张特征图之和，或 `[行, 列]`。
 */
export type Position = 'max' | 'center' | 'sum' | readonly [number, number];

/**
 * 求梯度的对象（target）：一个类别的得分，或任意一层、任意一个通道、任意一个位置的神经元。
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

const isIndex = (value: unknown, size: number | null) =>
  Number.isInteger(value) && (value as number) >= 0 && (size === null || (value as number) < size);

/** Checks a target against the layer's shape; unknown (null) sizes of a network of your own are let through. */
function check({ layer, channel, at }: ResolvedTarget, shape: readonly (number | null)[], what: string): void {
  const channels = shape[shape.length - 1];
  if (!isIndex(channel, channels)) {
    throw new RangeError(`${what}应为 0 … ${(channels ?? 0) - 1} 的整数（${layer} 层），得到 ${String(channel)}`);
  }
  if (!Array.isArray(at)) {
    if (['max', 'center', 'sum'].includes(at as string)) return;
    throw new RangeError(`位置 at 应为 'max'、'center'、'sum' 或 [行, 列]，得到 ${JSON.stringify(at)}`);
  }
  if (shape.length !== 3) throw new RangeError(`${layer} 是全连接层，没有位置；请去掉 at`);
  const [row, col] = at as readonly number[];
  if (at.length !== 2 || !isIndex(row, shape[0]) || !isIndex(col, shape[1])) {
    throw new RangeError(
      `${layer} 的特征图是 ${shape[0]} × ${shape[1]}，位置 [${at.join(', ')}] 不在其中（从 0 数起）`,
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
  check(resolved, info.shape, isClass ? '类别 class' : '通道 channel');
  if (info.kind === 'InputLayer') {
    throw new RangeError(
      `${info.name} 是输入层，它的值就是（预处理过的）图像本身；请选它之后的层，例如 ${model.roles.firstConv}`,
    );
  }
  return resolved;
}

/** Where in the channel's map the target sits: 'max' and 'center' become a row and a column. */
export function positionIn(activations: tf.Tensor, { channel, at }: ResolvedTarget): readonly [number, number] {
  const [, height, width] = activations.shape;
  if (Array.isArray(at)) return at as unknown as readonly [number, number];
  if (at === 'center') return [height >> 1, width >> 1];
  // Found by hand, not by max(): the gradient of max() is shared by ties, and a dead map is one single tie.
  const map = tf.tidy(() => tf.slice(activations, [0, 0, 0, channel], [1, height, width, 1]).dataSync());
  let best = 0;
  for (let i = 1; i < map.length; i++) if (map[i] > map[best]) best = i;
  return [Math.floor(best / width), best % width];
}

/** The target's value as a differentiable scalar, from the layer's activations with batch axis 1. */
export function targetScalar(activations: tf.Tensor, target: ResolvedTarget): tf.Scalar {
  const { channel, at } = target;
  const shape = activations.shape;
  check(target, shape.slice(1), '通道 channel');
  const begin = shape.map(() => 0);
  const size = [...shape];
  begin[shape.length - 1] = channel;
  size[shape.length - 1] = 1;
  if (shape.length === 4 && at !== 'sum') {
    const [row, col] = positionIn(activations, target);
    begin.splice(1, 2, row, col);
    size.splice(1, 2, 1, 1);
  }
  return tf.sum(tf.slice(activations, begin, size));
}
