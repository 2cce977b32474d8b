import { tf } from '../tf/backend';
import { checkList } from '../base/check';
import { checkImage } from '../image/check';
import type { ImageModel } from '../model/model';
import { randomGenerator } from '../base/random';
import { fixTarget, type Target, targetValue } from '../model/target';

export interface PixelNoiseOptions {
  /** 噪声的标准差（standard deviation），[0, 1] 的颜色，缺省 0.1。 */
  sigma?: number;
  /** 噪声抽几次（samples），缺省 6；取平均。 */
  samples?: number;
  seed?: number;
}

/**
 * 给一些像素加噪声，目标的值平均变多少（response to pixel noise）：|新值 − 原值| / |原值|。
 *
 * @param image `[h, w, 3]`，RGB，[0, 1]；不会被 dispose。加了噪声之后不截断，免得亮处与暗处的噪声变小
 * @param target 类别或神经元；'max' 是原图上的那个位置，加了噪声也不换
 * @param pixels 像素的编号：行 × 宽 + 列
 * @returns 相对变化的平均，不小于 0
 * @throws RangeError 目标不对；像素编号越界；原值为 0，无从谈相对变化
 * @example
 * const change = await pixelNoise(model, image, { layer: model.roles.lastConv, channel: 3 }, [100, 101, 102]);
 */
export async function pixelNoise(
  model: ImageModel,
  image: tf.Tensor3D,
  target: Target,
  pixels: readonly number[],
  { sigma = 0.1, samples = 6, seed = 0 }: PixelNoiseOptions = {},
): Promise<number> {
  await checkImage(image);
  const count = image.shape[0] * image.shape[1];
  const wrong = checkList('pixels', pixels).find((p) => !Number.isInteger(p) || p < 0 || p >= count);
  if (wrong !== undefined) throw new RangeError(`像素编号应为 0 … ${count - 1} 的整数，得到 ${wrong}`);
  const fixed = await fixTarget(model, image, target);
  const original = await targetValue(model, image, fixed);
  if (original === 0) throw new RangeError('目标在这幅图上的值是 0，无从谈相对变化；请选一个有激活的神经元');
  const clean = (await image.data()) as Float32Array;
  const random = randomGenerator(seed);
  let change = 0;
  for (let k = 0; k < samples; k++) {
    const values = clean.slice();
    for (const p of pixels) for (let c = 0; c < 3; c++) values[3 * p + c] += sigma * random.normal();
    const noisy = tf.tensor3d(values, image.shape);
    try {
      change += Math.abs((await targetValue(model, noisy, fixed)) - original) / Math.abs(original) / samples;
    } finally {
      noisy.dispose();
    }
  }
  return change;
}
