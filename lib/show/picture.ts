import { createCanvas, type Canvas } from 'canvas';
import type { tf } from '../tf/backend';
import { checkTensor } from '../image/check';
import { encodePngBytes, pixelsToCanvas } from '../image/encode';
import type { Pixels } from '../image/image';
import { emit } from './sink';
import { formatNumber } from './html';

export type Range = readonly [min: number, max: number];

/** A picture's numbers, on their way to the screen. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly values: Float32Array | Int32Array | Uint8Array;
}

/** Reads an image tensor [h, w, 3], [h, w, 1] or [h, w]; the tensor stays the caller's. */
export async function readRaster(image: tf.Tensor, name = 'image'): Promise<Raster> {
  checkTensor(image, name);
  const [height, width, channels = 1] = image.shape as number[];
  const ok = (image.rank === 2 || image.rank === 3) && (channels === 1 || channels === 3) && image.size > 0;
  if (!ok) {
    const got = `形状 [${image.shape.join(', ')}]`;
    const advice =
      image.rank === 4 ? '；一批图像请用 showGrid' : image.rank === 3 ? '；特征图请先取一个通道：[高, 宽]' : '';
    throw new RangeError(`${name} 应为图像 [高, 宽, 3] 或 [高, 宽]，得到${got}${advice}`);
  }
  return { width, height, channels: channels as 1 | 3, values: (await image.data()) as Float32Array };
}

/** Smallest and largest value; NaN is skipped, but counted by `hasNaN`. */
export function rangeOf(...rasters: readonly { readonly values: ArrayLike<number> }[]): Range {
  let min = Infinity;
  let max = -Infinity;
  for (const { values } of rasters) {
    for (let i = 0; i < values.length; i++) {
      if (values[i] < min) min = values[i];
      if (values[i] > max) max = values[i];
    }
  }
  return min <= max ? [min, max] : [NaN, NaN];
}

/** A range without width: everything would be one colour, and the reader must hear it. */
export const isFlat = ([min, max]: Range) => !(max - min > 1e-12 * Math.max(1, Math.abs(min), Math.abs(max)));

/** "最小 −0.31，最大 0.42", and a warning when there is nothing to see. */
export function describeRange(range: Range): string {
  if (Number.isNaN(range[0])) return '没有有效的数（全是 NaN）';
  const text = `最小 ${formatNumber(range[0], 3)}，最大 ${formatNumber(range[1], 3)}`;
  return isFlat(range) ? `处处相同：${formatNumber(range[0], 3)}` : text;
}

/** Clipping is silent on the screen, so it is said below the picture. */
export function outsideUnit(range: Range): string {
  return range[0] < -0.01 || range[1] > 1.01 ? `超出 [0, 1] 的值被截断（${describeRange(range)}）` : '';
}

/** Symmetric around zero, for signed pictures. */
export const symmetric = ([min, max]: Range): Range => {
  const bound = Math.max(Math.abs(min), Math.abs(max));
  return [-bound, bound];
};

/** Maps `range` onto 0–255; a flat range becomes mid grey. */
export function toGrey(raster: Raster, range: Range): Pixels {
  const { width, height, channels, values } = raster;
  const flat = isFlat(range);
  const factor = flat ? 0 : 255 / (range[1] - range[0]);
  const data = Uint8ClampedArray.from(values, (v) => (flat ? 128 : (v - range[0]) * factor));
  return { width, height, channels, data };
}

/** Enlarges without blur when small (filters, feature maps), smoothly otherwise. */
export function enlarge(pixels: Pixels, width: number, height: number): Canvas {
  const source = pixelsToCanvas(pixels);
  if (source.width === width && source.height === height) return source;
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  context.imageSmoothingEnabled = width < source.width || Math.max(source.width, source.height) > 64;
  context.imageSmoothingQuality = 'high';
  context.drawImage(source, 0, 0, width, height);
  return canvas;
}

/** The canvas without its alpha channel. */
export function canvasPixels(canvas: Canvas): Pixels {
  const { width, height } = canvas;
  const rgba = canvas.getContext('2d').getImageData(0, 0, width, height).data;
  const data = new Uint8ClampedArray(width * height * 3);
  for (let i = 0, j = 0; i < rgba.length; i += 4) {
    data[j++] = rgba[i];
    data[j++] = rgba[i + 1];
    data[j++] = rgba[i + 2];
  }
  return { width, height, channels: 3, data };
}

/** Above this a picture is a photographic sheet, and a notebook of 3 MB has no room for many of them. */
const BIG_BYTES = 90_000;

/** Pixels: sheets at their natural size, whose detail is far above what JPEG takes away. */
const LARGE = 1.5e6;

interface Encoded {
  readonly mime: 'image/png' | 'image/jpeg';
  readonly bytes: Uint8Array;
}

/** Of a sample of the pixels: charts have a few hundred colours, antialiased text included. */
const MANY_COLOURS = 2000;
const SAMPLE = 20_000;

function hasManyColours({ data }: Pixels): boolean {
  const step = 3 * Math.ceil(data.length / 3 / SAMPLE);
  const seen = new Set<number>();
  for (let i = 0; i < data.length; i += step) seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
  return seen.size > MANY_COLOURS;
}

/** PNG, or JPEG where a photographic sheet would bloat the notebook. */
async function encodeCanvas(canvas: Canvas, quality: number): Promise<Encoded> {
  const pixels = canvasPixels(canvas);
  // to find that out by encoding takes seconds
  if (canvas.width * canvas.height > LARGE && hasManyColours(pixels))
    return { mime: 'image/jpeg', bytes: await canvas.encode('jpeg', quality) };
  const png = encodePngBytes(pixels);
  if (png.length > BIG_BYTES) {
    const jpeg = await canvas.encode('jpeg', quality);
    if (jpeg.length < png.length * 0.6) return { mime: 'image/jpeg', bytes: jpeg };
  }
  return { mime: 'image/png', bytes: png };
}

const encodeQuickly = async (canvas: Canvas, quality: number): Promise<Encoded> => ({
  mime: 'image/jpeg',
  bytes: await canvas.encode('jpeg', quality),
});

/**
 * Fewer levels of brightness (the green channel's), and of what red and blue have more than it: rounding each channel by
 * itself would tint what is nearly grey.
 */
function fewerLevels({ data, ...size }: Pixels, { brightness, tint }: { brightness: number; tint: number }): Pixels {
  const coarse = new Uint8ClampedArray(data.length);
  for (let i = 0; i < data.length; i += 3) {
    const green = data[i + 1];
    const level = green > 255 - brightness / 2 ? 255 : Math.round(green / brightness) * brightness;
    for (let c = 0; c < 3; c++) coarse[i + c] = level + Math.round((data[i + c] - green) / tint) * tint;
  }
  return { ...size, data: coarse };
}

/** Beside a live plot JupyterLab looks for a PNG and nothing else: in steps until it is small enough. */
const TWIN_STEPS = [
  { above: 70_000, brightness: 4, tint: 1 },
  { above: 70_000, brightness: 8, tint: 1 },
  // colourful photographs, whose tints nobody sees: the heat maps over pale ones stay below this
  { above: 160_000, brightness: 8, tint: 8 },
];

function encodeTwin(canvas: Canvas): Encoded {
  const pixels = canvasPixels(canvas);
  let bytes = encodePngBytes(pixels);
  for (const { above, ...steps } of TWIN_STEPS) {
    if (bytes.length > above) bytes = encodePngBytes(fewerLevels(pixels, steps));
  }
  return { mime: 'image/png', bytes };
}

interface EmitOptions {
  readonly alt: string;
  readonly live?: Record<string, unknown>;
  readonly id?: string;
  readonly update?: boolean;
  /** One of a series that the next one replaces: the quickest form will do. */
  readonly passing?: boolean;
  /** Of a JPEG, should it become one. */
  readonly quality?: number;
}

/** Sends a finished picture to the cell, with its size, its description and, for a figure, its live form. */
export async function emitCanvas(
  canvas: Canvas,
  { alt, live = {}, id, update, passing, quality = canvas.width * canvas.height > LARGE ? 58 : 78 }: EmitOptions,
): Promise<void> {
  const isTwin = Object.keys(live).length > 0;
  const encode = passing ? encodeQuickly : isTwin ? encodeTwin : encodeCanvas;
  const { mime, bytes } = await encode(canvas, quality);
  const { width, height } = canvas;
  emit(
    { ...live, [mime]: bytes, 'text/plain': `[图] ${alt}` },
    { metadata: { [mime]: { width, height, alt } }, id, update },
  );
}
