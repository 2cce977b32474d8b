/** Sends the photos of one shard through the network. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { tf } from '../lib/tf/backend';
import { Strongest } from '../lib/02-patches/strongest';
import { CourseError } from '../lib/base/errors';
import { loadWithSize } from '../lib/image/image';
import type { ImageModel } from '../lib/model/model';
import { spatialLayer, summarizeImages } from '../lib/02-patches/patches';
import type { Geometry, Partial, Seen } from './partial';
import type { Listed } from './walk';

/** Photos decoded at a time; each may take 4 bytes a pixel. */
const DECODERS = 4;

export interface Scan {
  readonly model: ImageModel;
  readonly layer: string;
  readonly root: string;
  readonly top: number;
  readonly batch: number;
  readonly engine: string;
}

export function geometryOf(model: ImageModel, layer: string): Geometry {
  const { shape, receptiveFields } = spatialLayer(model, layer);
  return { inputSize: model.inputSize, shape, fields: receptiveFields };
}

interface Loaded {
  readonly seen: Seen;
  readonly image?: tf.Tensor3D;
}

/** A bad file is a result like any other; that the whole folder has gone (a lost network drive) is not. */
async function load({ model, root }: Scan, { file, reason }: Listed): Promise<Loaded> {
  if (reason) return { seen: { file, reason } };
  const full = path.join(root, file);
  if (!fs.existsSync(full)) {
    if (!fs.existsSync(root)) throw new CourseError(`照片的文件夹不见了：${root}。请检查磁盘或网络，再运行一次。`);
    return { seen: { file, reason: '文件不见了：列出之后被删除或改名' } };
  }
  try {
    const size = [...model.inputSize] as [number, number];
    const { image, width, height } = await loadWithSize(full, { size });
    return { seen: { file, size: [width, height] }, image };
  } catch (error) {
    if (!(error instanceof CourseError)) throw error;
    // the same words wherever the folder lies
    return { seen: { file, reason: error.message.replaceAll(full, file) } };
  }
}

async function loadBatch(scan: Scan, batch: readonly Listed[]): Promise<Loaded[]> {
  const loaded: Loaded[] = [];
  let next = 0;
  const decoder = async () => {
    while (next < batch.length) {
      const i = next++;
      loaded[i] = await load(scan, batch[i]);
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: DECODERS }, decoder));
  const failed = ends.find((end) => end.status === 'rejected');
  if (!failed) return loaded;
  tf.dispose(loaded.flatMap(({ image }) => image ?? []));
  throw (failed as PromiseRejectedResult).reason;
}

/** One shard: the next photos are decoded while the network works on these. */
export async function scanShard(
  scan: Scan,
  listed: readonly Listed[],
  onBatch: (photos: number) => void = () => {},
): Promise<Partial> {
  const { model, layer, top, batch, engine } = scan;
  const geometry = geometryOf(model, layer);
  const channels = geometry.shape[2];
  const strongest = Array.from({ length: channels }, () => new Strongest(top));
  const seen: Seen[] = [];
  const rows: Float32Array[] = [];
  let coming = loadBatch(scan, listed.slice(0, batch));
  for (let i = 0; i < listed.length; i += batch) {
    const loaded = await coming;
    coming = loadBatch(scan, listed.slice(i + batch, i + 2 * batch));
    coming.catch(() => {}); // reported when it is awaited
    try {
      for (const one of loaded) {
        if (one.image) {
          // alone: in a batch, the last bit of an activation depends on how many there are and where it stands
          const [{ value, at, mean }] = await summarizeImages({ model, layer, perPhoto: 1 }, [one.image]);
          strongest.forEach((s, c) => s.offer(value[c], at[c], seen.length));
          rows.push(mean);
        }
        seen.push(one.seen);
      }
    } finally {
      tf.dispose(loaded.flatMap(({ image }) => image ?? []));
    }
    onBatch(loaded.length);
  }
  const features = new Float32Array(rows.length * channels);
  rows.forEach((row, i) => features.set(row, i * channels));
  return { seen, features, top: strongest.map((s) => s.descending()), geometry, engine };
}
