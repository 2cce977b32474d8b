import { tf } from '../tf/backend';
import { gradientBatch } from './gradient-batch';
import { backProject, checkRule, type GradientOptions } from './gradients';
import type { PhotoBox } from '../image/image';
import { type LongRun, type StopReason, watchInterrupts } from '../base/interrupt';
import type { ImageModel } from '../model/model';
import { photoInput } from '../model/photo-input';
import { squareAround } from '../02-patches/patch-image';
import { type ChannelPatches, checkChannel, spatialLayer } from '../02-patches/patches';
import { fieldBox } from '../model/receptive-field';
import { resolveTarget, seedGradient } from '../model/target';

export interface PatchProjectionOptions extends GradientOptions, LongRun {
  /** 输出边长（像素），缺省 96。 */
  size?: number;
  /** 一次传几张照片，缺省由网络的大小决定（AlexNet 8，SqueezeNet 4）。 */
  batchSize?: number;
}

export interface PatchProjections {
  /** `[n, size, size, 3]`，带符号，第 i 幅属于 patches[i] 的感受野；由调用者 dispose。 */
  readonly maps: tf.Tensor4D;
  readonly stopped?: StopReason;
}

/**
 * 最大激活图块的投影（projections of top patches; Zeiler & Fergus 2014, Fig. 2）：每个图块里的那个神经元，
 * 按某种规则传回输入，裁出它的感受野，与图块一一对应。
 *
 * @param layer 图块所属的层
 * @param ofChannel topPatches 的一项：通道与它的图块
 * @param options `rule` 缺省 'deconv'（原文的做法）
 * @returns 中途停止时只含已经算完的那几幅（至少一批）；maps 由调用者 dispose
 * @throws RangeError 层、通道、位置或规则不对；没有图块
 * @example
 * const layer = model.roles.lastConv;
 * const [channel] = await topPatches(model, coursePhotos().slice(0, 12), layer, { channels: [3], count: 3 });
 * const result = await patchProjections(model, layer, channel, { rule: 'guided' });
 * dispose(result);
 */
export async function patchProjections(
  model: ImageModel,
  layer: string,
  ofChannel: ChannelPatches,
  {
    rule = 'deconv',
    pool = 'gradient',
    size = 96,
    batchSize = gradientBatch(model),
    ...run
  }: PatchProjectionOptions = {},
): Promise<PatchProjections> {
  checkRule(rule, pool);
  const { receptiveFields } = spatialLayer(model, layer);
  const { channel, patches } = checkChannel(ofChannel);
  if (!patches.length) throw new RangeError(`通道 ${channel} 没有图块；请先用 topPatches 找出来`);
  const targets = patches.map(({ at }) => resolveTarget(model, { layer, channel, at }));
  const watch = watchInterrupts(run);
  const parts: tf.Tensor4D[] = [];
  try {
    for (let from = 0; from < patches.length && (!watch.stopped || from === 0); from += batchSize) {
      const batch = patches.slice(from, from + batchSize);
      const images = await Promise.all(batch.map(({ photo }) => photoInput(model, photo)));
      const seed = (a: tf.Tensor) => seedGradient(a, targets.slice(from, from + batchSize));
      try {
        parts.push(
          tf.tidy(() => {
            const gradients = backProject(model, tf.stack(images) as tf.Tensor4D, layer, seed, { rule, pool });
            return tf.stack(
              batch.map((patch, i) => cropToField(gradients, i, fieldBox(receptiveFields, patch.at), size)),
            ) as tf.Tensor4D;
          }),
        );
      } finally {
        tf.dispose(images);
      }
      await watch.step({ done: Math.min(from + batchSize, patches.length), total: patches.length });
    }
    return { maps: tf.concat(parts, 0), stopped: watch.stopped };
  } finally {
    tf.dispose(parts);
  }
}

/** The receptive field of the patch's neuron out of one gradient; what lies beyond the border is 0. */
function cropToField(gradients: tf.Tensor4D, index: number, box: PhotoBox, size: number): tf.Tensor3D {
  const [, height, width] = gradients.shape;
  const square = squareAround(box);
  const [top, left] = [Math.round(square.y), Math.round(square.x)];
  const [y0, x0] = [Math.max(0, Math.round(box.y)), Math.max(0, Math.round(box.x))];
  const [y1, x1] = [Math.min(height, Math.round(box.y) + box.height), Math.min(width, Math.round(box.x) + box.width)];
  // a unit may see nothing but padding
  if (y1 <= y0 || x1 <= x0) return tf.zeros([size, size, 3]) as tf.Tensor3D;
  const visible = tf.slice(gradients, [index, y0, x0, 0], [1, y1 - y0, x1 - x0, 3]);
  const border: [number, number][] = [[y0 - top, top + square.height - y1], [x0 - left, left + square.width - x1], [0, 0]]; // prettier-ignore
  const whole = tf.pad(tf.squeeze(visible, [0]) as tf.Tensor3D, border);
  // A small field keeps its pixels, a large one is averaged.
  return square.width < size
    ? tf.image.resizeNearestNeighbor(whole, [size, size])
    : tf.image.resizeBilinear(whole, [size, size], false, true);
}
