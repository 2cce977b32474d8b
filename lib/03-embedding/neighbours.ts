import { nearestRowsSync, squaredDistance, type NeighbourTable } from './nearest-rows';
import { asMatrix, type Rows } from './rows';
import { affinities } from './layouts/affinities';
import { checkCounts, checkList, checkNumbers } from '../base/check';
import { mean } from '../base/statistics';
import { randomGenerator, shuffled } from '../base/random';

export type { Matrix } from './nearest-rows';
export type { Rows } from './rows';

export interface Neighbour {
  /** 邻居的行号。 */
  readonly index: number;
  /** 特征空间里的欧氏距离。 */
  readonly distance: number;
}

/**
 * 离某一行最近的几行（nearest neighbours）：欧氏距离，由近到远，不含它自己。
 *
 * @param features 特征矩阵（feature matrix），或写成数组的点
 * @param row 行号，从 0 开始
 * @param count 取几个，缺省 8
 * @returns 各邻居的行号 `index` 与距离 `distance`
 * @throws RangeError 行号或个数不对、特征里有 NaN
 * @example
 * const [nearest] = nearestNeighbours([[0, 0], [3, 4], [6, 8]], 0, 1);
 * nearest.distance; // 5
 */
export function nearestNeighbours(features: Rows, row: number, count = 8): Neighbour[] {
  const matrix = asMatrix(features, 2);
  if (!Number.isInteger(row) || row < 0 || row >= matrix.rows) {
    throw new RangeError(`行号应为 0 到 ${matrix.rows - 1} 的整数，得到 ${row}`);
  }
  checkCount(count, matrix.rows);
  const others = Array.from({ length: matrix.rows }, (_, index) => index).filter((index) => index !== row);
  return others
    .map((index) => ({ index, distance: Math.sqrt(squaredDistance(matrix, row, index)) }))
    .sort((a, b) => a.distance - b.distance || a.index - b.index)
    .slice(0, count);
}

/**
 * 每一行最近的几行（nearest neighbours of all rows），由近到远，不含它自己。
 *
 * @param features 特征矩阵（feature matrix），或写成数组的点
 * @param count 取几个，缺省 5
 * @returns 每行一个数组，次序与行相同
 * @throws RangeError 个数不对、特征里有 NaN
 * @example
 * const [ofFirst] = allNeighbours([[0, 0], [3, 4], [6, 8]], 1);
 * ofFirst[0].index; // 1
 */
export function allNeighbours(features: Rows, count = 5): Neighbour[][] {
  const matrix = asMatrix(features, 2);
  checkCount(count, matrix.rows);
  const { index, squared } = nearestRowsSync(matrix, count);
  const entries = Array.from(index, (row, e): Neighbour => ({ index: row, distance: Math.sqrt(squared[e]) }));
  return Array.from({ length: matrix.rows }, (_, i) => entries.slice(i * count, (i + 1) * count));
}

export interface PurityOptions {
  /** 每个点看几个最近邻（neighbours），缺省 5。 */
  neighbours?: number;
  /** 只看这些行（subset）：邻居也只在其中找；缺省：全部。 */
  subset?: (row: number) => boolean;
  /** 对照组打乱标签几次（shuffles），缺省 20：平均与标准差够用了。 */
  shuffles?: number;
  /** 随机种子，默认 0；同一个种子给出同样的结果。 */
  seed?: number;
}

export interface Purity {
  /** 每行的最近邻里与它同标签的占比，各行平均，0 到 1。 */
  readonly purity: number;
  /** 标签打乱之后同样的量：几次打乱的平均与标准差。 */
  readonly control: number;
  /** 各次打乱的标准差。 */
  readonly controlSpread: number;
  /** 每一行自己的纯度（shares），次序与看过的行相同：求区间用 bootstrap(shares)。 */
  readonly shares: readonly number[];
  /** 看了几行。 */
  readonly count: number;
  /** 每个点看了几个邻居。 */
  readonly neighbours: number;
  /** 每个标签：有几行，纯度多少。 */
  readonly byLabel: Readonly<Record<string, { readonly count: number; readonly purity: number }>>;
}

/**
 * 近邻纯度（neighbour purity）：每个点的最近邻里，与它同一标签的占多少；自己不算自己的邻居（leave-one-out）。
 * 在特征空间里量，不在 t-SNE 的图上量。对照（control）：同样的邻居，标签随机打乱。
 *
 * @param features 特征矩阵（feature matrix），或写成数组的点
 * @param labels 每行一个标签（label），如照片的类别
 * @param options `neighbours`：看几个邻居；`subset`：只看一部分行，如只看真实场景；`seed`
 * @throws RangeError 标签数与行数不同、剩下的行不多于邻居数、特征里有 NaN
 * @example
 * const points = [[0, 0], [0, 1], [0, 2], [9, 0], [9, 1], [9, 2]];
 * const { purity, control } = neighbourPurity(points, ['甲', '甲', '甲', '乙', '乙', '乙'], { neighbours: 2 });
 * purity; // 1
 */
export function neighbourPurity(
  features: Rows,
  labels: readonly string[],
  { neighbours = 5, subset = () => true, shuffles = 20, seed = 0 }: PurityOptions = {},
): Purity {
  const whole = asMatrix(features, 2);
  if (checkList('labels', labels).length !== whole.rows) {
    throw new RangeError(`标签数应等于行数：${whole.rows} 行，得到 ${labels.length} 个标签`);
  }
  const kept = labels.map((_, row) => row).filter(subset);
  checkCount(neighbours, kept.length);
  checkCounts({ shuffles });
  const { columns } = whole;
  const data = new Float64Array(kept.length * columns);
  kept.forEach((row, at) => data.set(whole.data.subarray(row * columns, (row + 1) * columns), at * columns));
  const table = nearestRowsSync({ data, rows: kept.length, columns }, neighbours);

  const own = kept.map((row) => labels[row]);
  const shares = sameLabelShares(table, own);
  const random = randomGenerator(seed);
  const controls = Array.from({ length: shuffles }, () => mean(sameLabelShares(table, shuffled(own, random))));
  const control = mean(controls);
  const byLabel: Record<string, { count: number; purity: number }> = {};
  for (const label of new Set(own)) {
    const of = shares.filter((_, at) => own[at] === label);
    byLabel[label] = { count: of.length, purity: mean(of) };
  }
  const controlSpread = Math.sqrt(mean(controls.map((value) => (value - control) ** 2)));
  return { purity: mean(shares), control, controlSpread, shares, count: kept.length, neighbours, byLabel };
}

/**
 * t-SNE 的联合概率 P（joint probabilities）：高维里的两个点有多像邻居。
 *
 * @param features 特征矩阵，或写成数组的点
 * @param options `perplexity`：困惑度；`neighbours`：每个点取几个近邻，缺省全部（n − 1）
 * @returns n × n 的数组，对称，对角线为 0，总和为 1。点多时很大，用于小例子
 * @throws RangeError 困惑度或近邻数不对、特征里有 NaN
 * @example
 * const p = jointProbabilities([[0, 0], [0, 1], [5, 5], [5, 6]], { perplexity: 1.5 });
 */
export function jointProbabilities(
  features: Rows,
  { perplexity = 30, neighbours }: { perplexity?: number; neighbours?: number } = {},
): number[][] {
  const matrix = asMatrix(features, 3);
  const k = neighbours ?? matrix.rows - 1;
  checkCount(k, matrix.rows);
  if (!(perplexity >= 1 && perplexity <= k)) {
    throw new RangeError(`困惑度（perplexity）应在 1 与近邻数 ${k} 之间，得到 ${perplexity}`);
  }
  const { start, to, weight } = affinities(nearestRowsSync(matrix, k), perplexity);
  const p = Array.from({ length: matrix.rows }, () => new Array<number>(matrix.rows).fill(0));
  for (let i = 0; i < matrix.rows; i++) {
    for (let e = start[i]; e < start[i + 1]; e++) p[i][to[e]] = p[to[e]][i] = weight[e];
  }
  return p;
}

/**
 * t-SNE 的损失 KL(P ‖ Q)（Kullback-Leibler divergence），按定义逐对计算，单位 nat。
 *
 * @param p 联合概率 P，n × n，由 `jointProbabilities` 得到
 * @param points 平面上的点，n × 2
 * @example
 * const points = [[0, 0], [0, 1], [5, 5], [5, 6]];
 * const loss = klDivergence(jointProbabilities(points, { perplexity: 1.5 }), points);
 */
export function klDivergence(p: readonly (readonly number[])[], points: readonly (readonly number[])[]): number {
  checkList('p', p, (row, what) => checkNumbers(what, row, p.length));
  checkList('points', points, (point, what) => checkNumbers(what, point, 2));
  if (p.length !== points.length) throw new RangeError(`P 有 ${p.length} 行，点有 ${points.length} 个：应当相同`);
  const closeness = (a: readonly number[], b: readonly number[]) => 1 / (1 + (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2);
  let z = 0;
  points.forEach((a, i) => points.forEach((b, j) => (z += i === j ? 0 : closeness(a, b))));
  let kl = 0;
  p.forEach((row, i) =>
    row.forEach((pij, j) => pij > 0 && (kl += pij * Math.log((pij * z) / closeness(points[i], points[j])))),
  );
  return kl;
}

function sameLabelShares({ k, index }: NeighbourTable, labels: readonly string[]): number[] {
  return labels.map((label, row) => {
    let same = 0;
    for (let e = row * k; e < row * k + k; e++) if (labels[index[e]] === label) same++;
    return same / k;
  });
}

function checkCount(count: number, rows: number): void {
  if (!Number.isInteger(count) || count < 1 || count >= rows) {
    throw new RangeError(`邻居数应为 1 到 ${rows - 1} 的整数（共 ${rows} 个点），得到 ${count}`);
  }
}
