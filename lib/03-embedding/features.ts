import { tf } from '../tf/backend';
import type { Matrix } from './nearest-rows';
import { loadImage } from '../image/image';
import { checkCounts, checkFunction, checkList, checkNumbers } from '../base/check';
import { checkMatrix } from './rows';
import { type LongRun, type StopReason, watchInterrupts } from '../base/interrupt';
import type { ImageModel } from '../model/model';
import { checkPhotos, type Photo } from '../image/photos';
import { given } from '../model/given';

/** 特征矩阵（feature matrix）：每张照片一行。普通数组，不需要 dispose。 */
export interface FeatureMatrix extends Matrix {
  readonly data: Float32Array;
  /** 每一行是哪张照片。 */
  readonly photos: readonly Photo[];
  /** 这些数来自哪一层；像素是 "pixels"。 */
  readonly layer: string;
  /** 特征图怎样变成一行数：'none' 每个位置都留下，'mean' 每个通道取平均。 */
  readonly pool: Pooling;
  readonly stopped?: StopReason;
}

export type Pooling = 'none' | 'mean';

export interface FeatureMatrixOptions extends LongRun {
  /** 特征图怎么变成一行数（pool）：'none' 每个位置都要，'mean' 每个通道取平均。缺省：一行不超过 20000 个数时 'none'。 */
  pool?: Pooling;
  /** 一次前向传播几张照片，缺省 16。 */
  batchSize?: number;
}

const MOST_COLUMNS = 20000;

/**
 * 每张照片在某一层的编码（feature matrix）：把照片一批批送入网络，取出这一层的激活值，每张照片排成一行。
 *
 * @param model 网络
 * @param photos 照片，如 `coursePhotos()`
 * @param layer 层名，缺省 `model.roles.features`：分类之前的最高一层
 * @param options `pool`、`batchSize`、`onStep`、`signal`，见 FeatureMatrixOptions
 * @returns `data`：rows × columns，一行一张照片；中断时只有已算完的照片，并写明 `stopped`
 * @throws RangeError 没有照片、没有这一层
 * @example
 * const features = await featureMatrix(model, coursePhotos().slice(0, 6), model.roles.features);
 */
export async function featureMatrix(
  model: ImageModel,
  photos: readonly Photo[],
  layer: string = given(model).roles.features,
  options: FeatureMatrixOptions = {},
): Promise<FeatureMatrix> {
  return (await featureMatrices(model, photos, [layer], options))[0];
}

/**
 * 同 featureMatrix，一次前向传播取出几层（several layers in one pass）；每层一个特征矩阵，次序与 `layers` 相同。
 * @example
 * const layers = [model.roles.firstConv, model.roles.lastConv];
 * const [shallow, deep] = await featureMatrices(model, coursePhotos().slice(0, 6), layers, { pool: 'mean' });
 */
export async function featureMatrices(
  model: ImageModel,
  photos: readonly Photo[],
  layers: readonly string[],
  { pool, ...options }: FeatureMatrixOptions = {},
): Promise<FeatureMatrix[]> {
  if (checkList('layers', layers).length === 0)
    throw new RangeError('没有层名：layers 是空的；层名见 model.layers，常用的见 model.roles');
  const names = layers.map((layer) => given(model).layerName(layer));
  const pools = names.map((name) => {
    const size = model.layers.find((l) => l.name === name)!.shape.reduce((a, b) => a * b, 1);
    return checkPool(pool ?? (size <= MOST_COLUMNS ? 'none' : 'mean'));
  });
  const encode = (images: tf.Tensor4D) =>
    model.forward(images, names).map((maps, i) => (pools[i] === 'mean' && maps.rank === 4 ? maps.mean([1, 2]) : maps));
  const { matrices, rest } = await photoRows(photos, model.inputSize, encode, options);
  return matrices.map((matrix, i) => ({ ...matrix, ...rest, layer: names[i], pool: pools[i] }));
}

/**
 * 照片的像素本身作为特征（raw pixels）：缩小到 size × size，RGB，每张照片一行。用作对照。
 *
 * @param photos 照片
 * @param size 边长，像素，缺省 32（一行 3072 个数）
 * @throws RangeError 没有照片
 * @example
 * const { columns } = await pixelMatrix(coursePhotos().slice(0, 3), 8);
 * columns; // 192
 */
export async function pixelMatrix(
  photos: readonly Photo[],
  size = 32,
  options: Omit<FeatureMatrixOptions, 'pool'> = {},
): Promise<FeatureMatrix> {
  const { matrices, rest } = await photoRows(photos, [size, size], (images) => [images], { batchSize: 32, ...options });
  return { ...matrices[0], ...rest, layer: 'pixels', pool: 'none' };
}

/**
 * 只留下一部分行（select rows），如只看真实场景：`selectRows(f, (row) => f.photos[row].background === 'scene')`。
 *
 * @returns 新的特征矩阵；`photos` 跟着取出
 * @example
 * const pixels = await pixelMatrix(coursePhotos().slice(0, 6), 8);
 * const birds = selectRows(pixels, (row) => pixels.photos[row].category === 'bird');
 */
export function selectRows(features: FeatureMatrix, keep: (row: number) => boolean): FeatureMatrix {
  const { columns, photos } = checkMatrix(features);
  const kept = photos.map((_, row) => row).filter(checkFunction('keep', keep));
  const data = new Float32Array(kept.length * columns);
  kept.forEach((row, at) => data.set(features.data.subarray(row * columns, (row + 1) * columns), at * columns));
  return { ...features, data, rows: kept.length, photos: kept.map((row) => photos[row]) };
}

/**
 * 每个通道在各个位置上取平均（average the positions）：pool5 的 6 × 6 × 256 个数变成 256 个，丢掉"在哪里"，留下"有多少"。
 *
 * @param features 每个位置都留下的特征矩阵（pool 是 'none'），一行是 [行, 列, 通道]
 * @param channels 通道数，如 256
 * @returns 新的特征矩阵，`pool` 是 'mean'
 * @throws RangeError 通道数不能整除一行的个数
 * @example
 * const features = await featureMatrix(model, coursePhotos().slice(0, 3), 'conv3', { pool: 'none' });
 * averagePositions(features, 16).columns; // 16
 */
export function averagePositions(features: FeatureMatrix, channels: number): FeatureMatrix {
  const { rows, columns } = checkMatrix(features);
  const places = columns / channels;
  if (!Number.isInteger(channels) || channels < 1 || !Number.isInteger(places)) {
    throw new RangeError(`通道数应是正整数，并整除一行的 ${columns} 个数，得到 ${channels}`);
  }
  const data = new Float32Array(rows * channels);
  features.data.forEach((value, i) => (data[Math.floor(i / columns) * channels + (i % channels)] += value / places));
  return { ...features, data, columns: channels, pool: 'mean' };
}

/** 沿一个方向排在前面的一张照片。 */
export interface TopPhoto {
  readonly photo: Photo;
  /** 特征与方向的内积（inner product）。 */
  readonly value: number;
  /** 特征矩阵里的行号，从 0 数起。 */
  readonly row: number;
}

/**
 * 沿一个方向走得最远的照片（top photos along a direction; Szegedy 等 2014）：每张照片的特征与方向求内积，取最大的几张。
 * 方向取一个坐标轴就是一个通道；取随机的方向就是它的对照。
 *
 * @param direction 一串数，个数等于特征的列数
 * @param options `count` 取几张，缺省 9
 * @returns 由大到小；相等时行号小的在前
 * @throws RangeError 方向的长度不对、count 不是正整数
 * @see Szegedy 等 2014 (arXiv:1312.6199)，第 3 节
 * @example
 * const photos = coursePhotos().slice(0, 12);
 * const features = await pixelMatrix(photos, 8);
 * const random = randomGenerator(1);
 * const direction = Float32Array.from({ length: features.columns }, () => random.normal());
 * const [first] = topPhotos(features, direction, { count: 3 });
 */
export function topPhotos(
  features: FeatureMatrix,
  direction: ArrayLike<number>,
  { count = 9 }: { count?: number } = {},
): TopPhoto[] {
  checkCounts({ count });
  const { data, columns, photos } = checkMatrix(features);
  if (checkNumbers('方向', direction).length !== columns) {
    throw new RangeError(`方向应有 ${columns} 个数（特征的列数），得到 ${direction.length} 个`);
  }
  const valueOf = (row: number) => {
    let sum = 0;
    for (let c = 0; c < columns; c++) sum += data[row * columns + c] * direction[c];
    return sum;
  };
  return photos
    .map((photo, row) => ({ photo, value: valueOf(row), row }))
    .sort((a, b) => b.value - a.value || a.row - b.row)
    .slice(0, count);
}

/**
 * 每行除以自己的长度（unit rows, L2 normalisation）：之后欧氏距离只看方向，即余弦相似度（cosine similarity），
 * 激活值普遍大的照片不再离所有照片都远。
 *
 * @returns 新的特征矩阵；全零的行不变
 * @example
 * const features = unitRows(await pixelMatrix(coursePhotos().slice(0, 3), 8));
 * l2Norm(features.data.slice(0, 192)); // 1
 */
export function unitRows<F extends Matrix>(features: F): F {
  const { rows, columns } = checkMatrix(features);
  const data = features.data.slice();
  for (let i = 0; i < rows; i++) {
    const row = data.subarray(i * columns, (i + 1) * columns);
    let squares = 0;
    for (let c = 0; c < columns; c++) squares += row[c] * row[c];
    if (squares > 0) for (let c = 0; c < columns; c++) row[c] /= Math.sqrt(squares);
  }
  return { ...features, data };
}

function checkPool(pool: Pooling): Pooling {
  if (pool !== 'none' && pool !== 'mean') throw new RangeError(`pool 应为 'none' 或 'mean'，得到 ${String(pool)}`);
  return pool;
}

async function photoRows(
  photos: readonly Photo[],
  [height, width]: readonly [number, number],
  encode: (images: tf.Tensor4D) => tf.Tensor[],
  { batchSize = 16, ...run }: Omit<FeatureMatrixOptions, 'pool'>,
) {
  checkPhotos(photos);
  checkCounts({ batchSize });
  const watch = watchInterrupts(run);
  const batches: Float32Array[][] = [];
  let done = 0;
  while (done < photos.length && !watch.stopped) {
    const batch = photos.slice(done, done + batchSize);
    const images: tf.Tensor3D[] = [];
    try {
      for (const photo of batch) {
        if (watch.stopped) break;
        images.push(await loadImage(photo.path, { size: [height, width], crop: photo.crop }));
        await watch.breathe();
      }
      if (images.length < batch.length) break; // stopped half-way through the batch
      const outputs = tf.tidy(() => encode(tf.stack(images) as tf.Tensor4D));
      batches.push((await Promise.all(outputs.map((t) => t.data()))) as Float32Array[]);
      tf.dispose(outputs);
    } finally {
      tf.dispose(images);
    }
    done += batch.length;
    await watch.step({ done, total: photos.length });
  }
  // One array per batch and output: join the batches of each output.
  const matrices = (batches[0] ?? [new Float32Array(0)]).map((_, output) => {
    const data = new Float32Array(batches.reduce((sum, batch) => sum + batch[output].length, 0));
    batches.reduce((at, batch) => (data.set(batch[output], at), at + batch[output].length), 0);
    return { data, rows: done, columns: done > 0 ? data.length / done : 0 };
  });
  return { matrices, rest: { photos: photos.slice(0, done), stopped: watch.stopped } };
}
