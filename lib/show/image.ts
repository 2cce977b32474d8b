import { createCanvas, type Canvas } from 'canvas';
import { tf } from '../tf/backend';
import { loadImage } from '../image/image';
import {
  describeRange,
  emitCanvas,
  enlarge,
  outsideUnit,
  rangeOf,
  readRaster,
  symmetric,
  toGrey,
  type Raster,
} from './picture';
import { drawText, INK, LABEL, MUTED, NOTE, PAPER, wrapText } from './text';

/** unit：[0, 1] 原样；minmax：自身的最小到最大；signed：0 是中灰，正负对称。 */
export type ImageScale = 'unit' | 'minmax' | 'signed';

export interface ShowImageOptions {
  /** 图下的说明（caption）。 */
  caption?: string;
  /** 显示宽度，像素；默认：图像宽度的整数倍，不小于 320。 */
  width?: number;
  /** 给读屏软件的文字（alternative text）；默认用说明。 */
  alt?: string;
  /** 数值到灰度的尺度（scale），默认 unit。 */
  scale?: ImageScale;
}

/**
 * 显示一幅图像（show one image）。
 *
 * @param image 图像 [高, 宽, 3]、灰度 [高, 宽]，或图片的路径；不会被释放
 * @param options `caption`：说明；`width`：宽度，像素；`scale`：unit / minmax / signed；`alt`：替代文字
 * @example
 * await showImage(image, { caption: '小熊猫', width: 224 });
 */
export async function showImage(
  image: tf.Tensor3D | tf.Tensor2D | string,
  { caption = '', width, alt, scale = 'unit' }: ShowImageOptions = {},
): Promise<void> {
  const raster = await rasterOf(image);
  if (width !== undefined && !(width >= 1 && width <= 8192)) {
    throw new RangeError(`width 应为 1 到 8192 的像素数，得到 ${width}`);
  }
  const range = rangeOf(raster);
  const shown = scale === 'unit' ? ([0, 1] as const) : scale === 'signed' ? symmetric(range) : range;
  const note =
    scale === 'unit'
      ? outsideUnit(range)
      : scale === 'signed'
        ? `中灰 = 0；${describeRange(range)}`
        : describeRange(range);
  const target = Math.round(width ?? raster.width * Math.max(1, Math.ceil(320 / raster.width)));
  const picture = enlarge(
    toGrey(raster, shown),
    target,
    Math.max(1, Math.round((raster.height * target) / raster.width)),
  );
  const canvas = withCaption(picture, caption, note);
  await emitCanvas(canvas, { alt: alt ?? (caption || `图像，${raster.width}×${raster.height} 像素`) });
}

/** Tensors are read, paths are loaded and given back at once. */
export async function rasterOf(image: tf.Tensor | string, size?: number): Promise<Raster> {
  if (typeof image !== 'string') return readRaster(image);
  const loaded = await loadImage(image, size === undefined ? {} : { size });
  try {
    return await readRaster(loaded);
  } finally {
    loaded.dispose();
  }
}

function withCaption(picture: Canvas, caption: string, note: string): Canvas {
  if (!caption && !note) return picture;
  const probe = picture.getContext('2d');
  const width = Math.max(picture.width, 320);
  const lines = caption ? wrapText(probe, caption, width - 8, LABEL, 4) : [];
  const notes = note ? wrapText(probe, note, width - 8, NOTE, 2) : [];
  const canvas = createCanvas(width, picture.height + 10 + lines.length * 23 + notes.length * 20);
  const context = canvas.getContext('2d');
  context.fillStyle = PAPER;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0);
  let y = picture.height + 10;
  for (const line of lines) drawText(context, line, 2, (y += 20) - 3, { color: INK });
  if (lines.length) y += 3;
  for (const line of notes) drawText(context, line, 2, (y += 18) - 3, { size: NOTE, color: MUTED });
  return canvas;
}
