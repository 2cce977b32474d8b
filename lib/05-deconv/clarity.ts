import { tf } from '../tf/backend';
import { checkNumbers } from '../base/check';
import { assertImage, checkTensor } from '../image/check';
import type { ImageModel } from '../model/model';
import { given } from '../model/given';
import { fieldBox } from '../model/receptive-field';

/**
 * “清楚”怎样量（measures of clarity）：一幅梯度图的能量有多少落在物体上，相邻的像素有多相似。
 * 都是印象的替身，不是定义；各有偏心，见各自的说明。
 */

/**
 * 灰底抠图里的物体（object mask）：与左上角的底色不同的像素。只用于 `coursePhotos({ background: 'flat' })` 这样底色均匀的照片。
 *
 * @param image `[h, w, 3]`，RGB，[0, 1]；不会被 dispose
 * @param options `tolerance` 三个颜色里最大的差超过它才算物体，缺省 0.04：十级，而底色的噪声多是一级
 * @returns `[h, w]`，1 是物体，0 是底色；由调用者 dispose
 * @example
 * const picture = await loadImage(coursePhotos({ background: 'flat' })[0].path, { size: 224 });
 * const mask = objectMask(picture);
 * dispose(picture, mask);
 */
export function objectMask(image: tf.Tensor3D, { tolerance = 0.04 }: { tolerance?: number } = {}): tf.Tensor2D {
  assertImage(image);
  return tf.tidy(() => {
    const corner = tf.slice(image, [0, 0, 0], [1, 1, 3]);
    return tf.cast(tf.greater(tf.max(tf.abs(tf.sub(image, corner)), 2), tolerance), 'float32') as tf.Tensor2D;
  });
}

/**
 * 一个单元的感受野（receptive field）占输入的哪些像素。
 *
 * @param at 单元在特征图里的位置 [行, 列]
 * @returns `[h, w]`，1 在感受野之内，0 在外；由调用者 dispose
 * @throws RangeError 这一层没有感受野
 * @example
 * const mask = fieldMask(model, model.roles.lastConv, [2, 3]);
 * dispose(mask);
 */
export function fieldMask(model: ImageModel, layer: string, at: readonly [number, number]): tf.Tensor2D {
  const fields = given(model).layers.find((l) => l.name === model.layerName(layer))!.receptiveFields;
  if (!fields) throw new RangeError(`${layer} 层没有感受野：它看整幅图，或者结构不允许计算`);
  return tf.tidy(() => {
    const { x, y, width, height } = fieldBox(fields, checkNumbers('at', at, 2));
    const along = (begin: number, size: number, length: number) => {
      const pixels = tf.range(0, length);
      return tf.logicalAnd(tf.greaterEqual(pixels, begin), tf.less(pixels, begin + size));
    };
    const rows = tf.expandDims(along(y, height, model.inputSize[0]), 1);
    const columns = tf.expandDims(along(x, width, model.inputSize[1]), 0);
    return tf.cast(tf.logicalAnd(rows, columns), 'float32') as tf.Tensor2D;
  });
}

/**
 * 能量落在一块区域里的比例（energy share）：各像素的平方和，区域之内的除以全部。均匀撒开时，它等于区域的面积比例。
 *
 * @param map `[h, w, 3]`，带符号；不会被 dispose
 * @param mask `[h, w]`，1 在区域之内；不会被 dispose
 * @returns 0 到 1；处处为 0 的图没有能量，返回 NaN
 * @example
 * const gradient = inputGradient(model, image, { layer: model.roles.lastConv, channel: 3, at: [2, 3] });
 * const mask = fieldMask(model, model.roles.lastConv, [2, 3]);
 * const share = await energyShare(gradient, mask);
 * dispose(gradient, mask);
 */
export async function energyShare(map: tf.Tensor3D, mask: tf.Tensor2D): Promise<number> {
  const sums = tf.tidy(() => {
    const energy = tf.sum(tf.square(checkTensor(map, 'map', 3)), 2);
    return tf.stack([tf.sum(tf.mul(energy, checkTensor(mask, 'mask', 2))), tf.sum(energy)]);
  });
  const [inside, whole] = await sums.data();
  sums.dispose();
  return inside / whole;
}

/**
 * 相邻像素的相似度（coherence）：图与它自己右移一格的余弦相似度。白噪声接近 0，又宽又平的笔画接近 1；
 * 它偏爱低频，一张模糊的图不论内容都得高分。
 *
 * @param map `[h, w, 3]`，带符号，宽至少 2；不会被 dispose
 * @returns −1 到 1；处处为 0 的图是 0
 * @example
 * const gradient = inputGradient(model, image, { class: 387 });
 * const smooth = await coherence(gradient);
 * dispose(gradient);
 */
export async function coherence(map: tf.Tensor3D): Promise<number> {
  const sums = tf.tidy(() => {
    const [height, width, channels] = checkTensor(map, 'map', 3).shape;
    const left = tf.slice(map, [0, 0, 0], [height, width - 1, channels]);
    const right = tf.slice(map, [0, 1, 0], [height, width - 1, channels]);
    return tf.stack([tf.mul(left, right), tf.square(left), tf.square(right)].map((t) => tf.sum(t)));
  });
  const [product, first, second] = await sums.data();
  sums.dispose();
  return first > 0 && second > 0 ? product / Math.sqrt(first * second) : 0;
}
