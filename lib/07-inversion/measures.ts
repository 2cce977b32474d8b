import { tf } from '../tf/backend';
import { type StopReason, watchInterrupts } from '../base/interrupt';
import { loadImage } from '../image/image';
import { pearson, ssim } from '../image/metrics';
import type { ImageModel } from '../model/model';
import type { Photo } from '../image/photos';
import { blurred } from '../06-optimization/regularizers';

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
  layers.forEach((layer) => model.layerName(layer));
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
        sums[k].squares += tf.tidy(() => tf.sum(tf.square(code)).dataSync()[0]);
        sums[k].total = total ? tf.add(total, code) : tf.clone(code);
        total?.dispose();
      }
      tf.dispose(codes);
      count++;
      await onStep?.({ done: count, total: photos.length });
      await watch.breathe();
    }
    const squared = layers.map((layer, k) => {
      const ofMean = tf.tidy(() => tf.sum(tf.square(tf.div(sums[k].total!, count))).dataSync()[0]);
      return [layer, (2 * count * (sums[k].squares / count - ofMean)) / (count - 1)] as const;
    });
    return {
      squared: Object.fromEntries(squared),
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

/** 与原图相比，结构、颜色、位置各还剩多少。 */
export function survival(reconstruction: tf.Tensor3D, original: tf.Tensor3D, { sigma = 8 } = {}): Survival {
  // The mirrored border of the blur must stay within the image.
  const width = Math.min(sigma, (Math.min(...original.shape.slice(0, 2)) - 2) / 4);
  return tf.tidy(() => {
    const grey = (x: tf.Tensor3D) => tf.mean(x, 2, true);
    const chroma = (x: tf.Tensor3D) => blurred(tf.sub(x, grey(x)) as tf.Tensor3D, width);
    const plan = (x: tf.Tensor3D) => blurred(tf.tile(grey(x), [1, 1, 3]) as tf.Tensor3D, width);
    return {
      structure: ssim(reconstruction, original, { range: 1 }),
      colour: pearson(chroma(reconstruction), chroma(original)),
      layout: pearson(plan(reconstruction), plan(original)),
    };
  }) as unknown as Survival;
}

/** 两个编码的相对距离 ‖a − b‖² / ‖b‖²（与 InversionError.ofCode 同一把尺子）。 */
export function codeError(model: ImageModel, image: tf.Tensor3D, reference: tf.Tensor3D, layer: string): number {
  return tf.tidy(() => {
    const [a, b] = [model.activations(image, layer), model.activations(reference, layer)];
    return tf.div(tf.sum(tf.square(tf.sub(a, b))), tf.sum(tf.square(b))).dataSync()[0];
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
  const reference = tf.tidy(() => model.forward(tf.expandDims(image, 0) as tf.Tensor4D, layers));
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
