import { tf } from '../tf/backend';
import { gradientAt } from '../tf/tape';
import { photoBoxes, type PhotoBox } from '../image/image';
import { type LongRun, type StopReason, watchInterrupts } from '../base/interrupt';
import type { ImageModel } from '../model/model';
import { resolveTarget, seedGradient } from '../model/target';
import { inputOptions, photoInput } from '../model/photo-input';
import { type ChannelPatches, checkChannel } from './patches';

export interface EffectiveFieldOptions extends LongRun {
  /** 方框里至少含多少梯度能量（share of the energy），(0, 1)，缺省 0.5。 */
  share?: number;
}

export interface EffectiveFields {
  /** 第 i 个属于 patches[i]；照片自己的像素；单元没有梯度时 undefined。 */
  readonly boxes: readonly (PhotoBox | undefined)[];
  readonly stopped?: StopReason;
}

/**
 * 有效感受野（effective receptive field; Luo 等 2016）：感受野里真正起作用的一块。对每个图块求单元对输入的梯度，
 * 取含有一半能量（梯度的平方）的最小正方形，中心在能量的重心。
 *
 * @param layer 图块所属的层
 * @param patches topPatches 的一项
 * @throws RangeError 层、通道、位置不对；share 不在 (0, 1)
 * @see Luo, Li, Urtasun, Zemel 2016 (arXiv:1701.04128)
 * @example
 * const layer = model.roles.lastPool;
 * const [channel] = await topPatches(model, coursePhotos().slice(0, 12), layer, { channels: [3] });
 * const { boxes } = await effectiveFields(model, layer, channel);
 */
export async function effectiveFields(
  model: ImageModel,
  layer: string,
  ofChannel: ChannelPatches,
  { share = 0.5, ...run }: EffectiveFieldOptions = {},
): Promise<EffectiveFields> {
  if (!(share > 0 && share < 1)) throw new RangeError(`share 应在 0 与 1 之间，得到 ${share}`);
  const { channel, patches } = checkChannel(ofChannel, 'patches');
  const watch = watchInterrupts(run);
  const boxes: (PhotoBox | undefined)[] = [];
  for (const { photo, at } of patches) {
    if (watch.stopped) break;
    const image = await photoInput(model, photo);
    let energy: tf.Tensor2D | undefined;
    try {
      energy = tf.tidy(() => gradientEnergy(model, image, layer, channel, at));
      const square = energySquare((await energy.data()) as Float32Array, energy.shape[1], share);
      boxes.push(square && (await photoBoxes(photo.path, inputOptions(model, photo)))(square));
    } finally {
      image.dispose();
      energy?.dispose();
    }
    await watch.step({ done: boxes.length, total: patches.length });
  }
  return { boxes, ...(watch.stopped && { stopped: watch.stopped }) };
}

/** The squared gradient of one unit, summed over the colours. */
function gradientEnergy(
  model: ImageModel,
  image: tf.Tensor3D,
  layer: string,
  channel: number,
  at: readonly [number, number],
): tf.Tensor2D {
  const target = resolveTarget(model, { layer, channel, at });
  const found = gradientAt(() => {
    const images = tf.expandDims(image, 0) as tf.Tensor4D;
    const [activations] = model.forward(images, [target.layer]);
    const value = tf.sum(tf.mul(activations, seedGradient(activations, [target]))) as tf.Scalar;
    return { value, at: images };
  });
  if (!found) return tf.zeros([image.shape[0], image.shape[1]]);
  return tf.squeeze(tf.sum(tf.square(found.gradient), 3), [0]) as tf.Tensor2D;
}

/** The smallest square around the energy's centre of mass that holds the share; undefined where there is no energy. */
export function energySquare(energy: Float32Array, width: number, share: number): PhotoBox | undefined {
  let total = 0;
  let [sumX, sumY] = [0, 0];
  energy.forEach((e, i) => {
    total += e;
    sumX += e * (i % width);
    sumY += e * Math.floor(i / width);
  });
  if (!(total > 0)) return undefined;
  const [x, y] = [sumX / total, sumY / total];
  // ring k: the energy whose larger distance from the centre, rounded up, is k
  const rings = new Float64Array(width + energy.length / width + 2);
  energy.forEach((e, i) => {
    rings[Math.ceil(Math.max(Math.abs((i % width) - x), Math.abs(Math.floor(i / width) - y)))] += e;
  });
  let held = 0;
  let radius = 0;
  while (held + rings[radius] < share * total) held += rings[radius++];
  return { x: x - radius, y: y - radius, width: 2 * radius + 1, height: 2 * radius + 1 };
}
