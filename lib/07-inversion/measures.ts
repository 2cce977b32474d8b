import { tf } from '../tf/backend';
import { checkList } from '../base/check';
import { checkImage, checkTensor } from '../image/check';
import { type LongRun, type StopReason, watchInterrupts } from '../base/interrupt';
import { pearson, ssim } from '../image/metrics';
import type { ImageModel } from '../model/model';
import { checkPhotos, type Photo } from '../image/photos';
import { blurred } from '../image/blur';
import { given } from '../model/given';
import { photoInput } from '../model/photo-input';

/** One number from the device. */
async function number(f: () => tf.Tensor): Promise<number> {
  const scalar = tf.tidy(f);
  const [value] = await scalar.data();
  scalar.dispose();
  return value;
}

export interface PairwiseDistances {
  /** 每一层：两张照片之间 ‖φ(a) − φ(b)‖² 的平均，对所有不同的两张。 */
  readonly squared: Readonly<Record<string, number>>;
  readonly photos: number;
  readonly stopped?: StopReason;
}

/**
 * 照片之间的平均距离（mean squared pairwise distance）：第二种相对误差的分母，几层一起算。
 *
 * 不必一对一对地算：它等于 2n/(n − 1) · (‖φ‖² 的平均 − ‖φ 的平均‖²)。
 *
 * @param photos 照片，至少 2 张；论文用 100 张
 * @example
 * const { squared } = await pairwiseDistances(model, coursePhotos().slice(0, 4), [model.roles.lastConv]);
 */
export async function pairwiseDistances(
  model: ImageModel,
  photos: readonly Photo[],
  layers: readonly string[],
  run: LongRun = {},
): Promise<PairwiseDistances> {
  checkPhotos(photos, 2);
  if (!checkList('layers', layers).length)
    throw new RangeError('没有层名：layers 是空的；层名见 model.layers，常用的见 model.roles');
  layers.forEach((layer) => given(model).layerName(layer ?? String(layer)));
  const watch = watchInterrupts(run);
  const sums: CodeSum[] = layers.map(() => ({ squares: 0 }));
  let count = 0;
  try {
    for (const photo of photos) {
      if (watch.stopped && count >= 2) break;
      const image = await photoInput(model, photo);
      const codes = tf.tidy(() => model.forward(tf.expandDims(image, 0) as tf.Tensor4D, layers));
      image.dispose();
      for (const [k, code] of codes.entries()) await addCode(sums[k], code);
      tf.dispose(codes);
      count++;
      await watch.step({ done: count, total: photos.length });
    }
    const squared: Record<string, number> = {};
    for (const [k, layer] of layers.entries()) {
      const ofMean = await number(() => tf.sum(tf.square(tf.div(sums[k].total!, count))));
      squared[layer] = (2 * count * (sums[k].squares / count - ofMean)) / (count - 1);
    }
    return { squared, photos: count, ...(watch.stopped ? { stopped: watch.stopped } : {}) };
  } finally {
    tf.dispose(sums.flatMap((s) => (s.total ? [s.total] : [])));
  }
}

/** Of a layer's codes so far. */
interface CodeSum {
  squares: number;
  total?: tf.Tensor;
}

async function addCode(sum: CodeSum, code: tf.Tensor): Promise<void> {
  const { total } = sum;
  sum.squares += await number(() => tf.sum(tf.square(code)));
  sum.total = total ? tf.add(total, code) : tf.clone(code);
  total?.dispose();
}

/** 重建还留着什么（what survives），与原图比较；都是 1 最好。 */
export interface Survival {
  /** 结构相似度（SSIM）：细节与边缘。 */
  readonly structure: number;
  /** 颜色：每个像素减去自己的灰度之后（色差），模糊掉细节，与原图的相关系数。 */
  readonly colour: number;
  /** 位置：灰度图模糊掉细节（sigma 8 像素）之后，明暗布局与原图的相关系数。 */
  readonly layout: number;
}

/**
 * 与原图相比，结构、颜色、位置各还剩多少。
 * @example
 * const { structure, colour, layout } = await survival(image, image);
 * structure; // 1
 */
export async function survival(
  reconstruction: tf.Tensor3D,
  original: tf.Tensor3D,
  { sigma = 8 }: { sigma?: number } = {},
): Promise<Survival> {
  // The mirrored border of the blur must stay within the image.
  const width = Math.min(sigma, (Math.min(...checkTensor(original, 'original', 3).shape.slice(0, 2)) - 2) / 4);
  const grey = (x: tf.Tensor3D) => tf.mean(x, 2, true);
  const chroma = (x: tf.Tensor3D) => blurred(tf.sub(x, grey(x)) as tf.Tensor3D, width);
  const plan = (x: tf.Tensor3D) => blurred(tf.tile(grey(x), [1, 1, 3]) as tf.Tensor3D, width);
  return {
    structure: await ssim(reconstruction, original, { range: 1 }),
    colour: await correlated(chroma, reconstruction, original),
    layout: await correlated(plan, reconstruction, original),
  };
}

/** The correlation of what `view` makes of two images. */
async function correlated(view: (x: tf.Tensor3D) => tf.Tensor, a: tf.Tensor3D, b: tf.Tensor3D): Promise<number> {
  const both = tf.tidy(() => [view(a), view(b)]);
  const [x, y] = await Promise.all(both.map((t) => t.data()));
  tf.dispose(both);
  return pearson(x, y);
}

/**
 * 布局与颜色的相关系数（correlation of layout and colours）：两幅图各按 cell × cell 像素的格子平均，RGB 一起求相关；1 最好。
 * 格子以下的细节不计；边上不满一格的部分不计。
 * @example
 * await cellCorrelation(image, image); // 1
 */
export async function cellCorrelation(
  reconstruction: tf.Tensor3D,
  original: tf.Tensor3D,
  { cell = 28 }: { cell?: number } = {},
): Promise<number> {
  const [a, b] = [checkTensor(reconstruction, 'reconstruction', 3).shape, checkTensor(original, 'original', 3).shape];
  if (a.join() !== b.join() || Math.min(...b.slice(0, 2)) < 2 * cell) {
    throw new RangeError(
      `cellCorrelation 需要两幅同样大小的图，边长至少是 ${cell} 像素的两格，得到 [${a.join(', ')}] 与 [${b.join(', ')}]`,
    );
  }
  return correlated((x) => tf.avgPool(x, cell, cell, 'valid'), reconstruction, original);
}

/**
 * 两个编码的相对距离 ‖a − b‖² / ‖b‖²（与 InversionError.ofCode 同一把尺子）。
 * @example
 * await codeError(model, image, image, model.roles.lastConv); // 0
 */
export async function codeError(
  model: ImageModel,
  image: tf.Tensor3D,
  reference: tf.Tensor3D,
  layer: string,
): Promise<number> {
  await checkImage(image);
  await checkImage(reference, { name: 'reference' });
  return number(() => {
    const [a, b] = [given(model).activations(image, layer), model.activations(reference, layer)];
    return tf.div(tf.sum(tf.square(tf.sub(a, b))), tf.sum(tf.square(b)));
  });
}
