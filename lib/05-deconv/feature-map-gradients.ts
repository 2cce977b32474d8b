import { tf } from '../tf/backend';
import { gradientBatch } from './gradient-batch';
import { backProject, checkRule, type GradientOptions } from './gradients';
import { checkCounts } from '../base/check';
import { type LongRun, type StopReason, watchInterrupts } from '../base/interrupt';
import { checkImage } from '../image/check';
import type { ImageModel } from '../model/model';
import { largestIn, type Position, resolveTarget, seedGradient } from '../model/target';
import { given } from '../model/given';

export interface FeatureMapOptions extends GradientOptions, LongRun {
  /** 要哪些通道，缺省全部；结果按这里的次序。 */
  channels?: readonly number[];
  /** 每张特征图从哪个位置往回传，缺省 'max'（最强的位置）。 */
  at?: Position;
  /** 一次传几张特征图，缺省由网络的大小决定（AlexNet 8，SqueezeNet 4）；内存随它增长，与通道总数无关。 */
  batchSize?: number;
}

export interface FeatureMapGradients {
  /** `[n, h, w, 3]`，带符号，第 i 幅属于 channels[i]；由调用者 dispose。 */
  readonly maps: tf.Tensor4D;
  /** 提前停下的原因；这时只含已经算完的那几幅（n 小于通道数）。 */
  readonly stopped?: StopReason;
}

/**
 * 一层的所有特征图，各自投影回输入（feature map gradients）：每张从最强的位置出发，几批算完。
 *
 * @param image `[h, w, 3]`，RGB，[0, 1]；不会被 dispose
 * @returns `maps` 由调用者 dispose；死掉的特征图处处为 0
 * @throws RangeError 层、通道、位置、规则、batchSize 不对
 * @see Zeiler & Fergus 2014 (arXiv:1311.2901), Fig. 2
 * @example
 * const result = await featureMapGradients(model, image, model.roles.lastConv, { rule: 'guided', channels: [3, 4] });
 * dispose(result);
 */
export async function featureMapGradients(
  model: ImageModel,
  image: tf.Tensor3D,
  layer: string,
  {
    rule = 'backprop',
    pool = 'gradient',
    channels,
    at = 'max',
    batchSize = gradientBatch(model),
    ...run
  }: FeatureMapOptions = {},
): Promise<FeatureMapGradients> {
  checkRule(rule, pool);
  await checkImage(image);
  checkCounts({ batchSize });
  const info = model.layers.find((l) => l.name === model.layerName(layer))!;
  const wanted = channels ?? Array.from({ length: info.shape[info.shape.length - 1] }, (_, c) => c);
  if (wanted.length === 0) throw new RangeError('channels 是空的：至少要有一个通道');
  const targets = wanted.map((channel) => resolveTarget(model, { layer, channel, at }));

  const watch = watchInterrupts(run);
  const parts: tf.Tensor4D[] = [];
  try {
    for (let from = 0; from < targets.length && !watch.stopped; from += batchSize) {
      const batch = targets.slice(from, from + batchSize);
      parts.push(
        tf.tidy(() => {
          const images = tf.tile(tf.expandDims(image, 0), [batch.length, 1, 1, 1]) as tf.Tensor4D;
          return backProject(model, images, layer, (a) => seedGradient(a, batch), { rule, pool });
        }),
      );
      await watch.step({ done: Math.min(from + batchSize, targets.length), total: targets.length });
    }
    const maps = parts.length ? tf.concat(parts, 0) : tf.zeros<tf.Rank.R4>([0, ...image.shape]);
    return { maps, ...(watch.stopped && { stopped: watch.stopped }) };
  } finally {
    tf.dispose(parts);
  }
}

export interface StrongUnit {
  readonly channel: number;
  /** 激活值。 */
  readonly value: number;
  /** [行, 列]；全连接层是 [0, 0]。 */
  readonly at: readonly [number, number];
}

/**
 * 一幅图在某一层激活得最强的通道（strongest units），由强到弱；每个通道取它最强的位置。
 *
 * @param options `count` 取几个，缺省 9
 * @example
 * const [strongest] = await strongestUnits(model, image, model.roles.lastConv, { count: 3 });
 */
export async function strongestUnits(
  model: ImageModel,
  image: tf.Tensor3D,
  layer: string,
  { count = 9 }: { count?: number } = {},
): Promise<StrongUnit[]> {
  checkCounts({ count });
  await checkImage(image);
  const activations = given(model).activations(image, layer);
  const values = await activations.data<'float32'>();
  const channels = activations.shape[activations.rank - 1];
  const width = activations.rank === 3 ? activations.shape[1]! : 1;
  activations.dispose();
  return Array.from({ length: channels }, (_, channel) => {
    const at = largestIn(values, width, channels, channel);
    return { channel, at, value: values[(at[0] * width + at[1]) * channels + channel] };
  })
    .sort((a, b) => b.value - a.value)
    .slice(0, count);
}
