/** Damaged pictures through loadImage: a clear error or a picture of the right form, whatever was done to the file. */
import { createCanvas, loadImage as decode } from 'canvas';
import { loadWithSize } from '../../lib/image/image';
import { crc32, readHeader } from '../../lib/image/header';
import { coursePhotos } from '../../lib/image/photos';
import { type RandomGenerator, randomGenerator } from '../../lib/base/random';
import { caseSeed, type Mutation, MUTATIONS, pick } from './mutate';
import { type Campaign, type Figures, tally } from './tally';

export const FORMATS = ['png', 'jpeg', 'webp', 'avif'] as const;
export type Format = (typeof FORMATS)[number];

const SIZES = [0, 1, 2, 47, 49, 4096, 10_000, 20_000, 0x7fff, 0xffff, 0x7fffffff, 0xffffffff];

/** A few course photos, made small, in every format; the PNG is half transparent in one of them. */
async function originals(): Promise<Record<Format, Uint8Array[]>> {
  const photos = coursePhotos();
  const chosen = [0, 0.2, 0.4, 0.6, 0.8].map((part) => photos[Math.floor(part * photos.length)]);
  const files: Record<Format, Uint8Array[]> = { png: [], jpeg: [], webp: [], avif: [] };
  for (const [i, { path }] of chosen.entries()) {
    const canvas = createCanvas(48, 40);
    const context = canvas.getContext('2d');
    context.drawImage(await decode(path), 0, 0, i === 0 ? 24 : 48, 40);
    for (const format of FORMATS)
      files[format].push(new Uint8Array(await (canvas.encode as (f: string) => Promise<Buffer>)(format)));
  }
  return files;
}

/** Another width or height in the header, as the format writes it; a PNG gets the checksum that goes with it. */
const otherSize: Record<Format, Mutation> = {
  png(bytes, random) {
    const copy = Buffer.from(bytes);
    copy.writeUInt32BE(pick(random, SIZES), pick(random, [16, 20]));
    copy.writeUInt32BE(crc32(copy.subarray(12, 29)), 29);
    return new Uint8Array(copy);
  },
  jpeg(bytes, random) {
    const copy = Buffer.from(bytes);
    const frame = [0xc0, 0xc1, 0xc2].map((marker) => copy.indexOf(Buffer.from([0xff, marker]))).find((at) => at > 0)!;
    copy.writeUInt16BE(pick(random, SIZES) & 0xffff, frame + pick(random, [5, 7]));
    return new Uint8Array(copy);
  },
  webp(bytes, random) {
    const copy = Buffer.from(bytes);
    copy.writeUInt16LE(pick(random, SIZES) & 0xffff, pick(random, [24, 26, 28]));
    return new Uint8Array(copy);
  },
  avif(bytes, random) {
    const copy = Buffer.from(bytes);
    copy.writeUInt32BE(pick(random, SIZES), copy.indexOf('ispe') + pick(random, [8, 12]));
    return new Uint8Array(copy);
  },
};

/** PNG: a changed chunk with the right checksum reaches the decoder. */
function wrongChunk(bytes: Uint8Array, random: RandomGenerator): Uint8Array {
  const copy = Buffer.from(bytes);
  const chunks: number[] = [];
  for (let at = 8; at + 12 <= copy.length; at += 12 + copy.readUInt32BE(at)) chunks.push(at);
  const at = pick(random, chunks);
  const length = copy.readUInt32BE(at);
  for (let n = 1 + random.integer(4); n > 0 && length > 0; n--)
    copy[at + 8 + random.integer(length)] = random.integer(256);
  copy.writeUInt32BE(crc32(copy.subarray(at + 4, at + 8 + length)), at + 8 + length);
  return new Uint8Array(copy);
}

/** JPEG: an EXIF segment with any orientation, of any type, at any offset. */
function wrongOrientation(bytes: Uint8Array, random: RandomGenerator): Uint8Array {
  const exif = Buffer.from('45786966000049492a000800000001001201030001000000000000000000', 'hex');
  exif.writeUInt16LE(pick(random, [0, 1, 6, 8, 9, 255, 65535]), 24);
  if (random.integer(2)) exif[6 + random.integer(exif.length - 6)] = random.integer(256);
  const head = Buffer.from([0xff, 0xe1, 0, exif.length + 2]);
  return new Uint8Array(Buffer.concat([bytes.subarray(0, 2), head, exif, bytes.subarray(2)]));
}

function mutationsOf(format: Format): [string, Mutation][] {
  const special: [string, Mutation][] = [['文件头的宽高', otherSize[format]]];
  if (format === 'png') special.push(['改数据块并补上校验和', wrongChunk]);
  if (format === 'jpeg') special.push(['EXIF 方向', wrongOrientation]);
  return [...Object.entries(MUTATIONS), ...special];
}

/** Loads it as cells do, in its own size or a square, and checks the form of the result. */
async function load(bytes: Uint8Array, size: number | undefined): Promise<void> {
  const { image, width, height } = await loadWithSize(bytes, { size });
  try {
    const expected = size === undefined ? [height, width, 3] : [size, size, 3];
    if (String(image.shape) !== String(expected)) throw new Error(`形状 [${image.shape}]，应为 [${expected}]`);
    const header = readHeader(bytes, '');
    const named = [header.width, header.height];
    const agrees = [`${width},${height}`, `${height},${width}`].includes(String(named));
    if (header.width !== undefined && !agrees) throw new Error(`解出 ${width}×${height}，文件头写着 ${named}`);
    const wrong = image.dataSync().find((v) => !(v >= 0 && v <= 1));
    if (wrong !== undefined) throw new Error(`有 [0, 1] 之外的值 ${wrong}`);
  } finally {
    image.dispose();
  }
}

/** @param formats of one format alone, to see whose memory grows */
export async function attackImages(campaign: Campaign, formats: readonly Format[] = FORMATS): Promise<Figures> {
  const files = await originals();
  for (const format of formats) for (const bytes of files[format]) await load(bytes, undefined);
  return tally(campaign, (index) => {
    const random = randomGenerator(caseSeed(campaign.seed, index));
    const format = pick(random, formats);
    const [kind, mutate] = pick(random, mutationsOf(format));
    const bytes = mutate(pick(random, files[format]), random);
    const size = random.integer(2) ? 32 : undefined;
    return { kind: `${format} ${kind}`, read: () => load(bytes, size) };
  });
}
