/** A partial result: what a set of photos gives at a layer. Partial results of any sets add up, in any order. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { type Entry, Strongest } from '../lib/02-patches/strongest';
import type { ReceptiveFields } from '../lib/model/receptive-field';
import { viewOf, writeWhole } from './files';

/** A photo that was seen (`size`: its own width and height) or a file that was not (`reason`). */
export interface Seen {
  readonly file: string;
  readonly size?: readonly [number, number];
  readonly reason?: string;
}

/** What turns a position in the feature map into a box in the photo. */
export interface Geometry {
  readonly inputSize: readonly [number, number];
  /** Height, width and channels of the layer. */
  readonly shape: readonly number[];
  readonly fields: ReceptiveFields;
}

export interface Partial {
  /** Sorted by path. */
  readonly seen: readonly Seen[];
  /** Mean of every channel, a row for every photo that has a size, in the same order. */
  readonly features: Float32Array;
  /** Per channel, strongest first; `index` counts in `seen`. */
  readonly top: readonly (readonly Entry[])[];
  readonly geometry: Geometry;
  /** What computed it: backend, version, processor. */
  readonly engine: string;
}

const FORMAT = 'convscope-mine-2';

interface Head {
  readonly format: string;
  /** Of the settings that the result depends on: partial results of other work are not taken. */
  readonly work: string;
  readonly first: string;
  readonly kept: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** 合并（merge）：结合律与交换律都成立，因为照片按路径排序，而前几名的次序是全序（值、路径、位置）。 */
export function mergePartials(a: Partial, b: Partial, top: number): Partial {
  const { geometry } = a;
  const channels = geometry.shape[2];
  const parts = [a, b].map((part) => {
    let row = 0;
    return part.seen.map((one, index) => ({ part, one, index, row: one.size ? row++ : -1 }));
  });
  const all = parts.flat().sort((x, y) => (x.one.file < y.one.file ? -1 : 1));
  const twice = all.find((x, i) => x.one.file === all[i + 1]?.one.file);
  if (twice) throw new Error(`同一个文件出现在两份结果里：${twice.one.file}`);

  const place = new Map([a, b].map((part) => [part, new Int32Array(part.seen.length)]));
  all.forEach(({ part, index }, i) => (place.get(part)![index] = i));
  const rows = all.filter(({ row }) => row >= 0);
  const features = new Float32Array(rows.length * channels);
  rows.forEach(({ part, row }, i) =>
    features.set(part.features.subarray(row * channels, (row + 1) * channels), i * channels),
  );
  const merged = Array.from({ length: channels }, (_, c) => {
    const strongest = new Strongest(top);
    for (const part of [a, b])
      for (const { value, at, index } of part.top[c]) strongest.offer(value, at, place.get(part)![index]);
    return strongest.descending();
  });
  const engine = [...new Set([a, b].flatMap((part) => part.engine.split(' + ')))].sort().join(' + ');
  return { seen: all.map(({ one }) => one), features, top: merged, geometry, engine };
}

export function writePartial(file: string, work: string, part: Partial): void {
  const { seen, features, top, geometry, engine } = part;
  const entries = top.flat();
  const body = Buffer.concat([
    Buffer.from(`${JSON.stringify({ seen, geometry, engine })}\n`),
    viewOf(features),
    viewOf(Float32Array.from(entries, (e) => e.value)),
    viewOf(Int32Array.from(entries, (e) => e.at)),
    viewOf(Int32Array.from(entries, (e) => e.index)),
  ]);
  const head: Head = {
    format: FORMAT,
    work,
    first: seen[0].file,
    kept: top[0].length,
    bytes: body.length,
    sha256: createHash('sha256').update(body).digest('hex'),
  };
  writeWhole(file, `${JSON.stringify(head)}\n`, body);
}

/** The first path in a partial result, from its first line; undefined: missing, of other work, or cut short. */
export function firstOf(file: string, work: string): string | undefined {
  let handle: number;
  try {
    handle = fs.openSync(file, 'r');
  } catch {
    return undefined;
  }
  try {
    const line = Buffer.alloc(1 << 15);
    const end = line.subarray(0, fs.readSync(handle, line)).indexOf(10);
    const head = JSON.parse(line.toString('utf8', 0, end)) as Head;
    const whole = fs.fstatSync(handle).size === end + 1 + head.bytes;
    return whole && head.format === FORMAT && head.work === work ? head.first : undefined;
  } catch {
    return undefined;
  } finally {
    fs.closeSync(handle);
  }
}

export function readPartial(file: string): Partial {
  const bytes = fs.readFileSync(file);
  const end = bytes.indexOf(10);
  const head = JSON.parse(bytes.toString('utf8', 0, end)) as Head;
  const body = bytes.subarray(end + 1);
  if (createHash('sha256').update(body).digest('hex') !== head.sha256)
    throw new Error(`部分结果 ${file} 的校验和不符（磁盘或传输出错）。请删掉这个文件，再运行一次，会重新计算它。`);
  const after = body.indexOf(10) + 1;
  const { seen, geometry, engine } = JSON.parse(body.toString('utf8', 0, after)) as Omit<Partial, 'features' | 'top'>;
  // copied: the arrays must begin at a multiple of four bytes
  const numbers = new Uint8Array(body.subarray(after)).buffer;
  const channels = geometry.shape[2];
  const length = seen.filter((one) => one.size).length * channels;
  const count = channels * head.kept;
  const value = new Float32Array(numbers, 4 * length, count);
  const at = new Int32Array(numbers, 4 * (length + count), count);
  const index = new Int32Array(numbers, 4 * (length + 2 * count), count);
  const top = Array.from({ length: channels }, (_, c) =>
    Array.from({ length: head.kept }, (_, k) => {
      const i = c * head.kept + k;
      return { value: value[i], at: at[i], index: index[i] };
    }),
  );
  return { seen, features: new Float32Array(numbers, 0, length), top, geometry, engine };
}
