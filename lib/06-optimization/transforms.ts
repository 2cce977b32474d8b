import { tf } from '../tf/backend';
import { rolled, warped } from './warp';
import { named } from '../base/named';
import type { RandomGenerator } from '../base/random';
import { checkNumber, checkNumbers } from '../base/check';

/**
 * 变换（transform）：每一步在图像送入网络之前随机地动一动它，可微分；`random` 给出这一步的随机数。
 * 大小可以改变：最后从中央裁出网络的输入大小。
 */
export type Transform = (image: tf.Tensor3D, random: RandomGenerator) => tf.Tensor3D;

/**
 * 抖动（jitter）：横竖各平移最多 px 个像素，移出的从另一边回来；先 pad，移进来的就是灰边。
 * @example
 * const result = await maximize(model, objective.classScore(130), { transforms: [transform.jitter(8)], steps: 3 });
 * dispose(result);
 */
export function jitter(px: number): Transform {
  checkNumber('jitter 的 px', px, 0);
  return named(`jitter(${px})`, (image: tf.Tensor3D, random: RandomGenerator) => {
    const [down, right] = [random.integer(2 * px + 1) - px, random.integer(2 * px + 1) - px];
    return tf.tidy(() => tf.clone(rolled(rolled(image, down, 0), right, 1)));
  });
}

/**
 * 加边（pad）：四周各加 px 个像素的灰色（默认 0.5）。
 * @example
 * const transforms = [transform.pad(12, 0.5), transform.jitter(8)];
 * const result = await maximize(model, objective.classScore(130), { transforms, steps: 3 });
 * dispose(result);
 */
export function pad(px: number, value = 0.5): Transform {
  checkNumber('pad 的 px', px, 0);
  return named(
    `pad(${px})`,
    (image: tf.Tensor3D) =>
    tf.pad(image, [[px, px], [px, px], [0, 0]], value), // prettier-ignore
  );
}

/**
 * 缩放（scale）：以中央为准，放大 low 到 high 倍（随机）；大小不变，移进来的部分重复边上的像素。
 * @example
 * const result = await maximize(model, objective.classScore(130), { transforms: [transform.scale([0.9, 1.1])], steps: 3 });
 * dispose(result);
 */
export function scale(range: readonly [number, number] = [0.9, 1.1]): Transform {
  const [low, high] = checkNumbers('scale 的范围', range, 2);
  checkNumber('scale 的下限', low, 0.1, 10);
  checkNumber('scale 的上限', high, low, 10);
  return named(`scale(${low}, ${high})`, (image: tf.Tensor3D, random: RandomGenerator) => {
    const factor = low + (high - low) * random.uniform();
    return warped(image, [1 / factor, 0, 0, 1 / factor]);
  });
}

/**
 * 旋转（rotate）：以中央为准，转 −degrees 到 +degrees 度（随机）；大小不变，移进来的部分重复边上的像素。
 * @example
 * const result = await maximize(model, objective.classScore(130), { transforms: [transform.rotate(5)], steps: 3 });
 * dispose(result);
 */
export function rotate(degrees = 10): Transform {
  checkNumber('rotate 的角度', degrees, 0, 180);
  return named(`rotate(${degrees})`, (image: tf.Tensor3D, random: RandomGenerator) =>
    warped(image, turning(degrees, random)),
  );
}

function turning(degrees: number, random: RandomGenerator): [number, number, number, number] {
  const angle = ((2 * random.uniform() - 1) * degrees * Math.PI) / 180;
  return [Math.cos(angle), -Math.sin(angle), Math.sin(angle), Math.cos(angle)];
}

/**
 * 旋转并缩放（rotate and scale）：rotate(degrees) 与 scale([low, high]) 合成一次重采样，比先后做两次快一半，也少糊一次。
 * @example
 * const transforms = [transform.rotateScale(5, [0.9, 1.1])];
 * const result = await maximize(model, objective.classScore(130), { transforms, steps: 3 });
 * dispose(result);
 */
export function rotateScale(degrees = 5, range: readonly [number, number] = [0.9, 1.1]): Transform {
  const [low, high] = checkNumbers('rotateScale 的范围', range, 2);
  checkNumber('rotateScale 的角度', degrees, 0, 180);
  checkNumber('rotateScale 的下限', low, 0.1, 10);
  checkNumber('rotateScale 的上限', high, low, 10);
  return named(`rotateScale(${degrees}, ${low}, ${high})`, (image: tf.Tensor3D, random: RandomGenerator) => {
    const [a, b, c, d] = turning(degrees, random);
    const factor = low + (high - low) * random.uniform();
    return warped(image, [a / factor, b / factor, c / factor, d / factor]);
  });
}

/**
 * 一串随机变换（robust to small changes）：加灰边、抖动、缩放、旋转；`maximize` 的默认。
 * 只有经得起这些变换的图案才留得下来；没有它们，得分靠的是像素级的巧合。
 *
 * @param side 网络输入的边长（像素），默认 224；灰边与抖动按它的比例
 * @example
 * const result = await maximize(model, objective.classScore(130), { transforms: transform.robust(64), steps: 3 });
 * dispose(result);
 */
export function robust(side = 224): readonly Transform[] {
  // From Lucid's standard transforms, which were chosen at 224 pixels; turned by half as much.
  const scaled = (px: number) => Math.round((px * checkNumber('side', side, 1)) / 224);
  return [pad(scaled(12)), jitter(scaled(8)), rotateScale(5, [0.9, 1.1])];
}
