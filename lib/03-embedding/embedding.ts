import { nearestRows, type Matrix } from './nearest-rows';
import { asMatrix, type Rows } from './rows';
import { tsneJsSteps } from './layouts/tsne-js';
import { affinities } from './layouts/affinities';
import { tsneLayout } from './layouts/optimizer';
import { barnesHutRepulsion } from './layouts/repulsion-barnes-hut';
import { exactRepulsion } from './layouts/repulsion-exact';
import { umapLayout } from './layouts/umap';
import { unknownName } from '../base/errors';
import { watchInterrupts, type InterruptWatch, type LongRun, type RunStep, type StopReason } from '../base/interrupt';
import { principalComponents } from './pca';
import { randomGenerator } from '../base/random';

export * from './neighbours';
export { gridLayout, type GridCell } from './layouts/assignment';
export { type Pca, pca } from './pca';

export type Point = [x: number, y: number];
export type EmbeddingMethod = 'tsne' | 'umap' | 'tsne-js';

export interface EmbedStep extends RunStep {
  /** KL(P ‖ Q)，单位奈特；UMAP 不报，是 undefined。 */
  readonly kl: number | undefined;
  /** 各点现在的位置。 */
  readonly points: Point[];
  readonly notes: readonly string[];
}

/** `onStep` 每 25 步调用一次。 */
export interface EmbedOptions extends LongRun<EmbedStep> {
  /** 方法（method）：'tsne' 是本课自己的实现；'umap'；'tsne-js' 用来对照（逐对计算，点多时很慢）。 */
  method?: EmbeddingMethod;
  /** 困惑度（perplexity）：每个点大约顾及几个邻居；须小于点数的三分之一。 */
  perplexity?: number;
  /** 步数（steps）：t-SNE 缺省 1000，UMAP 缺省 500。 */
  steps?: number;
  /** 每个点取几个近邻（neighbours）：t-SNE 缺省 3 × 困惑度，UMAP 缺省 15。 */
  neighbours?: number;
  seed?: number;
  /** 斥力怎么算（repulsion）：'exact' 逐对相加，'barnes-hut' 近似；缺省：500 个点以内逐对。 */
  repulsion?: 'exact' | 'barnes-hut';
  /** Barnes-Hut 的精度（theta），0 到 1：越小越准、越慢。 */
  theta?: number;
  /** 起点（initialization）：前两个主成分，或随机。 */
  initialization?: 'pca' | 'random';
}

export interface Embedding {
  /** 每行一个 [x, y]；单位没有意义。 */
  readonly points: Point[];
  /** 每 25 步的 KL(P ‖ Q)；P 被放大时也按真正的 P 计算。UMAP 是空的。 */
  readonly loss: readonly { readonly step: number; readonly kl: number }[];
  readonly settings: Readonly<Record<string, number | string>>;
  /** 值得知道的事，例如这么多点这种方法很慢。 */
  readonly notes: readonly string[];
  readonly stopped?: StopReason;
}

type Settings = Required<Omit<EmbedOptions, 'onStep' | 'signal'>>;
type State = { step: number; points: () => Point[]; kl: () => number | undefined };

/**
 * t 分布随机邻域嵌入（t-SNE）：
 * 1. 高维里每对点按距离得到概率 p_ij：谁是谁的邻居；
 * 2. 平面上每对点按距离得到 q_ij ∝ 1 / (1 + |y_i − y_j|²)；
 * 3. 移动平面上的点，使 KL(P ‖ Q) 变小：邻居相吸，所有的点相斥。
 */
async function* tsne(matrix: Matrix, start: Point[], settings: Settings, watch: InterruptWatch): AsyncGenerator<State> {
  const table = await nearestRows(matrix, settings.neighbours, watch);
  if (!table) return;
  const p = affinities(table, settings.perplexity);
  const repulsion = settings.repulsion === 'exact' ? exactRepulsion : barnesHutRepulsion(settings.theta);
  const layout = tsneLayout(p, start, repulsion);
  for (let step = 1; step <= settings.steps; step++) {
    layout.step();
    yield { step, points: layout.points, kl: layout.loss };
  }
}

async function* umap(matrix: Matrix, _: Point[], settings: Settings, watch: InterruptWatch): AsyncGenerator<State> {
  const table = await nearestRows(matrix, settings.neighbours, watch);
  if (!table) return;
  const layout = umapLayout(matrix, table, settings.steps, randomGenerator(settings.seed));
  for (let step = 1; step <= settings.steps; step++) {
    layout.step();
    yield { step, points: layout.points, kl: () => undefined };
  }
}

async function* tsneJs(
  matrix: Matrix,
  start: Point[],
  settings: Settings,
  watch: InterruptWatch,
): AsyncGenerator<State> {
  for await (const { step, points, kl } of tsneJsSteps(matrix, start, settings, watch)) {
    yield { step, points: () => points, kl: () => kl };
  }
}

const METHODS = { tsne, umap, 'tsne-js': tsneJs };
const REPORT_EVERY = 25;

/**
 * 把高维的点排到平面上（embedding）：高维里的近邻，在平面上也靠近。
 *
 * 同一个种子（seed）每次得到完全相同的结果。中断或 abort 之后在一步之内停下，交出当时的点，并写明 `stopped`。
 *
 * @param features 特征矩阵（feature matrix），或写成数组的点：每行一个点
 * @param options 方法、困惑度、步数、种子……见 EmbedOptions
 * @returns `points`：每行一个 [x, y]；`loss`：KL 的记录；`settings`：用到的设置。普通对象，不需要 dispose
 * @throws RangeError 困惑度不小于点数的三分之一、特征里有 NaN、选项的值不对
 *
 * 论文：van der Maaten & Hinton, Visualizing Data using t-SNE (2008)；McInnes et al., UMAP (2018)
 * @example
 * const { points } = await embed(await pixelMatrix(coursePhotos().slice(0, 12), 8), { perplexity: 3, steps: 50 });
 */
export async function embed(
  features: Rows,
  {
    method = 'tsne',
    perplexity = 30,
    steps = method === 'umap' ? 500 : 1000,
    neighbours = method === 'umap' ? 15 : Math.floor(3 * perplexity),
    seed = 0,
    repulsion,
    theta = 0.4,
    initialization = 'pca',
    ...run
  }: EmbedOptions = {},
): Promise<Embedding> {
  const matrix = asMatrix(features, 4);
  const { rows, columns } = matrix;
  const settings: Settings = {
    ...{ method, perplexity, steps, seed, theta, initialization },
    // UMAP counts a point as its own neighbour, and wants more points than that.
    neighbours: Math.min(neighbours, method === 'umap' ? rows - 2 : rows - 1),
    repulsion: repulsion ?? (rows <= 500 ? 'exact' : 'barnes-hut'),
  };
  checkSettings(settings, rows);
  const notes =
    method === 'tsne-js' && rows > 500
      ? [`tsne-js 的工作量与点数的平方成正比，${rows} 个点要几分钟以上；method: 'tsne' 快几十倍，结果一样好`]
      : [];
  const watch = watchInterrupts(run);
  const loss: { step: number; kl: number }[] = [];
  const start = await startPoints(matrix, settings, run.signal);
  let points = () => start;
  for await (const state of METHODS[method](matrix, start, settings, watch)) {
    points = state.points;
    if (watch.stopped) break;
    // tsne-js hands over only now and then, and may end before the last step: all of that is reported.
    if (method === 'tsne-js' || state.step % REPORT_EVERY === 0 || state.step === steps) {
      const kl = state.kl();
      if (kl !== undefined) loss.push({ step: state.step, kl });
      await watch.step({ done: state.step, total: steps, kl, points: points(), notes });
    } else await watch.breathe();
  }
  return { points: points(), loss, settings: { ...settings, rows, columns }, notes, stopped: watch.stopped };
}

function checkSettings(s: Settings, rows: number): void {
  if (!(s.method in METHODS)) throw unknownName('方法', s.method, Object.keys(METHODS));
  const choices = { repulsion: ['exact', 'barnes-hut'], initialization: ['pca', 'random'] } as const;
  for (const [name, allowed] of Object.entries(choices)) {
    const value = s[name as keyof typeof choices];
    if (!(allowed as readonly string[]).includes(value)) throw unknownName(` ${name} `, value, allowed);
  }
  if (!Number.isInteger(s.steps) || s.steps < 1) {
    throw new RangeError(`步数（steps）应为正整数，得到 ${s.steps}`);
  }
  if (!(s.theta >= 0 && s.theta <= 1)) throw new RangeError(`theta 应在 0 到 1 之间，得到 ${s.theta}`);
  if (!Number.isInteger(s.neighbours) || s.neighbours < 1) {
    throw new RangeError(`近邻数（neighbours）应为正整数，得到 ${s.neighbours}`);
  }
  if (s.method !== 'umap' && !(s.perplexity >= 1 && s.perplexity < rows / 3)) {
    throw new RangeError(
      `困惑度（perplexity）应不小于 1，并小于点数的三分之一：${rows} 个点要小于 ${(rows / 3).toFixed(1)}，得到 ${s.perplexity}；` +
        '请减小 perplexity 或增加点数',
    );
  }
}

/** Two principal components or a small cloud, both with standard deviation 1e-4 as the step size expects. */
async function startPoints(matrix: Matrix, { initialization, seed }: Settings, signal?: AbortSignal): Promise<Point[]> {
  const random = randomGenerator(seed);
  const cloud = (size: number) =>
    Array.from({ length: matrix.rows }, (): Point => [size * random.normal(), size * random.normal()]);
  if (initialization === 'random') return cloud(1e-4);
  const { scores, variances } = await principalComponents(matrix, 2, watchInterrupts({ signal }));
  const scale = 1e-4 / Math.sqrt(variances[0] || 1);
  // The jitter lets equal points part: with the same position they would have the same gradient for ever.
  return cloud(1e-8).map(([x, y], i) => [x + scale * scores[0][i], y + scale * (scores[1]?.[i] ?? 0)]);
}
