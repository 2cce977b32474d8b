import { tf } from '../tf/backend';
import { loadImage, type PhotoBox } from '../image/image';
import { type ChannelPatches, checkChannel, type Patch } from './patches';
import { checkCounts, checkFields, checkList } from '../base/check';

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
 * const [{ patches }] = await topPatches(model, coursePhotos().slice(0, 12), model.roles.lastPool, { channels: [3] });
 * const patch = await patchImage(patches[0], { size: 160 });
 * dispose(patch);
 */
export async function patchImage(patch: Patch, options: PatchImageOptions = {}): Promise<tf.Tensor3D> {
  checkFields('patch', patch, ['photo', 'box', 'seen'], ' topPatches 的一块（patches[0]）');
  const whole = await loadImage(patch.photo.path);
  try {
    return cut(whole, patch, options);
  } finally {
    whole.dispose();
  }
}

/**
 * 每个通道一张小样（contact sheet）：它的图块从左到右、从上到下由强到弱，拼成一幅图。每张照片只解码一次，
 * 所以一层的全部通道也只要几秒。
 *
 * @param channels `topPatches` 的结果
 * @param options `columns` 一行几块，缺省 3；`size` 每块的边长，像素，缺省 48；`fill` 见 PatchImageOptions
 * @returns 第 i 幅 `[行数·size, columns·size, 3]` 属于 channels[i]，RGB，[0, 1]，由调用者 dispose
 * @throws RangeError columns 不是正整数；CourseError 照片读不了
 * @example
 * const channels = await topPatches(model, coursePhotos().slice(0, 12), model.roles.lastPool);
 * const sheets = await patchSheets(channels.slice(0, 4));
 * dispose(sheets);
 */
export async function patchSheets(
  channels: readonly ChannelPatches[],
  { columns = 3, size = 48, fill = 0.5 }: { columns?: number; size?: number; fill?: number } = {},
): Promise<tf.Tensor3D[]> {
  checkCounts({ columns });
  const sheets = checkList('channels', channels, checkChannel).map(({ patches }) => {
    const rows = Math.max(1, Math.ceil(patches.length / columns));
    return { rows, pixels: new Float32Array(rows * columns * size * size * 3).fill(fill) };
  });
  const wanted = new Map<string, { sheet: number; place: number; patch: Patch }[]>();
  channels.forEach(({ patches }, sheet) =>
    patches.forEach((patch, place) => {
      const path = patch.photo.path;
      wanted.set(path, [...(wanted.get(path) ?? []), { sheet, place, patch }]);
    }),
  );
  for (const [path, uses] of wanted) {
    const whole = await loadImage(path);
    const images = tf.tidy(() => tf.stack(uses.map(({ patch }) => cut(whole, patch, { size, fill }))));
    const values = await images.data();
    tf.dispose([whole, images]);
    uses.forEach(({ sheet, place }, k) => {
      const [top, left] = [Math.floor(place / columns) * size, (place % columns) * size];
      for (let row = 0; row < size; row++) {
        const from = (k * size + row) * size * 3;
        sheets[sheet].pixels.set(
          values.subarray(from, from + 3 * size) as Float32Array,
          3 * ((top + row) * columns * size + left),
        );
      }
    });
  }
  return sheets.map(({ rows, pixels }) => tf.tensor3d(pixels, [rows * size, columns * size, 3]));
}

/** The patch out of its photo; what the network did not see is filled. */
function cut(
  whole: tf.Tensor3D,
  { box, seen }: Patch,
  { size = 96, fill = 0.5, frame }: PatchImageOptions,
): tf.Tensor3D {
  return tf.tidy(() => {
    const [height, width] = whole.shape;
    const square = squareAround(box);
    const [top, left] = [Math.round(square.y), Math.round(square.x)];
    const [bottom, right] = [Math.round(square.y + square.height), Math.round(square.x + square.width)];
    const y0 = Math.max(0, Math.round(box.y), Math.round(seen.y));
    const x0 = Math.max(0, Math.round(box.x), Math.round(seen.x));
    const y1 = Math.min(height, Math.round(box.y + box.height), Math.round(seen.y + seen.height));
    const x1 = Math.min(width, Math.round(box.x + box.width), Math.round(seen.x + seen.width));
    // a unit may see nothing but padding
    if (y1 <= y0 || x1 <= x0) return tf.fill([size, size, 3], fill) as tf.Tensor3D;
    const inside = tf.slice(whole, [y0, x0, 0], [y1 - y0, x1 - x0, 3]);
    const border: [number, number][] = [[y0 - top, bottom - y1], [x0 - left, right - x1], [0, 0]]; // prettier-ignore
    const image = tf.image.resizeBilinear(tf.pad(inside, border, fill) as tf.Tensor3D, [size, size]);
    return frame ? framed(image, square, frame) : image;
  });
}

/** The smallest square around a box, with its centre: a tile is square, and must not stretch what is not. */
export function squareAround({ x, y, width, height }: PhotoBox): PhotoBox {
  const side = Math.max(width, height);
  return { x: x - (side - width) / 2, y: y - (side - height) / 2, width: side, height: side };
}

/** The patch with a rectangle drawn on it, given in the photo's pixels like the patch's own box. */
function framed(image: tf.Tensor3D, box: PhotoBox, frame: PhotoBox): tf.Tensor3D {
  const size = image.shape[0];
  const left = ((frame.x - box.x) / box.width) * size;
  const top = ((frame.y - box.y) / box.height) * size;
  const right = left + (frame.width / box.width) * size;
  const bottom = top + (frame.height / box.height) * size;
  // a pixel in a thumbnail, as bold in a large picture
  const line = Math.max(1, size / 150);
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
