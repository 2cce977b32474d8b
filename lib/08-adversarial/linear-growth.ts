import { randomGenerator } from '../base/random';
import { checkCounts, checkList, checkNumber, checkNumbers } from '../base/check';

/** 一个 n 维线性模型 f(x) = w·x 在同样大小的扰动下的反应。 */
export interface LinearGrowth {
  /** 维数 n（dimension）。 */
  readonly dimension: number;
  /** w·(x + ε·sign w) − w·x，实际算出来的变化。 */
  readonly signChange: number;
  /** 论文的公式 ε·||w||₁。 */
  readonly predicted: number;
  /** 随机符号的噪声（±ε）引起的变化的均方根。 */
  readonly noiseChange: number;
  /** 图像内容的贡献 |w·x| 的均方根：与它相比，扰动的 l∞ 范数小得多。 */
  readonly content: number;
}

/**
 * 线性模型的扰动随维数增长（growth with the dimension）：权重与输入都是随机的，ε 不变。
 *
 * 对齐的扰动引起的变化是 ε·||w||₁，与 n 成正比；随机噪声和图像内容只与 √n 成正比，因为正负相消。
 *
 * @param dimensions 维数，例如 [10, 100, 1000, 10000]
 * @param options `epsilon`：扰动上界，默认 2/255；`samples`：随机噪声与内容各抽几次，默认 50
 * @see Goodfellow et al. 2014, arXiv:1412.6572
 * @example
 * const [small, large] = linearGrowth([100, 10000], { samples: 5 });
 */
export function linearGrowth(
  dimensions: readonly number[],
  { epsilon = 2 / 255, samples = 50, seed = 0 }: { epsilon?: number; samples?: number; seed?: number } = {},
): LinearGrowth[] {
  checkNumber('epsilon', epsilon, 0, 1);
  checkCounts({ samples });
  const random = randomGenerator(seed);
  return checkList('dimensions', dimensions).map((n) => {
    if (!Number.isInteger(n) || n < 1) throw new RangeError(`维数应为正整数，得到 ${n}`);
    const w = Float64Array.from({ length: n }, () => random.normal());
    const dot = (x: ArrayLike<number>) => w.reduce((sum, v, i) => sum + v * x[i], 0);
    const rms = (draw: () => number) => {
      let squares = 0;
      for (let k = 0; k < samples; k++) squares += dot(Float64Array.from(w, draw)) ** 2;
      return Math.sqrt(squares / samples);
    };
    // Pixels around their mean, as large as those of photos: the deviation of uniform numbers is 0.29.
    const x = Float64Array.from(w, () => random.uniform() - 0.5);
    const attacked = Float64Array.from(x, (v, i) => v + epsilon * Math.sign(w[i]));
    return {
      dimension: n,
      signChange: dot(attacked) - dot(x),
      predicted: epsilon * w.reduce((s, v) => s + Math.abs(v), 0),
      noiseChange: rms(() => (random.uniform() < 0.5 ? -epsilon : epsilon)),
      content: rms(() => random.uniform() - 0.5),
    };
  });
}

/**
 * 双对数坐标上的斜率（log-log slope）：1 表示与 n 成正比，0.5 表示与 √n 成正比。
 * @example
 * growthExponent([1, 10, 100], [2, 20, 200]); // 1
 */
export function growthExponent(x: readonly number[], y: readonly number[]): number {
  if (checkNumbers('x', x).length !== checkNumbers('y', y).length || x.length < 2)
    throw new RangeError(`需要至少 2 个点，得到 ${x.length} 与 ${y.length}`);
  const [a, b] = [x, y].map((v) => checkNumbers('对数', v.map(Math.log)));
  const mean = (v: readonly number[]) => v.reduce((s, t) => s + t, 0) / v.length;
  const [ma, mb] = [mean(a), mean(b)];
  return a.reduce((s, v, i) => s + (v - ma) * (b[i] - mb), 0) / a.reduce((s, v) => s + (v - ma) ** 2, 0);
}
