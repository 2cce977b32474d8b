import { tf } from '../tf/backend';
import { checkImage } from '../image/check';
import { type StopReason, watchInterrupts } from '../base/interrupt';
import { loadImage } from '../image/image';
import { pearson, ssim } from '../image/metrics';
import type { ImageModel } from '../model/model';
import type { Photo } from '../image/photos';
import { blurred } from '../image/blur';
import { given } from '../model/given';

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
  {
    onStep,
    signal,
  }: { onStep?: (s: { done: number; total: number }) => void | Promise<void>; signal?: AbortSignal } = {},
): Promise<PairwiseDistances> {
  if (photos.length < 2) throw new RangeError(`至少要 2 张照片，得到 ${photos.length} 张`);
  if (!layers?.length) throw new RangeError('没有层名：layers 是空的；层名见 model.layers，常用的见 model.roles');
  layers.forEach((layer) => given(model).layerName(layer));
  const watch = watchInterrupts(signal);
  const sums = layers.map(() => ({ squares: 0, total: undefined as tf.Tensor | undefined }));
  let count = 0;
  try {
    for (const photo of photos) {
      if (watch.stopped && count >= 2) break;
      const image = await loadImage(photo.path, { size: [...model.inputSize], crop: photo.crop });
      const codes = tf.tidy(() => model.forward(tf.expandDims(image, 0) as tf.Tensor4D, layers));
      image.dispose();
      for (const [k, code] of codes.entries()) {
        const { total } = sums[k];
        sums[k].squares += await number(() => tf.sum(tf.square(code)));
        sums[k].total = total ? tf.add(total, code) : tf.clone(code);
        total?.dispose();
      }
      tf.dispose(codes);
      count++;
      await onStep?.({ done: count, total: photos.length });
      await watch.breathe();
    }
    const squared: Record<string, number> = {};
    for (const [k, layer] of layers.entries()) {
      const ofMean = await number(() => tf.sum(tf.square(tf.div(sums[k].total!, count))));
      squared[layer] = (2 * count * (sums[k].squares / count - ofMean)) / (count - 1);
    }
    return {
      squared,
      photos: count,
      ...(watch.stopped ? { stopped: watch.stopped } : {}),
    };
  } finally {
    tf.dispose(sums.flatMap((s) => (s.total ? [s.total] : [])));
  }
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
  const width = Math.min(sigma, (Math.min(...original.shape.slice(0, 2)) - 2) / 4);
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
  if (reconstruction.shape.join() !== original.shape.join() || Math.min(...original.shape.slice(0, 2)) < 2 * cell) {
    throw new RangeError(
      `cellCorrelation 需要两幅同样大小的图，边长至少是 ${cell} 像素的两格，得到 [${reconstruction.shape.join(', ')}] 与 [${original.shape.join(', ')}]`,
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

export interface PhotoErrors {
  /** 编码最接近的照片（nearest photo）与它的相对距离 ‖φ(照片) − φ₀‖² / ‖φ₀‖²。 */
  readonly nearest: { readonly photo: Photo; readonly error: number };
  /** 全部照片的中位数。 */
  readonly median: number;
}

/**
 * 别的照片离这个编码多远（errors of other photos）：重建的对照。
 *
 * @param image 编码来自的图；`photos` 里不应有它自己
 * @returns 每一层：最近的照片与它的误差，以及中位数
 * @example
 * const layer = model.roles.lastConv;
 * const { [layer]: errors } = await photoErrors(model, image, coursePhotos().slice(0, 4), [layer]);
 * const { nearest, median } = errors;
 */
export async function photoErrors(
  model: ImageModel,
  image: tf.Tensor3D,
  photos: readonly Photo[],
  layers: readonly string[],
  { onStep }: { onStep?: (s: { done: number; total: number }) => void | Promise<void> } = {},
): Promise<Record<string, PhotoErrors>> {
  if (photos.length === 0) throw new RangeError('photos 是空的：至少要有一张别的照片');
  const watch = watchInterrupts();
  const reference = tf.tidy(() => given(model).forward(tf.expandDims(image, 0) as tf.Tensor4D, layers));
  const errors: number[][] = layers.map(() => []);
  try {
    for (const [i, photo] of photos.entries()) {
      if (watch.stopped && i > 0) break;
      const other = await loadImage(photo.path, { size: [...model.inputSize], crop: photo.crop });
      const row = tf.tidy(() => {
        const codes = model.forward(tf.expandDims(other, 0) as tf.Tensor4D, layers);
        const squares = (x: tf.Tensor) => tf.sum(tf.square(x));
        return tf.stack(codes.map((code, k) => tf.div(squares(tf.sub(code, reference[k])), squares(reference[k]))));
      });
      (await row.data()).forEach((error, k) => errors[k].push(error));
      tf.dispose([other, row]);
      await onStep?.({ done: i + 1, total: photos.length });
      await watch.breathe();
    }
  } finally {
    tf.dispose(reference);
  }
  return Object.fromEntries(
    layers.map((layer, k) => {
      const least = errors[k].indexOf(Math.min(...errors[k]));
      const sorted = [...errors[k]].sort((a, b) => a - b);
      return [
        layer,
        { nearest: { photo: photos[least], error: errors[k][least] }, median: sorted[sorted.length >> 1] },
      ];
    }),
  );
}
