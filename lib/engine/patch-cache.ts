import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { ImageModel } from '../model';
import { cacheFolder } from '../paths';
import type { Photo } from '../photos';

/** What is kept of one photo at one layer: per channel the strongest value, its position and the mean. */
export interface PhotoSummary {
  readonly value: Float32Array;
  readonly at: Int32Array;
  readonly mean: Float32Array;
}

/** All summaries together; the oldest are dropped beyond it. 419 photos at AlexNet's pool5 take 1.3 MB. */
const LIMIT_BYTES = 256e6;
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

const fileOf = (model: ImageModel, layer: string, photo: Photo) =>
  path.join(
    cacheFolder('patches'),
    `${model.id}-${model.weightsId}-${model.inputSize.join('x')}`,
    layer.replace(/\W/g, '_'),
    photoKey(photo),
  );

export function readSummary(
  model: ImageModel,
  layer: string,
  photo: Photo,
  channels: number,
): PhotoSummary | undefined {
  let bytes: Buffer;
  try {
    bytes = fs.readFileSync(fileOf(model, layer, photo));
  } catch {
    return undefined;
  }
  if (bytes.length !== channels * 12) return undefined;
  // Buffers of small files are views into a shared pool: copy, so that the typed arrays are aligned.
  const copy = new Uint8Array(bytes).buffer;
  return {
    value: new Float32Array(copy, 0, channels),
    at: new Int32Array(copy, channels * 4, channels),
    mean: new Float32Array(copy, channels * 8, channels),
  };
}

export function writeSummary(model: ImageModel, layer: string, photo: Photo, { value, at, mean }: PhotoSummary): void {
  const file = fileOf(model, layer, photo);
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    const part = `${file}.${process.pid}.part`;
    fs.writeFileSync(
      part,
      Buffer.concat([value, at, mean].map((a) => Buffer.from(a.buffer, a.byteOffset, a.byteLength))),
    );
    fs.renameSync(part, file);
    trim(cacheFolder('patches'));
  } catch {
    // A cache that cannot be written (full or read-only disk) costs time, not results.
  }
}

let writes = 0;

/** Every thousandth write: drops the least recently written files beyond the limit. */
function trim(folder: string): void {
  if (writes++ % 1000 !== 999) return;
  const files = fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => ({ name: path.join(folder, name), stat: fs.statSync(path.join(folder, name)) }))
    .filter((f) => f.stat.isFile())
    .sort((a, b) => b.stat.mtimeMs - a.stat.mtimeMs);
  let total = 0;
  for (const { name, stat } of files) {
    total += stat.size;
    if (total > LIMIT_BYTES) fs.rmSync(name, { force: true });
  }
}
