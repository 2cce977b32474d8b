import { CourseError } from '../base/errors';
import { avifOrientation, exifOrientation, find, type Orientation } from './orientation';

export type ImageFormat = 'png' | 'jpeg' | 'webp' | 'avif';

export interface ImageHeader {
  readonly format: ImageFormat;
  /** As stored, before EXIF rotation; undefined where the format hides it deep in the file. */
  readonly width?: number;
  readonly height?: number;
  /** False: every pixel must be opaque, so a transparent one after decoding means damaged data. */
  readonly mayBeTransparent: boolean;
  /** What the decoder leaves to us: it turns JPEG and WebP upright, PNG and AVIF not. */
  readonly orientation?: Orientation;
}

/** Bytes of a file; more is no photo. */
export const MAX_BYTES = 200 * 2 ** 20;

export function tooBig(label: string, size: number): CourseError {
  const mib = (n: number) => `${Math.round(n / 2 ** 20)} MiB`;
  return new CourseError(`${label}太大：${mib(size)}，上限 ${mib(MAX_BYTES)}。请先把图片缩小。`);
}

/** 48-megapixel photos are common; a decoded picture takes 4 bytes a pixel. */
const MAX_PIXELS = 120e6;

/** 由文件开头判断格式与大小，并检查文件是否完整（a decoder would return half a picture without a word）。 */
export function readHeader(bytes: Uint8Array, label: string): ImageHeader {
  const header = headerOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), label);
  const { width = 1, height = 1 } = header;
  if (width * height === 0) throw damaged(label, `大小是 ${width}×${height} 像素`);
  if (width * height <= MAX_PIXELS) return header;
  throw new CourseError(`${label}太大：${width}×${height} 像素，上限 ${MAX_PIXELS / 1e6} 百万像素。请先把图片缩小。`);
}

function headerOf(data: Buffer, label: string): ImageHeader {
  if (data.subarray(0, 8).equals(PNG_SIGNATURE)) return readPng(data, label);
  if (data[0] === 0xff && data[1] === 0xd8 && data[2] === 0xff) return readJpeg(data, label);
  if (data.toString('latin1', 0, 4) === 'RIFF' && data.toString('latin1', 8, 12) === 'WEBP')
    return readWebp(data, label);
  const brands = brandsOf(data);
  if (brands.some((brand) => /^avi[fs]$/.test(brand))) return readAvif(data, label);
  throw new CourseError(`${label}不是可用的图片：${guess(data, brands)}。可用的格式：PNG、JPEG、WebP、AVIF。`);
}

const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** What an ISO base media file says that it is, the main name first; other files are nothing of the kind. */
function brandsOf(data: Buffer): string[] {
  if (data.toString('latin1', 4, 8) !== 'ftyp') return [];
  const all = data.toString('latin1', 8, Math.min(data.readUInt32BE(0), data.length)).match(/.{4}/gs) ?? [];
  return all.filter((_, i) => i !== 1); // the second is a version
}

function guess(data: Buffer, brands: readonly string[]): string {
  if (data.length === 0) return '它是空文件（0 字节）';
  const text = data.toString('utf8', 0, 400).trimStart();
  if (brands.some((brand) => /^(hei[cfmsx]|mif1|msf1)$/.test(brand)))
    return '它是 HEIC 照片（手机常用），请先另存为 JPEG';
  if (/^GIF8/.test(text)) return '它是 GIF 动画，请先另存为 PNG';
  if (/^(<\?xml[^]*)?<svg/i.test(text)) return '它是 SVG 矢量图，请先导出为 PNG';
  if (/^<(!doctype|html)/i.test(text)) return '它是一个网页（HTML），多半是下载时存错了，请在网页里右键保存图片本身';
  if (/^BM/.test(text) || /^(II\*|MM\0)/.test(text)) return '它是 BMP 或 TIFF 图片，请先另存为 PNG';
  // eslint-disable-next-line no-control-regex
  if (!/[\u0000-\u0008\ufffd]/.test(text)) return '它是一个文本文件，改了扩展名也不是图片';
  return '文件开头不是任何一种图片格式';
}

const damaged = (label: string, what: string) =>
  new CourseError(`${label}已损坏：${what}。请重新下载或重新保存这张图片。`);

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

/** The checksum of a PNG chunk (CRC-32). */
export function crc32(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < data.length; i++) crc = CRC_TABLE[(crc ^ data[i]) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

function readPng(data: Buffer, label: string): ImageHeader {
  let at = 8;
  let header: ImageHeader | undefined;
  let [transparentColour, hasPixels] = [false, false];
  let orientation: Orientation | undefined;
  while (at + 12 <= data.length) {
    const length = data.readUInt32BE(at);
    const type = data.toString('latin1', at + 4, at + 8);
    const end = at + 8 + length;
    if (end + 4 > data.length) break;
    if (data.readUInt32BE(end) !== crc32(data.subarray(at + 4, end)))
      throw damaged(label, `PNG 的 ${type} 块校验和不符`);
    if (type === 'IHDR' && length >= 13) {
      const [width, height] = [data.readUInt32BE(at + 8), data.readUInt32BE(at + 12)];
      header = { format: 'png', width, height, mayBeTransparent: (data[at + 17] & 4) !== 0 };
    }
    if (type === 'tRNS') transparentColour = true;
    if (type === 'IDAT') hasPixels = true;
    if (type === 'eXIf') orientation = exifOrientation(data.subarray(at + 8, end));
    if (type === 'IEND' && header) {
      if (!hasPixels) throw damaged(label, 'PNG 里没有图像数据');
      return { ...header, orientation, mayBeTransparent: header.mayBeTransparent || transparentColour };
    }
    at = end + 4;
  }
  throw damaged(label, 'PNG 没有结尾，文件只有一部分');
}

function readJpeg(data: Buffer, label: string): ImageHeader {
  let at = 2;
  let size: { width: number; height: number } | undefined;
  while (at + 4 <= data.length) {
    if (data[at] !== 0xff) throw damaged(label, 'JPEG 的段结构不对');
    const marker = data[at + 1];
    if (marker === 0xff || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) {
      at += marker === 0xff ? 1 : 2;
      continue;
    }
    const length = data.readUInt16BE(at + 2);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame && at + 9 <= data.length) {
      size = { height: data.readUInt16BE(at + 5), width: data.readUInt16BE(at + 7) };
    }
    if (marker === 0xda) {
      // Thumbnails with their own end marker lie in the segments before this point.
      if (data.indexOf(Buffer.from([0xff, 0xd9]), at) < 0) throw damaged(label, 'JPEG 没有结尾，文件只有一部分');
      return { format: 'jpeg', ...size, mayBeTransparent: false };
    }
    at += 2 + length;
  }
  throw damaged(label, 'JPEG 里没有图像数据');
}

function readWebp(data: Buffer, label: string): ImageHeader {
  if (data.length < 30 || data.readUInt32LE(4) + 8 > data.length) throw damaged(label, 'WebP 只有一部分');
  const chunk = data.toString('latin1', 12, 16);
  if (chunk === 'VP8X') {
    const [width, height] = [data.readUIntLE(24, 3) + 1, data.readUIntLE(27, 3) + 1];
    return { format: 'webp', width, height, mayBeTransparent: (data[20] & 16) !== 0 };
  }
  if (chunk === 'VP8L') {
    const bits = data.readUInt32LE(21);
    return { format: 'webp', width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1, mayBeTransparent: true };
  }
  const [width, height] = [data.readUInt16LE(26) & 0x3fff, data.readUInt16LE(28) & 0x3fff];
  return { format: 'webp', width, height, mayBeTransparent: false };
}

/** Description ("meta") and pixels ("mdat", or "idat" within) must be there whole; the first "ispe" has the size. */
function readAvif(data: Buffer, label: string): ImageHeader {
  const [meta, pixels] = [find(data, 'meta')?.subarray(4), find(data, 'mdat')];
  if (!meta || !(pixels ?? find(meta, 'idat'))) throw damaged(label, 'AVIF 只有一部分');
  const at = data.indexOf('ispe', 0, 'latin1');
  const known = at >= 0 && at + 16 <= data.length;
  const size = known ? { width: data.readUInt32BE(at + 8), height: data.readUInt32BE(at + 12) } : {};
  return { format: 'avif', ...size, mayBeTransparent: true, orientation: avifOrientation(data) };
}
