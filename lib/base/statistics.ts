import { randomGenerator } from './random';
import { checkCounts, checkNumbers } from './check';

/**
 * 平均数（mean）。
 *
 * @throws RangeError 一个数也没有
 * @example
 * mean([1, 2, 6]); // 3
 */
export function mean(values: ArrayLike<number>): number {
  if (!checkNumbers('values', values).length) throw new RangeError('一个数也没有，求不出平均数');
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}

export interface BootstrapOptions {
  /** 重抽样的次数（bootstrap samples），缺省 2000。 */
  samples?: number;
  /** 区间的把握（confidence level），(0, 1)，缺省 0.95。 */
  level?: number;
  seed?: number;
}

/** 平均数与它的区间（mean with its interval）。 */
export interface Interval {
  readonly mean: number;
  /** 区间的下端与上端。 */
  readonly low: number;
  readonly high: number;
}

/**
 * 自助法（bootstrap, Efron 1979）：从 n 个数里有放回地抽 n 个，求平均，重复许多次；中间 95% 的那一段就是平均数的区间。
 * 每个数应当来自一张照片（或另一个彼此独立的单位），不要把同一张照片的几个数当成几个。
 *
 * @param values 至少两个有限的数
 * @returns `{ mean, low, high }`，同一个 seed 给出同一个区间
 * @throws RangeError 少于两个数、不是有限的数、samples 或 level 不对
 * @see Efron 1979, Annals of Statistics 7(1)
 * @example
 * const { mean, low, high } = bootstrap([0.2, 0.4, 0.3, 0.5], { seed: 1 });
 */
export function bootstrap(
  values: ArrayLike<number>,
  { samples = 2000, level = 0.95, seed = 0 }: BootstrapOptions = {},
): Interval {
  const list = Array.from(checkNumbers('values', values));
  if (list.length < 2) throw new RangeError(`自助法至少要两个有限的数，得到 [${list.join(', ')}]`);
  checkCounts({ samples });
  if (!(level > 0 && level < 1)) throw new RangeError(`level 应在 0 与 1 之间，得到 ${level}`);
  const random = randomGenerator(seed);
  const means = Float64Array.from({ length: samples }, () => {
    let sum = 0;
    for (let i = 0; i < list.length; i++) sum += list[random.integer(list.length)];
    return sum / list.length;
  }).sort();
  const at = (share: number) => means[Math.min(samples - 1, Math.floor(share * samples))];
  return { mean: mean(list), low: at((1 - level) / 2), high: at((1 + level) / 2) };
}

/**
 * 成对的差（paired difference）的平均与区间：第 i 个数都来自第 i 张照片，先相减，再用自助法。
 * 区间不含 0，两者的差别就不只是碰巧。
 *
 * @throws RangeError 两列的长度不同，其余同 bootstrap
 * @example
 * const gain = bootstrapDifference([0.9, 0.8, 0.7], [0.5, 0.6, 0.4]);
 */
export function bootstrapDifference(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  options: BootstrapOptions = {},
): Interval {
  if (checkNumbers('a', a).length !== checkNumbers('b', b).length)
    throw new RangeError(`两列数要一一对应，得到 ${a.length} 个和 ${b.length} 个`);
  return bootstrap(Array.from(a, (value, i) => value - b[i]), options); // prettier-ignore
}
