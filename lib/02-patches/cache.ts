import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { ImageModel } from '../model/model';
import { codeFingerprint } from '../base/code';
import { cacheFolder } from '../base/paths';
import type { Photo } from '../image/photos';

/**
 * 一张照片在一层留下的数：`value` 与 `at`（特征图里逐行数的位置）先是通道 0 最强的几个位置，再是通道 1 的……
 * 通常各一个；`mean` 是每个通道的平均。
 */
export interface PhotoSummary {
  /** 每个通道最强的激活值，长度是通道数 × 位置数（perPhoto）。 */
  readonly value: Float32Array;
  /** 与 value 一一对应的位置：行 × 宽 + 列，从 0 数起。 */
  readonly at: Int32Array;
  /** 每个通道的平均激活值，长度是通道数。 */
  readonly mean: Float32Array;
}

/** Which summary: positions per channel, of which layer of which network. */
export interface SummaryKind {
  readonly model: ImageModel;
  readonly layer: string;
  readonly perPhoto: number;
}

/** All summaries together; beyond it the oldest are dropped. 416 photos at AlexNet's pool5 take 1.3 MB. */
export const LIMIT_BYTES = 256e6;
/** What is left after dropping: not every write of a full cache shall list the folder. */
const KEPT = 0.8;
const checksums = new Map<string, string>();

/** Contents, not names, identify a photo; the crop box changes what the network sees of it. */
function photoKey(photo: Photo): string {
  const { size, mtimeMs } = fs.statSync(photo.path);
  const seen = `${photo.path}|${size}|${mtimeMs}|${photo.crop ?? ''}`;
  let key = checksums.get(seen);
  if (!key) {
    const hash = createHash('sha256')
      .update(fs.readFileSync(photo.path))
      .update(String(photo.crop ?? ''));
    checksums.set(seen, (key = hash.digest('hex').slice(0, 32)));
  }
  return key;
}

let code: string | undefined;

/**
 * The code that turns a photo into activations, and what the networks (those of others too) are built of, which comes
 * here as an argument: when it changes, what was computed with it no longer counts.
 */
export const CODE = ['02-patches/patches.ts', 'model/networks/load.ts', '09-your-own/from-graph.ts'];
const codeKey = () => (code ??= codeFingerprint(...CODE));

const fileOf = ({ model, layer, perPhoto }: SummaryKind, photo: Photo) =>
  path.join(
    cacheFolder('patches'),
    `${model.id}-${model.weightsId}-${model.inputSize.join('x')}-${codeKey()}`,
    layer.replace(/\W/g, '_') + (perPhoto > 1 ? `-${perPhoto}` : ''),
    photoKey(photo),
  );

export function readSummary(kind: SummaryKind, photo: Photo, channels: number): PhotoSummary | undefined {
  let bytes: Buffer;
  try {
    bytes = fs.readFileSync(fileOf(kind, photo));
  } catch {
    return undefined;
  }
  const count = channels * kind.perPhoto;
  if (bytes.length !== 4 * (2 * count + channels)) return undefined;
  // Buffers of small files are views into a shared pool: copy, so that the typed arrays are aligned.
  const copy = new Uint8Array(bytes).buffer;
  return {
    value: new Float32Array(copy, 0, count),
    at: new Int32Array(copy, 4 * count, count),
    mean: new Float32Array(copy, 8 * count, channels),
  };
}

export function writeSummary(
  kind: SummaryKind,
  photo: Photo,
  { value, at, mean }: PhotoSummary,
  limit = LIMIT_BYTES,
): void {
  const file = fileOf(kind, photo);
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    const bytes = Buffer.concat([value, at, mean].map((a) => Buffer.from(a.buffer, a.byteOffset, a.byteLength)));
    const part = `${file}.${process.pid}.part`;
    fs.writeFileSync(part, bytes);
    fs.renameSync(part, file);
    keepWithin(limit, cacheFolder('patches'), bytes.length);
  } catch {
    // A cache that cannot be written (full or read-only disk) costs time, not results.
  }
}

/** Bytes in each cache folder: listed once, then counted along. */
const sizes = new Map<string, number>();

/** Drops the least recently written files once there are more than `limit` bytes. */
function keepWithin(limit: number, folder: string, written: number): void {
  const known = sizes.get(folder);
  sizes.set(folder, known === undefined ? sum(filesIn(folder)) : known + written);
  if (sizes.get(folder)! <= limit) return;
  const files = filesIn(folder).sort((a, b) => b.time - a.time);
  let total = 0;
  const kept = files.filter(({ name, size }) => {
    if (total + size <= KEPT * limit) return (total += size);
    fs.rmSync(name, { force: true });
    return false;
  });
  sizes.set(folder, sum(kept));
}

const sum = (files: readonly { size: number }[]) => files.reduce((total, { size }) => total + size, 0);

function filesIn(folder: string) {
  return fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).flatMap((entry) => {
    const name = path.join(folder, entry);
    const stat = fs.statSync(name, { throwIfNoEntry: false });
    return stat?.isFile() ? [{ name, size: stat.size, time: stat.mtimeMs }] : [];
  });
}
