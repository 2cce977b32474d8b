import { createCanvas, ImageData, type Canvas } from 'canvas';
import { deflateSync } from 'node:zlib';
import { crc32 } from './header';
import type { Pixels } from './image';

/** A canvas that shows the pixels one to one. */
export function pixelsToCanvas({ width, height, channels, data }: Pixels): Canvas {
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) rgba[4 * i + c] = data[channels * i + (channels === 3 ? c : 0)];
    rgba[4 * i + 3] = 255;
  }
  const canvas = createCanvas(width, height);
  canvas.getContext('2d').putImageData(new ImageData(rgba, width, height), 0, 0);
  return canvas;
}

export async function encodeJpegBytes(pixels: Pixels, quality: number): Promise<Uint8Array> {
  return pixelsToCanvas(pixels).encode('jpeg', quality);
}

/**
 * PNG of our own: grey, palette and RGB without the alpha channel that a canvas always writes, hence smaller, and the
 * same bytes on every machine, so that a committed notebook does not change when it is run again.
 */
export function encodePngBytes(given: Pixels): Uint8Array {
  const pixels = withoutColour(given);
  const { width, height, channels, data } = pixels;
  const stride = width * channels;
  // Photographs shrink by differences between neighbours, charts by runs of equal bytes.
  const trials: Trial[] = [
    { type: channels === 3 ? 2 : 0, palette: [], body: squeeze(filterRows(data, stride, height, channels)) },
    { type: channels === 3 ? 2 : 0, palette: [], body: squeeze(plainRows(data, stride, height)) },
  ];
  const indexed = channels === 3 ? indexColours(data) : undefined;
  if (indexed) {
    const palette = [chunk('PLTE', indexed.palette)];
    trials.push({ type: 3, palette, body: squeeze(plainRows(indexed.indices, width, height)) });
  }
  const { type, palette, body } = trials.sort((a, b) => a.body.length - b.body.length)[0];
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  header[9] = type;
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const parts = [chunk('IHDR', header), ...palette, chunk('IDAT', body), chunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([signature, ...parts]);
}

interface Trial {
  readonly type: number;
  readonly palette: readonly Buffer[];
  readonly body: Uint8Array;
}

const squeeze = (rows: Uint8Array) => deflateSync(rows, { level: 9, memLevel: 9 });

/** A picture whose three channels are equal everywhere needs only one. */
function withoutColour(pixels: Pixels): Pixels {
  const { channels, data } = pixels;
  if (channels === 1) return pixels;
  for (let i = 0; i < data.length; i += 3) if (data[i] !== data[i + 1] || data[i] !== data[i + 2]) return pixels;
  return { ...pixels, channels: 1, data: data.filter((_, i) => i % 3 === 0) };
}

/** At most 256 colours: one byte a pixel instead of three, without any loss. */
function indexColours(data: Uint8ClampedArray): { indices: Uint8Array; palette: Uint8Array } | undefined {
  const known = new Map<number, number>();
  const indices = new Uint8Array(data.length / 3);
  for (let i = 0; i < indices.length; i++) {
    const colour = (data[3 * i] << 16) | (data[3 * i + 1] << 8) | data[3 * i + 2];
    let index = known.get(colour);
    if (index === undefined) {
      if (known.size === 256) return undefined;
      index = known.size;
      known.set(colour, index);
    }
    indices[i] = index;
  }
  const palette = Uint8Array.from([...known.keys()].flatMap((c) => [c >> 16, (c >> 8) & 255, c & 255]));
  return { indices, palette };
}

function plainRows(data: ArrayLike<number>, stride: number, height: number): Uint8Array {
  const source = Uint8Array.from(data);
  const out = new Uint8Array(height * (stride + 1));
  for (let y = 0; y < height; y++) out.set(source.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1);
  return out;
}

function chunk(type: string, body: Uint8Array): Buffer {
  const content = Buffer.concat([Buffer.from(type, 'latin1'), body]);
  const framed = Buffer.alloc(content.length + 8);
  framed.writeUInt32BE(body.length, 0);
  content.copy(framed, 4);
  framed.writeUInt32BE(crc32(content), content.length + 4);
  return framed;
}

/** Per row the filter with the smallest sum of absolute differences, the usual rule of thumb. */
function filterRows(data: Uint8ClampedArray, stride: number, rows: number, step: number): Uint8Array {
  const out = new Uint8Array(rows * (stride + 1));
  const trial = new Uint8Array(stride);
  const zeros = new Uint8ClampedArray(stride);
  for (let y = 0; y < rows; y++) {
    const line = data.subarray(y * stride, (y + 1) * stride);
    const above = y > 0 ? data.subarray((y - 1) * stride, y * stride) : zeros;
    let best = Infinity;
    for (let filter = 0; filter < 5; filter++) {
      const cost = applyFilter(filter, line, above, step, trial);
      if (cost >= best) continue;
      best = cost;
      out[y * (stride + 1)] = filter;
      out.set(trial, y * (stride + 1) + 1);
    }
  }
  return out;
}

function applyFilter(filter: number, line: Uint8ClampedArray, above: Uint8ClampedArray, step: number, to: Uint8Array) {
  let cost = 0;
  for (let x = 0; x < line.length; x++) {
    const left = x >= step ? line[x - step] : 0;
    const up = above[x];
    let guess = 0;
    if (filter === 1) guess = left;
    else if (filter === 2) guess = up;
    else if (filter === 3) guess = (left + up) >> 1;
    else if (filter === 4) guess = paeth(left, up, x >= step ? above[x - step] : 0);
    const difference = (line[x] - guess) & 255;
    to[x] = difference;
    cost += difference < 128 ? difference : 256 - difference;
  }
  return cost;
}

function paeth(left: number, up: number, corner: number): number {
  const estimate = left + up - corner;
  const [a, b, c] = [Math.abs(estimate - left), Math.abs(estimate - up), Math.abs(estimate - corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}
