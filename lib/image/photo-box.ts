export interface Fitting {
  readonly outHeight: number;
  readonly outWidth: number;
  /** Size of the whole box after scaling; the output is cut out of it at (top, left). */
  readonly fullHeight: number;
  readonly fullWidth: number;
  readonly top: number;
  readonly left: number;
}

/** Short side to the target, centre cut out. Whole pixels before the cut, as everywhere else. */
export function fitting([height, width]: readonly [number, number], target?: readonly [number, number]): Fitting {
  const [outHeight, outWidth] = target ?? [height, width];
  const scale = Math.max(outHeight / height, outWidth / width);
  const fullHeight = Math.max(outHeight, Math.floor(height * scale + 1e-6));
  const fullWidth = Math.max(outWidth, Math.floor(width * scale + 1e-6));
  const top = Math.round((fullHeight - outHeight) / 2);
  const left = Math.round((fullWidth - outWidth) / 2);
  return { outHeight, outWidth, fullHeight, fullWidth, top, left };
}

/** 照片里的方框（box），单位是照片自己的像素（摆正之后），可以越出边界。 */
export interface PhotoBox {
  /** 左边，像素。 */
  readonly x: number;
  /** 上边，像素。 */
  readonly y: number;
  /** 宽，像素。 */
  readonly width: number;
  /** 高，像素。 */
  readonly height: number;
}

/** 由网络输入的像素回到照片自己的像素：第一个参数是先裁出的方框 [x, y, 宽, 高]，`target` 是网络的输入 [高, 宽]。 */
export function boxMapping(
  [x, y, width, height]: readonly [number, number, number, number],
  target?: readonly [number, number],
): (box: PhotoBox) => PhotoBox {
  const fit = fitting([height, width], target);
  const [perRow, perCol] = [height / fit.fullHeight, width / fit.fullWidth];
  return (box) => ({
    x: x + (box.x + fit.left) * perCol,
    y: y + (box.y + fit.top) * perRow,
    width: box.width * perCol,
    height: box.height * perRow,
  });
}
