import { checkFields, checkList } from '../base/check';
import type { Matrix } from './nearest-rows';

/** 多个高维点（data points）：一张特征矩阵，或写成数组的几行数。 */
export type Rows = Matrix | readonly (readonly number[])[];

const isList = (rows: Rows): rows is readonly (readonly number[])[] => Array.isArray(rows);

export const checkMatrix = <M extends Matrix>(features: M): M =>
  checkFields('features', features, ['data', 'rows', 'columns'], '特征矩阵（await featureMatrix(…) 的结果）');

/** The matrix behind either form, checked: shape right, every value finite. */
export function asMatrix(rows: Rows, atLeast: number): Matrix {
  if (isList(rows)) checkList('features', rows, (row, what) => checkList(what, row));
  if (isList(rows) && rows.some((row) => row.length !== rows[0].length)) {
    throw new RangeError('每一行的长度应相同：每个点的维数要一样');
  }
  const matrix = isList(rows)
    ? { data: Float64Array.from(rows.flat()), rows: rows.length, columns: rows[0]?.length ?? 0 }
    : checkMatrix(rows);
  if (matrix.rows < atLeast || matrix.columns < 1) {
    throw new RangeError(`至少需要 ${atLeast} 个点、1 个维度，得到 ${matrix.rows} × ${matrix.columns}`);
  }
  if (matrix.data.length !== matrix.rows * matrix.columns) {
    throw new RangeError(`data 应有 ${matrix.rows} × ${matrix.columns} 个数，得到 ${matrix.data.length} 个`);
  }
  const bad = firstNotFinite(matrix.data);
  if (bad >= 0) {
    const row = Math.floor(bad / matrix.columns);
    const what = matrix.data[bad];
    throw new RangeError(
      `第 ${row} 行第 ${bad % matrix.columns} 列是 ${what}，不是有限的数；请先检查特征（features）里的 NaN`,
    );
  }
  return matrix;
}

/** A plain loop: `findIndex` with a callback would take longer than the distances themselves. */
function firstNotFinite(data: Float32Array | Float64Array): number {
  for (let at = 0; at < data.length; at++) if (!Number.isFinite(data[at])) return at;
  return -1;
}
