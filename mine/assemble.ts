/** Partial results -> top.json, features.npy, index.csv, bad.csv. The same bytes however the photos were shared out. */
import * as path from 'node:path';
import { Strongest } from '../lib/02-patches/strongest';
import { boxMapping } from '../lib/image/photo-box';
import { fieldBox } from '../lib/model/receptive-field';
import { Draft, viewOf } from './files';
import { firstOf, type Geometry, type Partial, readPartial, type Seen } from './partial';

interface Row {
  readonly seen: Seen;
  readonly features?: Float32Array;
  readonly strong: readonly { readonly channel: number; readonly value: number; readonly at: number }[];
}

/** The rows of one partial result, each with the channels in whose top list it is. */
function* rowsOf({ seen, features, top, geometry }: Partial): Generator<Row> {
  const channels = geometry.shape[2];
  const strong = new Map<number, { channel: number; value: number; at: number }[]>();
  top.forEach((entries, channel) => {
    for (const { value, at, index } of entries) {
      if (!strong.has(index)) strong.set(index, []);
      strong.get(index)!.push({ channel, value, at });
    }
  });
  let row = 0;
  for (const [index, one] of seen.entries()) {
    const numbers = one.size && features.subarray(row * channels, ++row * channels);
    yield { seen: one, features: numbers, strong: strong.get(index) ?? [] };
  }
}

/** All rows in the order of their paths; of shards that do not overlap one is in memory at a time. */
function* inOrder(files: readonly string[], work: string, see: (part: Partial) => void): Generator<Row> {
  const waiting = files
    .map((file) => ({ file, first: firstOf(file, work)! }))
    .sort((a, b) => (a.first < b.first ? 1 : -1));
  const open: { row: Row; rest: Generator<Row> }[] = [];
  let last: string | undefined;
  while (waiting.length || open.length) {
    const next = waiting[waiting.length - 1]?.first;
    if (next !== undefined && open.every(({ row }) => next <= row.seen.file)) {
      const part = readPartial(waiting.pop()!.file);
      see(part);
      const rest = rowsOf(part);
      open.push({ row: rest.next().value as Row, rest });
      continue;
    }
    const least = open.reduce((a, b) => (b.row.seen.file < a.row.seen.file ? b : a));
    const { row } = least;
    if (row.seen.file === last) throw new Error(`同一个文件出现在两份结果里：${last}`);
    last = row.seen.file;
    yield row;
    const following = least.rest.next();
    if (following.done) open.splice(open.indexOf(least), 1);
    else least.row = following.value;
  }
}

/** The format wants a multiple of 64; the longest shape still fits into 128. */
const NPY_HEADER = 128;

/** NumPy's format 1.0; the header has a fixed length, so that it can be written when the rows are counted. */
function npyHeader(rows: number, columns: number): Uint8Array {
  const bytes = Buffer.alloc(NPY_HEADER, ' ');
  bytes.write('\x93NUMPY\x01\x00', 'latin1');
  bytes.writeUInt16LE(NPY_HEADER - 10, 8);
  bytes.write(`{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`, 10);
  bytes.write('\n', NPY_HEADER - 1);
  return bytes;
}

const csv = (...cells: (string | number)[]) =>
  `${cells.map((cell) => (/[",\r\n]/.test(String(cell)) ? `"${String(cell).replaceAll('"', '""')}"` : cell)).join(',')}\n`;

/** The strongest of every channel, and of the photos only those that are among them. */
class Leaders {
  private readonly strongest: Strongest[];
  private photos = new Map<number, Seen>();

  constructor(
    readonly geometry: Geometry,
    private readonly top: number,
  ) {
    this.strongest = Array.from({ length: geometry.shape[2] }, () => new Strongest(top));
  }

  offer({ seen, strong }: Row, index: number): void {
    if (strong.length === 0) return;
    for (const { channel, value, at } of strong) this.strongest[channel].offer(value, at, index);
    this.photos.set(index, seen);
    if (this.photos.size <= 2 * this.top * this.strongest.length) return;
    const kept = new Set(this.strongest.flatMap((s) => s.descending().map((entry) => entry.index)));
    this.photos = new Map([...this.photos].filter(([i]) => kept.has(i)));
  }

  *lines(): Generator<string> {
    const { shape, fields, inputSize } = this.geometry;
    for (const [channel, strongest] of this.strongest.entries()) {
      const patches = strongest.descending().map(({ value, at, index }) => {
        const { file, size } = this.photos.get(index)!;
        const place = [Math.floor(at / shape[1]), at % shape[1]] as const;
        const box = boxMapping([0, 0, ...size!], inputSize)(fieldBox(fields, place));
        return { photo: file, value, at: place, box };
      });
      yield JSON.stringify({ channel, patches });
    }
  }
}

export interface Assembled {
  readonly photos: number;
  readonly bad: number;
  readonly engines: readonly string[];
}

export function assemble(
  out: string,
  files: readonly string[],
  { work, network, layer, top }: { work: string; network: string; layer: string; top: number },
): Assembled {
  const [features, index, bad] = ['features.npy', 'index.csv', 'bad.csv'].map(
    (name) => new Draft(path.join(out, name)),
  );
  features.write(npyHeader(0, 0));
  index.write(csv('row', 'photo', 'width', 'height'));
  bad.write(csv('photo', 'reason'));
  const engines = new Set<string>();
  let leaders: Leaders | undefined;
  let [photos, wrong] = [0, 0];
  const see = ({ geometry, engine }: Partial) => {
    leaders ??= new Leaders(geometry, top);
    for (const name of engine.split(' + ')) engines.add(name);
  };
  for (const row of inOrder(files, work, see)) {
    if (!row.features) {
      bad.write(csv(row.seen.file, row.seen.reason!));
      wrong++;
      continue;
    }
    leaders!.offer(row, photos);
    features.write(viewOf(row.features));
    index.write(csv(photos, row.seen.file, ...row.seen.size!));
    photos++;
  }
  features.write(npyHeader(photos, leaders!.geometry.shape[2]), 0);
  const tops = new Draft(path.join(out, 'top.json'));
  tops.write(`{"network":"${network}","layer":"${layer}","photos":${photos},"channels":[\n`);
  tops.write([...leaders!.lines()].join(',\n'));
  tops.write('\n]}\n');
  for (const draft of [features, index, bad, tops]) draft.finish();
  return { photos, bad: wrong, engines: [...engines].sort() };
}
