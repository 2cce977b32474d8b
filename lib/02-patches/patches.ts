import { tf } from '../tf/backend';
import { type PhotoSummary, readSummary, type SummaryKind, writeSummary } from './cache';
import { Strongest } from './strongest';
import { type PhotoBox, photoBoxes } from '../image/image';
import { checkCounts, checkFields, checkFunction } from '../base/check';
import { type LongRun, type RunStep, type StopReason, watchInterrupts } from '../base/interrupt';
import type { ImageModel, LayerInfo } from '../model/model';
import { checkPhotos, type Photo } from '../image/photos';
import { given } from '../model/given';
import { inputOptions, photoInput } from '../model/photo-input';
import { fieldBox, type ReceptiveFields } from '../model/receptive-field';

/** 一个最大激活图块（max-activating patch）。 */
export interface Patch {
  readonly photo: Photo;
  /** 这个单元的激活值。 */
  readonly value: number;
  /** 单元在特征图里的 [行, 列]。 */
  readonly at: readonly [number, number];
  /** 单元的感受野（receptive field），照片自己的像素；可以越出网络看见的部分，那里是填充。 */
  readonly box: PhotoBox;
  /** 网络看见的部分（what the network saw）：裁剪与居中裁切之后剩下的一块，照片自己的像素。 */
  readonly seen: PhotoBox;
}

export interface ChannelPatches {
  readonly channel: number;
  /** 由强到弱。 */
  readonly patches: readonly Patch[];
  readonly stopped?: StopReason;
}

export const checkChannel = (channel: ChannelPatches, what = 'channel'): ChannelPatches =>
  checkFields(what, channel, ['channel', 'patches'], ' topPatches 的一项 { channel, patches }');

/** `onStep` 还给 `cached`：已有几张照片取自缓存。 */
export interface ScanOptions extends LongRun<RunStep & { readonly cached: number }> {
  /** 一次前向传播几张照片，缺省 16。 */
  batchSize?: number;
  /** false：不读也不写磁盘上的缓存（缺省：课程的网络用缓存）。 */
  cache?: boolean;
  /** 每张照片每个通道最多几个位置（positions per photo），默认 1；相邻位置的图块大半重叠。 */
  perPhoto?: number;
}

/** A layer with height, width and channels whose units see one window each, or an error that says which are such. */
export function spatialLayer(
  model: ImageModel,
  layer: string,
): LayerInfo & { readonly receptiveFields: ReceptiveFields } {
  const info = given(model).layers.find((l) => l.name === model.layerName(layer))!;
  const { shape, receptiveFields } = info;
  if (shape.length === 3 && receptiveFields) return { ...info, receptiveFields };
  const having = model.layers.filter((l) => l.receptiveFields && l.shape.length === 3 && l.shape[0] > 1);
  const why =
    shape.length === 3 && shape[0] * shape[1] > 1
      ? '层的单元看到的不是随位置平移的一个窗口（放大、转置卷积、整幅归一化、共用的层之后）'
      : `层没有空间位置（形状 [${shape.join(', ')}]）`;
  throw new RangeError(`${layer} ${why}，找不到图块；可用的层到 ${having.at(-1)?.name ?? '（没有）'} 为止`);
}

/** 一批照片的摘要（summaries of a batch）：每张照片每个通道最强的值、它的位置与平均值；`images` 由调用者 dispose。 */
export async function summarizeImages(
  { model, layer, perPhoto }: SummaryKind,
  images: readonly tf.Tensor3D[],
): Promise<PhotoSummary[]> {
  const outputs = tf.tidy(() => {
    const maps = model.activations(tf.stack([...images]), layer) as tf.Tensor4D;
    const [n, height, width, channels] = maps.shape;
    const flat = tf.reshape(maps, [n, height * width, channels]);
    if (perPhoto === 1) return [tf.max(flat, 1), tf.argMax(flat, 1), tf.mean(flat, 1)];
    const { values, indices } = tf.topk(tf.transpose(flat, [0, 2, 1]), perPhoto);
    return [values, indices, tf.mean(flat, 1)];
  });
  const [value, at, mean] = await Promise.all(outputs.map((t) => t.data()));
  tf.dispose(outputs);
  const row = <T extends Float32Array | Int32Array>(all: T, i: number) => {
    const length = all.length / images.length;
    return all.slice(i * length, (i + 1) * length) as T;
  };
  return images.map((_, i) => ({
    value: row(value as Float32Array, i),
    at: row(at as Int32Array, i),
    mean: row(mean as Float32Array, i),
  }));
}

async function summarize(kind: SummaryKind, photos: readonly Photo[]): Promise<PhotoSummary[]> {
  const images: tf.Tensor3D[] = [];
  try {
    for (const photo of photos) images.push(await photoInput(kind.model, photo));
    return await summarizeImages(kind, images);
  } finally {
    tf.dispose(images);
  }
}

/**
 * 把照片逐批送过网络一遍，依次交出每张照片在每个通道上的最大激活值、位置与平均值；不保存整张特征图。
 * The second pass over the same photos reads them from the cache on disk.
 * @example
 * const strongest = new Map<string, number>();
 * await scanPhotos(model, coursePhotos().slice(0, 4), model.roles.lastPool, (photo, { value }) => {
 *   strongest.set(photo.name, Math.max(...value));
 * });
 */
export async function scanPhotos(
  model: ImageModel,
  photos: readonly Photo[],
  layer: string,
  visit: (photo: Photo, summary: PhotoSummary, index: number) => void,
  { batchSize = 16, cache = given(model).weightsId !== undefined, perPhoto = 1, ...run }: ScanOptions = {},
): Promise<{ readonly stopped?: StopReason }> {
  checkPhotos(photos);
  checkFunction('visit', visit);
  checkCounts({ batchSize });
  const [height, width, channels] = spatialLayer(model, layer).shape;
  if (!Number.isInteger(perPhoto) || perPhoto < 1 || perPhoto > height * width)
    throw new RangeError(`perPhoto 应为 1 到 ${height * width}（${layer} 的位置数）的整数，得到 ${perPhoto}`);
  const kind = { model, layer, perPhoto };
  const watch = watchInterrupts(run);
  let cached = 0;
  for (let i = 0; i < photos.length;) {
    if (watch.stopped) return { stopped: watch.stopped };
    const batch: number[] = [];
    // Even when all is known already, the notebook is to hear of it, and its stop button to work.
    let rest = false;
    for (; i < photos.length && batch.length < batchSize && !rest; i++) {
      const known = cache ? readSummary(kind, photos[i], channels) : undefined;
      if (known) {
        visit(photos[i], known, i);
        rest = ++cached % 64 === 0;
      } else batch.push(i);
    }
    if (batch.length) {
      const summaries = await summarize(kind, batch.map((j) => photos[j])); // prettier-ignore
      summaries.forEach((summary, k) => {
        if (cache) writeSummary(kind, photos[batch[k]], summary);
        visit(photos[batch[k]], summary, batch[k]);
      });
    }
    await watch.step({ done: i, total: photos.length, cached });
  }
  return {};
}

/**
 * 最大激活图块（top patches; Girshick et al. 2014, Zeiler & Fergus 2014）：一个通道在哪些照片的哪些位置反应最强。
 * 照片只过一遍网络，所有通道一起收集；每张照片每个通道最多一个位置（`perPhoto` 可以改）。
 *
 * @param layer 卷积层或池化层
 * @param options `channels` 通道编号，缺省全部；`count` 每个通道几块，缺省 9；`perPhoto`、`cache`、`batchSize`、`onStep`、`signal` 见 ScanOptions
 * @returns 每个通道一项，由强到弱；`box` 是照片自己的像素；中断时带 `stopped`
 * @throws RangeError 层没有空间、通道不存在、count 不是正整数、perPhoto 多于位置数、没有照片
 * @example
 * const photos = coursePhotos().slice(0, 12);
 * const [{ patches }] = await topPatches(model, photos, model.roles.lastPool, { channels: [3], count: 4 });
 */
export async function topPatches(
  model: ImageModel,
  photos: readonly Photo[],
  layer: string,
  { channels, count = 9, ...options }: ScanOptions & { channels?: readonly number[]; count?: number } = {},
): Promise<ChannelPatches[]> {
  const info = spatialLayer(model, layer);
  const [, width, all] = info.shape;
  const wanted = channels ?? Array.from({ length: all }, (_, c) => c);
  const wrong = wanted.find((c) => !Number.isInteger(c) || c < 0 || c >= all);
  if (wrong !== undefined) throw new RangeError(`${layer} 有 ${all} 个通道，编号应为 0 … ${all - 1}，得到 ${wrong}`);
  checkCounts({ count });

  const strongest = wanted.map(() => new Strongest(count));
  const { perPhoto = 1 } = options;
  const collect = (_: Photo, { value, at }: PhotoSummary, index: number) =>
    wanted.forEach((c, i) => {
      for (let k = c * perPhoto; k < (c + 1) * perPhoto; k++) strongest[i].offer(value[k], at[k], index);
    });
  const { stopped } = await scanPhotos(model, photos, layer, collect, options);

  const toPhoto = new Map<Photo, (box: PhotoBox) => PhotoBox>();
  const result: ChannelPatches[] = [];
  for (const [i, channel] of wanted.entries()) {
    const patches: Patch[] = [];
    for (const { value, at, index } of strongest[i].descending()) {
      const photo = photos[index];
      if (!toPhoto.has(photo)) toPhoto.set(photo, await photoBoxes(photo.path, inputOptions(model, photo)));
      const place: [number, number] = [Math.floor(at / width), at % width];
      const mapping = toPhoto.get(photo)!;
      const box = mapping(fieldBox(info.receptiveFields, place));
      const seen = mapping({ x: 0, y: 0, width: model.inputSize[1], height: model.inputSize[0] });
      patches.push({ photo, value, at: place, box, seen });
    }
    result.push({ channel, patches, ...(stopped && { stopped }) });
  }
  return result;
}
