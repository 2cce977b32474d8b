import { tf } from '../tf/backend';
import { loadImage, type PhotoBox } from '../image/image';
import type { Patch } from './patches';

export interface PatchImageOptions {
  /** 输出边长（size），像素，缺省 96。 */
  size?: number;
  /** 网络没有看见的地方填什么灰度（fill），[0, 1]，缺省 0.5。 */
  fill?: number;
  /** 在图块上画出这个方框（frame），照片自己的像素，例如 `effectiveFields` 的一项；缺省不画。 */
  frame?: PhotoBox;
}

/** Yellow with a dark line on both sides shows on every photo, in print too. */
const FRAME = [1, 0.85, 0];

/**
 * 裁出图块的像素（patch pixels）：分辨率取自照片本身，范围只限于网络看见的部分；居中裁切之外、照片之外的都填 `fill`，
 * 因为对网络来说那里只有填充。
 *
 * @param patch `topPatches` 的一块
 * @param options 见 PatchImageOptions
 * @returns `[size, size, 3]`，RGB，[0, 1]，由调用者 dispose
 * @throws CourseError 照片读不了
 * @example
 * const [{ patches }] = await topPatches(model, coursePhotos().slice(0, 20), model.roles.lastPool, { channels: [3] });
 * const image = await patchImage(patches[0], { size: 160 });
 */
export async function patchImage(
  { photo, box, seen }: Patch,
  { size = 96, fill = 0.5, frame }: PatchImageOptions = {},
): Promise<tf.Tensor3D> {
  const whole = await loadImage(photo.path);
  try {
    return tf.tidy(() => {
      const [height, width] = whole.shape;
      const [top, left] = [Math.round(box.y), Math.round(box.x)];
      const [bottom, right] = [Math.round(box.y + box.height), Math.round(box.x + box.width)];
      const y0 = Math.max(0, top, Math.round(seen.y));
      const x0 = Math.max(0, left, Math.round(seen.x));
      const y1 = Math.min(height, bottom, Math.round(seen.y + seen.height));
      const x1 = Math.min(width, right, Math.round(seen.x + seen.width));
      const inside = tf.slice(whole, [y0, x0, 0], [y1 - y0, x1 - x0, 3]);
      const border: [number, number][] = [[y0 - top, bottom - y1], [x0 - left, right - x1], [0, 0]]; // prettier-ignore
      const image = tf.image.resizeBilinear(tf.pad(inside, border, fill) as tf.Tensor3D, [size, size]);
      return frame ? framed(image, box, frame) : image;
    });
  } finally {
    whole.dispose();
  }
}

/** The patch with a rectangle drawn on it, given in the photo's pixels like the patch's own box. */
function framed(image: tf.Tensor3D, box: PhotoBox, frame: PhotoBox): tf.Tensor3D {
  const size = image.shape[0];
  const left = ((frame.x - box.x) / box.width) * size;
  const top = ((frame.y - box.y) / box.height) * size;
  const right = left + (frame.width / box.width) * size;
  const bottom = top + (frame.height / box.height) * size;
  const line = Math.max(1, size / 80);
  const paint = new Float32Array(size * size * 3);
  const mask = new Float32Array(size * size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      // how far outside of the rectangle's edge; negative inside
      const away = Math.max(left - x, x - right, top - y, y - bottom);
      if (Math.abs(away) > 2 * line) continue;
      mask[y * size + x] = 1;
      if (Math.abs(away) <= line) paint.set(FRAME, 3 * (y * size + x));
    }
  }
  return tf.where(
    tf.tensor3d(mask, [size, size, 1]).toBool(),
    tf.tensor3d(paint, [size, size, 3]),
    image,
  ) as tf.Tensor3D;
}
