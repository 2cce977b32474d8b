import { createCanvas, loadImage as decode } from 'canvas';
import { tf } from '../tf/backend';
import { type LongRun, type StopReason, watchInterrupts } from '../base/interrupt';
import { checkFields, checkList, checkNumbers } from '../base/check';
import { checkPhotos, type Photo } from '../image/photos';
import { type Corner, pushApart } from './layouts/push-apart';

export interface ThumbnailMapOptions extends LongRun {
  /** 整张图的边长，像素，缺省 1100。 */
  size?: number;
  /** 缩略图的边长，像素，缺省 44。 */
  thumbnail?: number;
  /** 把互相遮挡的缩略图推开（spread），直到谁也不被遮住三分之一以上；缺省 false：位置准确，互相遮挡。 */
  spread?: boolean;
}

export interface ThumbnailMap {
  /** [高, 宽, 3]，由调用者 dispose。 */
  readonly image: tf.Tensor3D;
  /** 每张缩略图的中心 [x, y]，像素，从左上角数起。 */
  readonly centers: readonly (readonly [x: number, y: number])[];
  readonly stopped?: StopReason;
}

/**
 * 照片的地图（map of thumbnails）：每张照片的缩略图画在它的点上，后画的盖住先画的。x 向右，y 向上，两轴同一比例。
 *
 * @param photos 照片
 * @param points 每张照片一个 [x, y]，如 `embedding.points`
 * @param options `size`、`thumbnail`：像素；`onStep`、`signal`
 * @returns `image`：RGB，[0, 1]，由调用者 dispose；用 `showImage(image)` 显示
 * @throws RangeError 照片与点的个数不同，或点不是有限的数
 * @example
 * const photos = coursePhotos().slice(0, 4);
 * const map = await thumbnailMap(photos, [[0, 0], [1, 0], [0, 1], [1, 1]], { size: 320, thumbnail: 48 });
 * dispose(map);
 */
export async function thumbnailMap(
  photos: readonly Photo[],
  points: readonly (readonly number[])[],
  { size = 1100, thumbnail = 44, spread = false, ...run }: ThumbnailMapOptions = {},
): Promise<ThumbnailMap> {
  checkPoints(photos, points);
  const extent = (values: number[]) => {
    const low = values.reduce((a, b) => Math.min(a, b));
    return { low, span: values.reduce((a, b) => Math.max(a, b)) - low };
  };
  const x = extent(points.map((point) => point[0]));
  const y = extent(points.map((point) => point[1]));
  // One scale for both axes: t-SNE's picture has no preferred direction.
  const scale = (size - thumbnail) / (Math.max(x.span, y.span) || 1);
  const width = Math.round(x.span * scale) + thumbnail;
  const height = Math.round(y.span * scale) + thumbnail;
  const corners = points.map((p): Corner => [(p[0] - x.low) * scale, (y.low + y.span - p[1]) * scale]);
  const placed = spread ? pushApart(corners, { width, height, thumbnail }) : corners;
  return drawThumbnails(photos, { width, height, place: (i) => placed[i], thumbnail, ...run });
}

/**
 * 照片的方格图（grid of thumbnails）：每张照片画在 `gridLayout` 给它的格子里，互不重叠。
 *
 * @param photos 照片
 * @param cells 每张照片一个 { row, column }，由 `gridLayout(points)` 得到
 * @param options `thumbnail`：格子的边长，像素，缺省 48；`onStep`、`signal`
 * @returns 同 thumbnailMap；image 由调用者 dispose
 * @example
 * const photos = coursePhotos().slice(0, 4);
 * const cells = gridLayout([[0, 0], [1, 0], [0, 1], [1, 1]], { columns: 2 });
 * const map = await thumbnailGrid(photos, cells);
 * dispose(map);
 */
export async function thumbnailGrid(
  photos: readonly Photo[],
  cells: readonly { readonly row: number; readonly column: number }[],
  { thumbnail = 48, ...run }: Omit<ThumbnailMapOptions, 'size' | 'spread'> = {},
): Promise<ThumbnailMap> {
  checkPoints(
    photos,
    checkList('cells', cells, (cell, what) => checkFields(what, cell, ['row', 'column'], ' gridLayout 的一项')).map(
      (cell) => [cell.column, cell.row],
    ),
  );
  const last = (values: number[]) => values.reduce((a, b) => Math.max(a, b));
  return drawThumbnails(photos, {
    width: (last(cells.map((cell) => cell.column)) + 1) * thumbnail,
    height: (last(cells.map((cell) => cell.row)) + 1) * thumbnail,
    place: (i) => [cells[i].column * thumbnail, cells[i].row * thumbnail],
    thumbnail,
    ...run,
  });
}

function checkPoints(photos: readonly Photo[], points: readonly (readonly number[])[]): void {
  if (checkPhotos(photos).length !== checkList('points', points).length) {
    throw new RangeError(`每张照片要有一个位置：${photos.length} 张照片，${points.length} 个位置`);
  }
  points.forEach((point, i) => checkNumbers(`第 ${i} 个位置`, point, 2));
}

interface Sheet extends LongRun {
  readonly width: number;
  readonly height: number;
  readonly thumbnail: number;
  readonly place: (index: number) => Corner;
}

async function drawThumbnails(
  photos: readonly Photo[],
  { width, height, thumbnail, place, ...run }: Sheet,
): Promise<ThumbnailMap> {
  const watch = watchInterrupts(run);
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  context.fillStyle = 'white';
  context.fillRect(0, 0, width, height);
  for (let i = 0; i < photos.length && !watch.stopped; i++) {
    const image = await decode(photos[i].path);
    const [x, y, w, h] = photos[i].crop ?? [0, 0, image.width, image.height];
    const side = Math.min(w, h);
    const [left, top] = place(i);
    context.drawImage(image, x + (w - side) / 2, y + (h - side) / 2, side, side, left, top, thumbnail, thumbnail);
    await watch.step({ done: i + 1, total: photos.length });
  }
  const { data } = context.getImageData(0, 0, width, height);
  const rgb = new Float32Array(width * height * 3);
  for (let p = 0; p < width * height; p++) for (let c = 0; c < 3; c++) rgb[3 * p + c] = data[4 * p + c] / 255;
  const centers = photos.map((_, i): Corner => [place(i)[0] + thumbnail / 2, place(i)[1] + thumbnail / 2]);
  return { image: tf.tensor3d(rgb, [height, width, 3]), centers, stopped: watch.stopped };
}
