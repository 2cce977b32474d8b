import { tf } from '../tf/backend';
import { checkNumbers } from '../base/check';
import { checkTensor } from './check';

/** 任何一串数（numbers）：数组、Float32Array，或张量读出来的 `await t.data()`。 */
export type Numbers = ArrayLike<number>;

const read = (numbers: Numbers): Numbers => checkNumbers('这一串数', numbers);

function pair(a: Numbers, b: Numbers): [Numbers, Numbers] {
  const [x, y] = [read(a), read(b)];
  if (x.length !== y.length || x.length === 0) {
    throw new RangeError(`要比较的两串数应一样长且不为空，得到 ${x.length} 与 ${y.length} 个`);
  }
  return [x, y];
}

/**
 * 欧氏范数（l2 norm）：平方和的平方根。
 * @example
 * l2Norm([3, 4]); // 5
 */
export function l2Norm(numbers: Numbers): number {
  const x = read(numbers);
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * x[i];
  return Math.sqrt(sum);
}

/**
 * 最大的绝对值（l-infinity norm）。
 * @example
 * lInfNorm([3, -4]); // 4
 */
export function lInfNorm(numbers: Numbers): number {
  const x = read(numbers);
  let largest = 0;
  for (let i = 0; i < x.length; i++) largest = Math.max(largest, Math.abs(x[i]));
  return largest;
}

/**
 * 夹角余弦（cosine similarity），−1 到 1；有一方为零时是 0。
 * @example
 * cosine([1, 0], [1, 1]); // 0.7071
 */
export function cosine(a: Numbers, b: Numbers): number {
  const [x, y] = pair(a, b);
  let dot = 0;
  for (let i = 0; i < x.length; i++) dot += x[i] * y[i];
  const norms = l2Norm(x) * l2Norm(y);
  return norms > 0 ? dot / norms : 0;
}

/**
 * 皮尔逊相关系数（Pearson correlation），−1 到 1；有一方是常数时是 0。
 * @example
 * pearson([1, 2, 3], [2, 4, 6]); // 1
 */
export function pearson(a: Numbers, b: Numbers): number {
  // From the first value on, so that a constant stays exactly 0 and its rounding is not taken for a pattern.
  const centred = (x: ArrayLike<number>) => {
    let mean = 0;
    for (let i = 0; i < x.length; i++) mean += (x[i] - x[0]) / x.length;
    return Float64Array.from(x, (v) => v - x[0] - mean);
  };
  const [x, y] = pair(a, b);
  return cosine(centred(x), centred(y));
}

/**
 * 名次（ranks），从 0 起；相等的值取平均名次。
 * @example
 * ranks([10, 30, 20, 20]); // [0, 3, 1.5, 1.5]
 */
export function ranks(numbers: Numbers): Float64Array {
  const x = read(numbers);
  const order = Uint32Array.from(x, (_, i) => i).sort((i, j) => x[i] - x[j]);
  const rank = new Float64Array(x.length);
  for (let from = 0; from < order.length;) {
    let to = from + 1;
    while (to < order.length && x[order[to]] === x[order[from]]) to++;
    for (let k = from; k < to; k++) rank[order[k]] = (from + to - 1) / 2;
    from = to;
  }
  return rank;
}

/**
 * 斯皮尔曼等级相关（Spearman rank correlation），−1 到 1：只看大小次序，不看数值。
 * @example
 * spearman([1, 2, 3], [1, 10, 100]); // 1
 */
export function spearman(a: Numbers, b: Numbers): number {
  const [x, y] = pair(a, b);
  return pearson(ranks(x), ranks(y));
}

/** A normalised Gaussian window, [size, size, 1, 1]. */
function gaussianWindow(size: number, sigma: number): tf.Tensor4D {
  const line = Array.from({ length: size }, (_, i) => Math.exp(-((i - (size - 1) / 2) ** 2) / (2 * sigma * sigma)));
  const total = line.reduce((a, b) => a + b, 0);
  return tf.tensor4d(
    line.flatMap((u) => line.map((v) => (u * v) / total ** 2)),
    [size, size, 1, 1],
  );
}

/**
 * 结构相似度（structural similarity, SSIM）：−1 到 1，1 表示相同。逐通道计算后取平均。
 *
 * 11 × 11 的高斯窗（σ = 1.5），只取完整落在图内的窗。
 *
 * @param a `[h, w]` 或 `[h, w, c]`，边长不小于 11；不会被 dispose
 * @param range 取值范围（决定两个稳定常数），缺省为两幅图合起来的最大值减最小值
 * @see Wang 等 2004
 * @example
 * await ssim(image, image); // 1
 */
export async function ssim(a: tf.Tensor, b: tf.Tensor, { range }: { range?: number } = {}): Promise<number> {
  if (
    checkTensor(a, 'a').shape.join() !== checkTensor(b, 'b').shape.join() ||
    a.rank < 2 ||
    a.rank > 3 ||
    Math.min(...a.shape.slice(0, 2)) < 11
  ) {
    throw new RangeError(
      `SSIM 需要两幅同样大小的图 [h, w] 或 [h, w, c]，边长不小于 11，得到 [${a.shape.join(', ')}] 与 [${b.shape.join(', ')}]`,
    );
  }
  const score = tf.tidy(() => {
    const planes = (x: tf.Tensor) => tf.expandDims(x.rank === 2 ? tf.expandDims(x, 0) : tf.transpose(x, [2, 0, 1]), 3);
    const [x, y] = [planes(a), planes(b)] as tf.Tensor4D[];
    const span = range ?? tf.sub(tf.maximum(x.max(), y.max()), tf.minimum(x.min(), y.min()));
    const window = gaussianWindow(11, 1.5);
    const mean = (z: tf.Tensor4D) => tf.conv2d(z, window, 1, 'valid');
    const [mx, my] = [mean(x), mean(y)];
    const squares = tf.add(tf.square(mx), tf.square(my));
    const product = tf.mul(mx, my);
    const variances = tf.sub(tf.add(mean(tf.square(x)), mean(tf.square(y))), squares);
    const covariance = tf.sub(mean(tf.mul(x, y)), product);
    // K1 and K2 of the paper, as its window of 11 with sigma 1.5
    const [c1, c2] = [0.01, 0.03].map((k) => tf.square(tf.mul(span, k)));
    const above = tf.mul(tf.add(tf.mul(product, 2), c1), tf.add(tf.mul(covariance, 2), c2));
    const below = tf.mul(tf.add(squares, c1), tf.add(variances, c2));
    // Two constant and equal images have no range: they are the same, not 0 / 0.
    const same = tf.logicalNot(tf.greater(span, 0));
    return tf.where(same, 1, tf.mean(tf.div(above, below)));
  });
  const [value] = await score.data();
  score.dispose();
  return value;
}

/** 曲线下的面积（area under the curve），梯形法，横轴总长取 1。 */
export function areaUnder(curve: ArrayLike<number>): number {
  if (curve.length < 2) throw new RangeError(`曲线至少要有两个点，得到 ${curve.length} 个`);
  let sum = 0;
  for (let i = 1; i < curve.length; i++) sum += (curve[i - 1] + curve[i]) / 2;
  return sum / (curve.length - 1);
}
