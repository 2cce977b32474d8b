import { randomGenerator } from '../base/random';
import { checkList, checkNumber, checkNumbers } from '../base/check';

/** As many numbers as the size says. */
export function checkFilter(filter: ArrayLike<number>, size: readonly [number, number]): void {
  const [height, width] = checkNumbers('size', size, 2);
  if (checkNumbers('核', filter).length === height * width) return;
  throw new RangeError(`${height}×${width} 的核应有 ${height * width} 个数，得到 ${filter.length} 个`);
}

/**
 * 相邻两格有多像（neighbour correlation）：减去平均之后，每一格与右边、下边一格的相关，−1 到 1。白噪声约为 0，平缓的图案接近 1。
 *
 * @param filter kh × kw 个数，按行存放
 * @param size [kh, kw]
 * @throws RangeError 个数与大小不符
 * @example
 * neighbourCorrelation([1, 1, 0, 0], [2, 2]); // 0
 */
export function neighbourCorrelation(filter: ArrayLike<number>, size: readonly [number, number]): number {
  checkFilter(filter, size);
  const [height, width] = size;
  const mean = Array.from(filter).reduce((a, b) => a + b, 0) / filter.length;
  let [together, energy, pairs] = [0, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const here = filter[y * width + x] - mean;
      energy += here * here;
      for (const [dy, dx] of [
        [0, 1],
        [1, 0],
      ]) {
        if (y + dy >= height || x + dx >= width) continue;
        together += here * (filter[(y + dy) * width + x + dx] - mean);
        pairs++;
      }
    }
  }
  return energy > 0 ? together / pairs / (energy / filter.length) : 0;
}

const average = (filters: readonly ArrayLike<number>[], size: readonly [number, number]) =>
  filters.reduce((sum, f) => sum + neighbourCorrelation(f, size), 0) / filters.length;

/** White noise under a Gaussian window; the noise around the filter is drawn too, so that its borders are no different. */
function blurredNoise(count: number, [height, width]: readonly [number, number], sigma: number, seed: number) {
  const random = randomGenerator(seed);
  // with the widest sigma that is tried, 4, the window is nearly flat
  const reach = 4;
  const weights = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-0.5 * ((i - reach) / sigma) ** 2));
  const [high, wide] = [height + 2 * reach, width + 2 * reach];
  return Array.from({ length: count }, () => {
    const noise = Float64Array.from({ length: high * wide }, () => random.normal());
    const rows = new Float64Array(high * width);
    for (let y = 0; y < high; y++)
      for (let x = 0; x < width; x++)
        rows[y * width + x] = weights.reduce((sum, w, k) => sum + w * noise[y * wide + x + k], 0);
    return Float32Array.from({ length: height * width }, (_, i) =>
      weights.reduce((sum, w, k) => sum + w * rows[(Math.floor(i / width) + k) * width + (i % width)], 0),
    );
  });
}

/**
 * 一样平滑的随机核（smoothed noise）：白噪声经过高斯模糊，模糊到相邻两格的相关与 `like` 的平均相同。
 * 训练过的核比白噪声平滑，单凭这一点就会显得"有图案"；与一样平滑的随机核比，才知道图案是不是学来的。
 *
 * @param like 训练过的核，每个 kh × kw 个数
 * @param size [kh, kw]
 * @param options `count`：几个，默认与 like 一样多；`seed`：默认 0
 * @returns `count` 个核，每个 kh × kw 个数
 * @throws RangeError like 是空的，或个数与大小不符
 * @example
 * const { size, patterns } = await filterPatterns(model);
 * const control = smoothNoise(patterns.map(({ values }) => values), size, { seed: 1 });
 */
export function smoothNoise(
  like: readonly ArrayLike<number>[],
  size: readonly [number, number],
  { count = checkList('like', like).length, seed = 0 }: { count?: number; seed?: number } = {},
): Float32Array[] {
  if (like.length === 0) throw new RangeError('like 是空的：至少要有一个核');
  checkNumber('count', count, 1);
  const wanted = average(like, size);
  // The correlation rises with the blur: bisection. Many draws, so that the blur does not follow the draw's own chance.
  let [low, high] = [0.05, 4];
  for (let i = 0; i < 20; i++) {
    const middle = (low + high) / 2;
    if (average(blurredNoise(200, size, middle, seed + 1), size) < wanted) low = middle;
    else high = middle;
  }
  return blurredNoise(count, size, (low + high) / 2, seed);
}
