import type { MaximizeOptions } from './optimize';
import { pixels } from './parametrization';
import { blur, clipContribution, clipNorm, decay, type Projection } from './projections';
import { PIXEL_NOISE } from './start';
import { byProgress, plain } from './steps';

/** 一组有名字的设置：`maximize(model, objective, { ...preset.options, seed: 1 })`。 */
export interface Preset {
  /** 名字，如 'Yosinski 1'。 */
  readonly name: string;
  /** 这组设置给人的印象与出处，一句话。 */
  readonly note: string;
  /** 交给 maximize 的选项。 */
  readonly options: MaximizeOptions;
}

/** Papers count pixels 0 … 255; a gradient step in that unit is 1/255² of it for [0, 1]. */
const UNIT = 255 * 255;
const START = { parametrization: pixels(), start: 'noise', noise: PIXEL_NOISE } as const;

interface YosinskiRow {
  readonly decay: number;
  readonly sigma: number;
  readonly every: number;
  readonly norm: number;
  readonly contribution: number;
}

/** The order of the authors' toolbox: decay, blur, small norm, small contribution. */
const projectionsOf = (row: YosinskiRow): Projection[] => [
  ...(row.decay ? [decay(row.decay)] : []),
  ...(row.sigma ? [blur(row.sigma, row.every)] : []),
  ...(row.norm ? [clipNorm(row.norm)] : []),
  ...(row.contribution ? [clipContribution(row.contribution)] : []),
];

const yosinski = (index: number, note: string, row: YosinskiRow, options: MaximizeOptions): Preset => ({
  name: `Yosinski ${index}`,
  note,
  options: { ...START, ...options, penalties: [], transforms: [], projections: projectionsOf(row) },
});

/**
 * Yosinski 等人 2015 的四组设置（arXiv:1506.06579, Table 1），换算成 [0, 1] 的单位：
 * 学习率与它的上限除以 255²，衰减、模糊、百分位不变；起点是均值加 N(0, 10/255) 的噪声。
 */
export const yosinskiPresets: readonly Preset[] = [
  yosinski(
    1,
    '细节多：模糊弱，一半的像素被置零',
    { decay: 0, sigma: 0.5, every: 4, norm: 50, contribution: 0 },
    { steps: 500, step: byProgress(2, 100 / UNIT) },
  ),
  yosinski(
    2,
    '衰减强：只留下最要紧的笔画',
    { decay: 0.3, sigma: 0, every: 1, norm: 20, contribution: 0 },
    { steps: 750, step: plain(100 / UNIT) },
  ),
  yosinski(
    3,
    '最平滑，论文的多数图用它',
    { decay: 1e-4, sigma: 1, every: 4, norm: 0, contribution: 0 },
    { steps: 1000, step: plain(100 / UNIT) },
  ),
  yosinski(
    4,
    '稀疏：每步只留贡献最大的十分之一像素',
    { decay: 0, sigma: 0.5, every: 4, norm: 0, contribution: 90 },
    { steps: 1000, step: byProgress(2, 1e8 / UNIT) },
  ),
];
