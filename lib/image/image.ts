import { type Canvas, createCanvas, loadImage as decode, type Image } from 'canvas';
import { tf } from '../tf/backend';
import { kindOf } from '../base/check';
import { CourseError } from '../base/errors';
import { readImageFile, type ImageSource } from './file';
import { readHeader, type ImageHeader } from './header';
import { encodeJpegBytes, encodePngBytes } from './encode';
import { upright } from './orientation';
import { boxMapping, fitting, type PhotoBox } from './photo-box';
import { axisWeights, Resampler } from './resample';

export type { ImageSource } from './file';
export type { PhotoBox } from './photo-box';

export interface LoadImageOptions {
  /** 输出大小（size）：一个数 = 正方形边长，或 [高, 宽]；短边缩放到它，再裁出中央。不写：保持原大小。 */
  size?: number | readonly [number, number];
  /** 先裁出的方框（crop box）[x, y, 宽, 高]，单位是（摆正之后的）像素；课程照片的 `photo.crop` 就是它。 */
  crop?: readonly [number, number, number, number];
}

/** Rows read back at a time: keeps a big photo from existing twice. */
const STRIP_ROWS = 256;

/**
 * 读入一张图片（load an image）。
 *
 * 返回 RGB、float32、取值 [0, 1] 的张量 [高, 宽, 3]；由调用者 `dispose()`。
 * 照片按记下的方向（EXIF，AVIF 的 irot 与 imir）摆正，灰度图变成三个相同的通道，透明处垫成白色。
 * 缩放用带抗锯齿的双线性插值（antialiased bilinear，与 torchvision 的 Resize 相同，但不取整到 8 位）：短边缩放到 `size`，再裁出中央。
 *
 * @param source 图片来源（source）：路径、网址（http、https、data）或文件的字节；PNG、JPEG、WebP、AVIF。
 *   相对路径依次在笔记本的文件夹、项目文件夹、data/photos 里找
 * @param options `size`：边长或 [高, 宽]，像素；`crop`：先裁出的方框 [x, y, 宽, 高]，像素
 * @throws CourseError 文件不存在、为空、损坏、不是图片、太大；RangeError `size` 或 `crop` 不对
 * @example
 * const panda = photo('panda');
 * const picture = await loadImage(panda.path, { size: 224, crop: panda.crop });
 * dispose(picture);
 */
export async function loadImage(source: ImageSource, options: LoadImageOptions = {}): Promise<tf.Tensor3D> {
  return (await loadWithSize(source, options)).image;
}

/** 同 loadImage，连同照片自己的大小（the photo's own size，摆正之后）：图块的方框要换算回去时，不必再解码一次。 */
export async function loadWithSize(
  source: ImageSource,
  { size, crop }: LoadImageOptions = {},
): Promise<{ readonly image: tf.Tensor3D; readonly width: number; readonly height: number }> {
  const target = size === undefined ? undefined : checkSize(size);
  const { image, header, label } = await open(source);
  const box = checkCrop(crop, image.width, image.height);
  const { height, width, pixels } = resize(image, header, box, target, label);
  return { image: tf.tensor3d(pixels, [height, width, 3]), width: image.width, height: image.height };
}

/** The one door for pictures: checked, decoded, upright. */
async function open(source: ImageSource): Promise<{ image: Image | Canvas; header: ImageHeader; label: string }> {
  const { bytes, label } = await readImageFile(source);
  const header = readHeader(bytes, label);
  try {
    return { image: upright(await decode(Buffer.from(bytes)), header.orientation), header, label };
  } catch {
    throw new CourseError(`${label}已损坏，解码失败（${header.format}）。请重新下载或重新保存这张图片。`);
  }
}

function checkSize(size: number | readonly [number, number]): [number, number] {
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  // 8192² pixels are 800 MB as float32: beyond that it is a slip of the finger
  if (![height, width].every((n) => Number.isInteger(n) && n >= 1 && n <= 8192)) {
    throw new RangeError(`size 应为 1 到 8192 的整数，或 [高, 宽]；得到 ${JSON.stringify(size)}`);
  }
  return [height, width];
}

type Box = readonly [x: number, y: number, width: number, height: number];

function checkCrop(crop: Box | undefined, width: number, height: number): Box {
  if (!crop) return [0, 0, width, height];
  const [x, y, w, h] = crop;
  const inside = x >= 0 && y >= 0 && w >= 1 && h >= 1 && x + w <= width && y + h <= height;
  if (!crop.every(Number.isInteger) || crop.length !== 4 || !inside) {
    throw new RangeError(
      `crop 应为图片（宽 ${width}，高 ${height}）之内的整数方框 [x, y, 宽, 高]，得到 [${crop.join(', ')}]`,
    );
  }
  return crop;
}

/**
 * 由网络输入的像素回到照片自己的像素（from network pixels back to the photo's own）。
 *
 * @param source 与 loadImage 相同的图片；`options` 也要与读入时相同
 * @returns 一个函数：给出输入图像里的方框，得到照片里的方框
 */
export async function photoBoxes(
  source: ImageSource,
  { size, crop }: LoadImageOptions = {},
): Promise<(box: PhotoBox) => PhotoBox> {
  const { image } = await open(source);
  const box = checkCrop(crop, image.width, image.height);
  return boxMapping(box, size === undefined ? undefined : checkSize(size));
}

/** Decoded picture -> floats: cut out the box, bring its short side to the target, cut out the centre. */
function resize(
  image: Image | Canvas,
  header: ImageHeader,
  [x, y, width, height]: Box,
  target: [number, number] | undefined,
  label: string,
) {
  const { outHeight, outWidth, fullHeight, fullWidth, top, left } = fitting([height, width], target);
  const across = axisWeights(width, outWidth, width / fullWidth, (left * width) / fullWidth);
  const down = axisWeights(height, outHeight, height / fullHeight, (top * height) / fullHeight);
  const resampler = new Resampler(across, down);

  const lastRow = down.start[outHeight - 1] + down.count[outHeight - 1];
  const strip = createCanvas(width, Math.min(STRIP_ROWS, height));
  const context = strip.getContext('2d');
  for (let row = down.start[0]; row < lastRow; row += STRIP_ROWS) {
    const rows = Math.min(STRIP_ROWS, lastRow - row);
    context.clearRect(0, 0, strip.width, strip.height);
    context.drawImage(image, x, y + row, width, rows, 0, 0, width, rows);
    const { data } = context.getImageData(0, 0, width, rows);
    if (!header.mayBeTransparent) checkOpaque(data, label);
    for (let i = 0; i < rows; i++) resampler.addRow(row + i, data, i * width * 4);
  }
  return { height: outHeight, width: outWidth, pixels: resampler.pixels };
}

/** Decoders hand out what they have: rows that never came are transparent. */
function checkOpaque(data: Uint8ClampedArray, label: string): void {
  for (let i = 3; i < data.length; i += 4) {
    if (data[i] !== 255) throw new CourseError(`${label}已损坏：只能解出一部分图像。请重新下载或重新保存这张图片。`);
  }
}

/**
 * 图像的 8 位像素（8-bit pixels）：逐行 RGB，四舍五入并截到 0–255；二维张量是灰度图，一个通道。
 *
 * @param image 图像 [高, 宽, 3]、[高, 宽, 1] 或灰度 [高, 宽]，取值 [0, 1]；不会被释放
 */
export async function toPixels(image: tf.Tensor3D | tf.Tensor2D): Promise<Pixels> {
  if (!(image instanceof tf.Tensor)) throw new TypeError(`图像应为张量 [高, 宽, 3] 或 [高, 宽]，得到 ${kindOf(image)}`);
  if (image.isDisposed) throw new TypeError('图像已被释放（dispose），请重新读入或重新计算');
  const [height, width, channels = 1] = image.shape;
  if ((image.rank !== 2 && image.rank !== 3) || (channels !== 1 && channels !== 3) || image.size === 0) {
    throw new RangeError(`图像应为 [高, 宽, 3] 或灰度 [高, 宽]，得到形状 [${(image as tf.Tensor).shape.join(', ')}]`);
  }
  const values = await image.data();
  if (values.some(Number.isNaN)) throw new RangeError('图像里有 NaN（不是数），请检查得到它的计算');
  return { width, height, channels, data: Uint8ClampedArray.from(values, (v) => v * 255) };
}

export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Uint8ClampedArray;
}

/**
 * 把图像编码成 PNG（encode as PNG），无损，每通道 8 位。
 *
 * @param image 图像 [高, 宽, 3] 或灰度 [高, 宽]，取值 [0, 1]（超出的截断）；不会被释放
 * @example
 * const bytes = await encodePng(image);
 */
export async function encodePng(image: tf.Tensor3D | tf.Tensor2D): Promise<Uint8Array> {
  return encodePngBytes(await toPixels(image));
}

/**
 * 把图像编码成 JPEG（encode as JPEG），有损。
 *
 * @param image 图像 [高, 宽, 3] 或灰度 [高, 宽]，取值 [0, 1]（超出的截断）；不会被释放
 * @param quality 质量（quality）1–100，默认 92
 * @example
 * const bytes = await encodeJpeg(image, 80);
 */
export async function encodeJpeg(image: tf.Tensor3D | tf.Tensor2D, quality = 92): Promise<Uint8Array> {
  if (!(quality >= 1 && quality <= 100)) throw new RangeError(`quality 应在 1 到 100 之间，得到 ${quality}`);
  return encodeJpegBytes(await toPixels(image), quality);
}
