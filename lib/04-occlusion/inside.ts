import type { tf } from '../tf/backend';
import { checkFields, checkNumbers } from '../base/check';
import { checkTensor } from '../image/check';

/** 图上的一个矩形，行、列从 first 到 last（不含），像素；见 objectIn。 */
export interface Region {
  /** [第一行, 最后一行的下一行]，像素。 */
  readonly rows: readonly [first: number, last: number];
  /** [第一列, 最后一列的下一列]，像素。 */
  readonly cols: readonly [first: number, last: number];
}

/**
 * 矩形之内与之外，各自的平均大小（mean absolute value inside and outside）。取绝对值，所以正负不会互相抵消。
 *
 * @param map 热图 [h, w]；不会被释放
 * @param region 像素的行与列；边上的像素按它的中心算
 * @returns `inside` 与 `outside`，单位与 map 相同
 * @throws RangeError 矩形之内或之外一个像素也没有
 * @example
 * const map = tf.tensor2d([[1, 1, 0], [1, 1, 0], [0, 0, 0]]);
 * const { inside, outside } = await meanInside(map, { rows: [0, 2], cols: [0, 2] });
 * inside; // 1
 * dispose(map);
 */
export async function meanInside(map: tf.Tensor2D, region: Region): Promise<{ inside: number; outside: number }> {
  const { rows, cols } = checkFields('region', region, ['rows', 'cols'], '矩形 { rows: [首, 末], cols: [首, 末] }');
  for (const [what, range] of Object.entries({ rows, cols })) checkNumbers(what, range, 2);
  const [height, width] = checkTensor(map, 'map', 2).shape;
  const values = await map.data();
  const [sums, counts] = [
    [0, 0],
    [0, 0],
  ];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const center = [y + 0.5, x + 0.5];
      const inside = center[0] >= rows[0] && center[0] < rows[1] && center[1] >= cols[0] && center[1] < cols[1];
      sums[Number(inside)] += Math.abs(values[y * width + x]);
      counts[Number(inside)]++;
    }
  }
  if (!counts[0] || !counts[1]) {
    throw new RangeError(`矩形（行 ${rows.join('–')}，列 ${cols.join('–')}）应把 [${height}, ${width}] 的图分成两部分`);
  }
  return { inside: sums[1] / counts[1], outside: sums[0] / counts[0] };
}
