import { checkFields, checkList } from './check';

/** 随机数发生器（random generator）。 */
export interface RandomGenerator {
  /** [0, 1) 里均匀分布的数（uniform）。 */
  uniform(): number;
  /** 标准正态分布的数（normal，Box-Muller）。 */
  normal(): number;
  /** 0 … n − 1 的整数，均匀分布。 */
  integer(n: number): number;
}

/**
 * 可复现的随机数发生器（mulberry32, seeded）：同一个种子给出同一串数。
 * @example
 * const random = randomGenerator(1);
 * const numbers = [random.uniform(), random.normal(), random.integer(10)];
 */
export function randomGenerator(seed: number): RandomGenerator {
  if (!Number.isFinite(seed)) throw new TypeError(`seed 应为有限的数，得到 ${seed}`);
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return {
    uniform,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    integer: (n) => Math.floor(uniform() * n),
  };
}

/**
 * 打乱次序（Fisher-Yates shuffle）：返回新的一列，原来的不变；次序由 random 定，同一个种子每次一样。
 * @example
 * const order = shuffled([0, 1, 2, 3], randomGenerator(1));
 * order.length; // 4
 */
export function shuffled<L extends Float32Array | Int32Array | readonly unknown[]>(
  values: L,
  random: Pick<RandomGenerator, 'integer'>,
): L extends readonly (infer T)[] ? T[] : L {
  const { integer } = checkFields('random', random, ['integer'], ' randomGenerator(种子) 的结果');
  const list = checkList('values', values).slice() as unknown[];
  for (let i = list.length - 1; i > 0; i--) {
    const j = integer(i + 1);
    [list[i], list[j]] = [list[j], list[i]];
  }
  return list as L extends readonly (infer T)[] ? T[] : L;
}
