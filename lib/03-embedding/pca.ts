import type { Matrix } from './nearest-rows';
import { asMatrix, type Rows } from './rows';
import { watchInterrupts, type InterruptWatch, type LongRun, type StopReason } from '../base/interrupt';
import { randomGenerator } from '../base/random';

/** Leading principal components: `scores[c][i]` is row i along component c, `variances[c]` the variance along it. */
export interface PrincipalComponents {
  readonly scores: Float64Array[];
  readonly variances: number[];
  readonly totalVariance: number;
}

/** Most rounds of the iteration. */
const ROUNDS = 500;

const dot = (a: Float64Array, b: Float64Array, fromA = 0, fromB = 0, length = a.length) => {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += a[fromA + i] * b[fromB + i];
  return sum;
};

/** Rows with the mean row taken off; with `transpose` the columns of that, as rows. */
function centred({ data, rows, columns }: Matrix, transpose: boolean): Float64Array {
  const mean = new Float64Array(columns);
  for (let i = 0; i < rows; i++) for (let c = 0; c < columns; c++) mean[c] += data[i * columns + c] / rows;
  const out = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let c = 0; c < columns; c++) out[transpose ? c * rows + i : i * columns + c] = data[i * columns + c] - mean[c];
  }
  return out;
}

/** A Aᵀ of a matrix with `size` rows. */
async function gram(a: Float64Array, size: number, watch: InterruptWatch): Promise<Float64Array> {
  const length = a.length / size;
  const out = new Float64Array(size * size);
  for (let i = 0; i < size && !watch.stopped; i++) {
    for (let j = 0; j <= i; j++) out[i * size + j] = out[j * size + i] = dot(a, a, i * length, j * length, length);
    await watch.step({ done: i + 1, total: size + ROUNDS });
  }
  return out;
}

/** Gram-Schmidt, each vector twice: the first pass leaves rounding errors of the size of what it took off. */
function orthonormalise(vectors: Float64Array[]): void {
  for (let at = 0; at < vectors.length; at++) {
    const v = vectors[at];
    for (const earlier of [...vectors.slice(0, at), ...vectors.slice(0, at)]) {
      const share = dot(v, earlier);
      for (let i = 0; i < v.length; i++) v[i] -= share * earlier[i];
    }
    const norm = Math.sqrt(dot(v, v));
    if (norm > 0) for (let i = 0; i < v.length; i++) v[i] /= norm;
  }
}

/** Leading eigenvectors of a symmetric matrix by orthogonal iteration: multiply, orthonormalise, until nothing turns. */
async function leadingEigenvectors(s: Float64Array, size: number, count: number, watch: InterruptWatch) {
  const random = randomGenerator(1);
  let vectors = Array.from({ length: count }, () => Float64Array.from({ length: size }, () => random.normal()));
  orthonormalise(vectors);
  let values: number[] = [];
  for (let round = 0; round < ROUNDS && !watch.stopped; round++) {
    const images = vectors.map((v) => Float64Array.from({ length: size }, (_, i) => dot(v, s, 0, i * size)));
    const next = vectors.map((v, c) => dot(v, images[c]));
    const settled = next.every((value, c) => Math.abs(value - values[c]) <= 1e-12 * next[0]);
    values = next;
    if (settled) break;
    orthonormalise(images);
    vectors = images;
    await watch.step({ done: size + round + 1, total: size + ROUNDS });
  }
  return { vectors, values };
}

/**
 * The leading principal components. Works on whichever is smaller: the covariance of the columns or the inner
 * products of the rows (both have the same non-zero eigenvalues).
 */
export async function principalComponents(
  matrix: Matrix,
  count: number,
  watch: InterruptWatch,
): Promise<PrincipalComponents> {
  const { rows, columns } = matrix;
  const wide = columns > rows;
  const size = wide ? rows : columns;
  const a = centred(matrix, !wide);
  const s = await gram(a, size, watch);
  const { vectors, values } = await leadingEigenvectors(s, size, Math.min(count, size), watch);
  const scores = vectors.map((v, c) => {
    const score = new Float64Array(rows);
    if (wide) for (let i = 0; i < rows; i++) score[i] = v[i] * Math.sqrt(Math.max(values[c], 0));
    else for (let d = 0; d < columns; d++) for (let i = 0; i < rows; i++) score[i] += a[d * rows + i] * v[d];
    return oriented(score);
  });
  let trace = 0;
  for (let i = 0; i < size; i++) trace += s[i * size + i];
  return { scores, variances: values.map((value) => value / (rows - 1)), totalVariance: trace / (rows - 1) };
}

/** An eigenvector's sign is free: make the entry of largest size positive, so that pictures do not flip. */
function oriented(score: Float64Array): Float64Array {
  let largest = 0;
  for (const value of score) if (Math.abs(value) > Math.abs(largest)) largest = value;
  return largest < 0 ? score.map((value) => -value) : score;
}

export interface Pca {
  /** 各行沿主成分的坐标：行数 × 主成分数。 */
  readonly scores: Matrix;
  /** 每个主成分占总方差的几成，0 到 1，由大到小。 */
  readonly explained: readonly number[];
  readonly stopped?: StopReason;
}

/**
 * 主成分分析（principal component analysis, PCA）：方差最大的几个互相垂直的方向上的坐标。
 *
 * @param features 特征矩阵，或写成数组的点：每行一个点
 * @param components 取几个主成分，缺省 2
 * @param run `onStep`、`signal`，见 LongRun
 * @returns `scores`：点数 × 主成分数；`explained`：各主成分占总方差的比例。普通对象，不需要 dispose
 * @throws RangeError 主成分数不对、特征里有 NaN
 * @example
 * const { explained } = await pca([[0, 0], [1, 1], [2, 2]], 1);
 * explained[0]; // 1
 */
export async function pca(features: Rows, components = 2, run: LongRun = {}): Promise<Pca> {
  const matrix = asMatrix(features, 2);
  const most = Math.min(matrix.rows, matrix.columns);
  if (!Number.isInteger(components) || components < 1 || components > most) {
    throw new RangeError(`主成分数应为 1 到 ${most} 的整数，得到 ${components}`);
  }
  const watch = watchInterrupts(run);
  const { scores, variances, totalVariance } = await principalComponents(matrix, components, watch);
  const data = new Float64Array(matrix.rows * components);
  scores.forEach((score, c) => score.forEach((value, i) => (data[i * components + c] = value)));
  return {
    scores: { data, rows: matrix.rows, columns: components },
    explained: variances.map((variance) => variance / (totalVariance || 1)),
    stopped: watch.stopped,
  };
}
