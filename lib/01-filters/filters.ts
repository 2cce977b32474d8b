import { tf } from '../tf/backend';
import { checkNumbers } from '../base/check';
import { randomGenerator, shuffled } from '../base/random';
import type { ImageModel } from '../model/model';
import { given } from '../model/given';

export { filterSpectrum, type FilterSpectrum, fitGabor, type GaborFit, gaborFilter } from './gabor';

/** The kernel of a convolution layer, [kh, kw, in, out], or an error that names the layers that have one. */
function kernelOf(model: ImageModel, layer: string): tf.Tensor4D {
  const own = given(model).network.getLayer(model.layerName(layer));
  const kernel = own.weights.map((w) => w.read()).find((w) => w.rank === 4);
  if (kernel) return kernel as tf.Tensor4D;
  const having = model.network.layers.filter((l) => l.weights.some((w) => w.shape.length === 4)).map((l) => l.name);
  throw new RangeError(`${layer} 层没有卷积核；有卷积核的层：${having.join('、')}`);
}

/** Zero stays mid grey, so that the sign of a weight can be seen: 0.5 + w / (2 max|w|). */
function toPicture(kernels: tf.Tensor4D, scale: 'each' | 'shared'): tf.Tensor4D {
  const axes = scale === 'each' ? [1, 2, 3] : undefined;
  // the least keeps a kernel of zeros at mid grey
  const largest = tf.maximum(tf.max(tf.abs(kernels), axes, true), 1e-12);
  return tf.add(0.5, tf.div(kernels, tf.mul(2, largest)));
}

/**
 * 把卷积核画成图（filter weights as pictures）：只有直接看像素的层（RGB 的 3 个输入通道，或灰度网络的 1 个）才能这样画。
 *
 * @param layer 层名，缺省为 `model.roles.firstConv`
 * @param options `scale`: "each" 每个卷积核用自己的最大绝对值，"shared" 全层共用一个；0 总是中灰
 * @returns `[n, kh, kw, 3]`，RGB，[0, 1]，由调用者 dispose
 * @throws RangeError 层名不存在、没有卷积核，或它的输入不是 RGB 像素（用 kernelSlices 看单个切片）
 * @example
 * const pictures = filterImages(model);
 * await showGrid(pictures, { columns: 8 });
 * dispose(pictures);
 */
export function filterImages(
  model: ImageModel,
  layer: string = given(model).roles.firstConv,
  { scale = 'each' }: { scale?: 'each' | 'shared' } = {},
): tf.Tensor4D {
  return tf.tidy(() => {
    const kernel = kernelOf(model, layer);
    const [kh, kw, channels, count] = kernel.shape;
    const grey = channels === 1 && layer === model.roles.firstConv;
    if (channels !== 3 && !grey) {
      throw new RangeError(
        `${layer} 的卷积核是 ${kh}×${kw}×${channels}（共 ${count} 个）：它读的是上一层的 ${channels} 个特征图，不是 RGB 像素，` +
          `不能画成彩色图。要看单个切片，用 kernelSlices(model, "${layer}", { filter: 0 })`,
      );
    }
    const pictures = toPicture(tf.transpose(kernel, [3, 0, 1, 2]), scale);
    return grey ? tf.tile(pictures, [1, 1, 1, 3]) : pictures;
  });
}

/**
 * 一个卷积核的各个切片（kernel slices）：每个输入通道一张灰度图，只为看清"画出来说明不了什么"。
 *
 * @param options `filter` 第几个卷积核（0 起）；`scale` 同 filterImages
 * @returns `[输入通道, kh, kw, 1]`，[0, 1]，0 为中灰，由调用者 dispose
 * @throws RangeError 层名或 filter 不存在
 * @example
 * const slices = kernelSlices(model, model.roles.lastConv, { filter: 3 });
 * dispose(slices);
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
 * 抽几个切片（sample of slices）：一个切片是一个卷积核在一个输入通道上的 kh × kw 个权值。不放回，按种子抽，
 * 用来与同样大小的随机核比较。
 *
 * @param options `count` 抽几个，缺省 48，一张图放得下；`seed` 缺省 0
 * @returns `size` 为 [kh, kw]；`slices` 每项 kh · kw 个数，逐行排列
 * @throws RangeError 层名不存在、没有卷积核，或 count 不是 1 到切片总数的整数
 * @example
 * const { size, slices } = await sampleSlices(model, model.roles.lastConv, { count: 8 });
 */
export async function sampleSlices(
  model: ImageModel,
  layer: string,
  { count = 48, seed = 0 }: { count?: number; seed?: number } = {},
): Promise<{ size: [number, number]; slices: Float32Array[] }> {
  const kernel = kernelOf(model, layer);
  const [kh, kw, channels, filters] = kernel.shape;
  const total = channels * filters;
  if (!Number.isInteger(count) || count < 1 || count > total) {
    throw new RangeError(`${layer} 有 ${total} 个切片，count 应为 1 … ${total} 的整数，得到 ${count}`);
  }
  const weights = await kernel.data();
  const chosen = shuffled(Array.from({ length: total }, (_, i) => i), randomGenerator(seed)).slice(0, count); // prettier-ignore
  // Slice i of the kernel [kh, kw, in, out]: its values lie `total` apart.
  const slices = chosen.map((i) => Float32Array.from({ length: kh * kw }, (_, at) => weights[at * total + i]));
  return { size: [kh, kw], slices };
}

/**
 * 每个卷积核的彩色程度（colour share）：去掉灰度部分（三通道的平均）之后剩下的能量占比，0 为纯灰，1 为纯彩。
 *
 * @returns 长度为卷积核个数，值在 [0, 1]
 * @throws RangeError 同 filterImages
 * @example
 * const shares = await colourShare(model);
 */
export async function colourShare(model: ImageModel, layer: string = given(model).roles.firstConv): Promise<number[]> {
  const shares = tf.tidy(() => {
    const pictures = tf.sub(filterImages(model, layer), 0.5);
    const grey = tf.mean(pictures, 3, true);
    const colour = tf.sum(tf.square(tf.sub(pictures, grey)), [1, 2, 3]);
    return tf.div(colour, tf.maximum(tf.sum(tf.square(pictures), [1, 2, 3]), 1e-12));
  });
  const values = Array.from(await shares.data());
  shares.dispose();
  return values;
}

/** 一个卷积核的主图案（main pattern）：最能概括它的一个颜色方向，以及沿这个方向的 kh × kw 灰度图案。 */
export interface FilterPattern {
  /** RGB 里的单位向量，能量最大的方向；绝对值最大的分量为正。 */
  readonly colour: readonly [number, number, number];
  /** kh × kw 个数，逐行：沿这个颜色的权值。 */
  readonly values: Float32Array;
  /** 这一个颜色占滤波器能量的几成，1/3 到 1。 */
  readonly share: number;
}

/** The leading eigenvector of a symmetric 3x3 matrix, by repeated multiplication. */
function leadingAxis(matrix: number[][]): [number, number, number] {
  // no start at right angles to a colour or to grey; 200 rounds leave 1e-9 of an axis nine tenths as strong
  let axis: number[] = [1, 0.9, 1.1];
  for (let i = 0; i < 200; i++) {
    const next = matrix.map((row) => row.reduce((sum, v, k) => sum + v * axis[k], 0));
    const norm = Math.hypot(...next) || 1;
    axis = next.map((v) => v / norm);
  }
  const largest = axis.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
  return axis.map((v) => (largest < 0 ? -v : v)) as [number, number, number];
}

/**
 * 每个卷积核的主颜色与主图案（principal colour and pattern）：对 kh·kw 个 RGB 权值做主成分分析（不减平均值）。
 * 频谱与 Gabor 拟合看的是这个二维图案。
 *
 * @returns `size` 为 [kh, kw]；`patterns` 每个卷积核一项
 * @throws RangeError 同 filterImages
 * @example
 * const { size, patterns } = await filterPatterns(model);
 */
export async function filterPatterns(
  model: ImageModel,
  layer: string = given(model).roles.firstConv,
): Promise<{ size: [number, number]; patterns: FilterPattern[] }> {
  const kernel = kernelOf(model, layer);
  const [kh, kw, channels, count] = kernel.shape;
  if (channels !== 3)
    throw new RangeError(`${layer} 的输入有 ${channels} 个通道，不是 RGB；请用 ${model.roles.firstConv}`);
  const weights = await kernel.data();
  return { size: [kh, kw], patterns: Array.from({ length: count }, (_, f) => pattern(weights, kh * kw, count, f)) };
}

/**
 * 一个 RGB 核的主颜色与主图案（main pattern of one filter），与 filterPatterns 相同；用于随机核等对照。
 *
 * @param weights kh·kw·3 个数，逐位置排列，每个位置是 R、G、B
 * @throws RangeError 个数不是 3 的倍数
 * @example
 * const { share } = mainPattern([1, 0, 0, -1, 0, 0, 1, 0, 0, -1, 0, 0]);
 * share; // 1
 */
export function mainPattern(weights: ArrayLike<number>): FilterPattern {
  if (checkNumbers('weights', weights).length === 0 || weights.length % 3 !== 0) {
    throw new RangeError(`weights 应有 kh·kw·3 个数（每个位置 R、G、B），得到 ${weights.length} 个`);
  }
  return pattern(weights, weights.length / 3, 1, 0);
}

/** Weights as [position, colour, filter]. */
function pattern(weights: ArrayLike<number>, positions: number, count: number, filter: number): FilterPattern {
  const at = (i: number, c: number) => weights[(i * 3 + c) * count + filter];
  const products = [0, 1, 2].map((a) =>
    [0, 1, 2].map((b) => {
      let sum = 0;
      for (let i = 0; i < positions; i++) sum += at(i, a) * at(i, b);
      return sum;
    }),
  );
  const colour = leadingAxis(products);
  const values = Float32Array.from({ length: positions }, (_, i) =>
    colour.reduce((sum, v, c) => sum + v * at(i, c), 0),
  );
  const total = products[0][0] + products[1][1] + products[2][2];
  const energy = values.reduce((sum, v) => sum + v * v, 0);
  return { colour, values, share: total > 0 ? energy / total : 1 };
}
