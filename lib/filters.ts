import { tf } from './backend';
import type { ImageModel } from './model';

export { filterSpectrum, type FilterSpectrum, fitGabor, type GaborFit, gaborFilter } from './gabor';

/** The kernel of a convolution layer, [kh, kw, in, out], or an error that names the layers that have one. */
function kernelOf(model: ImageModel, layer: string): tf.Tensor4D {
  const own = model.network.getLayer(model.layerName(layer));
  const kernel = own.weights.map((w) => w.read()).find((w) => w.rank === 4);
  if (kernel) return kernel as tf.Tensor4D;
  const having = model.network.layers.filter((l) => l.weights.some((w) => w.shape.length === 4)).map((l) => l.name);
  throw new RangeError(`${layer} 层没有卷积核；有卷积核的层：${having.join('、')}`);
}

/** Zero stays mid grey, so that the sign of a weight can be seen: 0.5 + w / (2 max|w|). */
function toPicture(kernels: tf.Tensor4D, scale: 'each' | 'shared'): tf.Tensor4D {
  const axes = scale === 'each' ? [1, 2, 3] : undefined;
  const largest = tf.maximum(tf.max(tf.abs(kernels), axes, true), 1e-12);
  return tf.add(0.5, tf.div(kernels, tf.mul(2, largest)));
}

/**
 * 把卷积核画成图（filter weights as pictures）：只有直接看像素的层（3 个输入通道）才能这样画。
 *
 * @param layer 层名，缺省为 `model.roles.firstConv`
 * @param options `scale`: "each" 每个卷积核用自己的最大绝对值，"shared" 全层共用一个；0 总是中灰
 * @returns `[n, kh, kw, 3]`，RGB，[0, 1]，由调用者 dispose
 * @throws RangeError 层名不存在、没有卷积核，或它的输入不是 RGB 像素（用 kernelSlices 看单个切片）
 */
export function filterImages(
  model: ImageModel,
  layer: string = model.roles.firstConv,
  { scale = 'each' }: { scale?: 'each' | 'shared' } = {},
): tf.Tensor4D {
  return tf.tidy(() => {
    const kernel = kernelOf(model, layer);
    const [kh, kw, channels, count] = kernel.shape;
    if (channels !== 3) {
      throw new RangeError(
        `${layer} 的卷积核是 ${kh}×${kw}×${channels}（共 ${count} 个）：它读的是上一层的 ${channels} 个特征图，不是 RGB 像素，` +
          `不能画成彩色图。要看单个切片，用 kernelSlices(model, "${layer}", { filter: 0 })`,
      );
    }
    return toPicture(tf.transpose(kernel, [3, 0, 1, 2]), scale);
  });
}

/**
 * 一个卷积核的各个切片（kernel slices）：每个输入通道一张灰度图，只为看清"画出来说明不了什么"。
 *
 * @param options `filter` 第几个卷积核（0 起）；`scale` 同 filterImages
 * @returns `[输入通道, kh, kw, 1]`，[0, 1]，0 为中灰，由调用者 dispose
 * @throws RangeError 层名或 filter 不存在
 */
export function kernelSlices(
  model: ImageModel,
  layer: string,
  { filter = 0, scale = 'shared' }: { filter?: number; scale?: 'each' | 'shared' } = {},
): tf.Tensor4D {
  return tf.tidy(() => {
    const kernel = kernelOf(model, layer);
    const [, , , count] = kernel.shape;
    if (!Number.isInteger(filter) || filter < 0 || filter >= count) {
      throw new RangeError(`${layer} 有 ${count} 个卷积核，filter 应为 0 … ${count - 1} 的整数，得到 ${filter}`);
    }
    const one = tf.slice(kernel, [0, 0, 0, filter], [-1, -1, -1, 1]);
    return toPicture(tf.transpose(one, [2, 0, 1, 3]), scale);
  });
}

/**
 * 每个卷积核的彩色程度（colour share）：去掉灰度部分（三通道的平均）之后剩下的能量占比，0 为纯灰，1 为纯彩。
 *
 * @returns 长度为卷积核个数，值在 [0, 1]
 * @throws RangeError 同 filterImages
 */
export function colourShare(model: ImageModel, layer: string = model.roles.firstConv): number[] {
  const shares = tf.tidy(() => {
    const pictures = tf.sub(filterImages(model, layer), 0.5);
    const grey = tf.mean(pictures, 3, true);
    const colour = tf.sum(tf.square(tf.sub(pictures, grey)), [1, 2, 3]);
    return tf.div(colour, tf.maximum(tf.sum(tf.square(pictures), [1, 2, 3]), 1e-12));
  });
  const values = Array.from(shares.dataSync());
  shares.dispose();
  return values;
}

/**
 * 灰度化的卷积核（luminance of a filter），供频谱与 Gabor 拟合使用：三通道之和。
 *
 * @returns 每个卷积核一个 kh × kw 的数组（按行存放），单位与权值相同
 */
export function greyFilters(
  model: ImageModel,
  layer: string = model.roles.firstConv,
): { size: [number, number]; filters: Float32Array[] } {
  const kernel = kernelOf(model, layer);
  const [kh, kw, , count] = kernel.shape;
  const flat = tf.tidy(() => tf.transpose(tf.sum(kernel, 2), [2, 0, 1]));
  const values = flat.dataSync() as Float32Array;
  flat.dispose();
  return {
    size: [kh, kw],
    filters: Array.from({ length: count }, (_, i) => values.slice(i * kh * kw, (i + 1) * kh * kw)),
  };
}
