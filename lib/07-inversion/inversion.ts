import { tf } from '../tf/backend';
import { checkImage } from '../image/check';
import { variationWeight } from './presets';
import type { ImageModel } from '../model/model';
import { named } from '../base/named';
import { negative, type Objective } from '../06-optimization/objectives';
import { maximize, type MaximizeOptions, type Optimized } from '../06-optimization/optimize';
import { adam, type Step } from '../06-optimization/steps';
import { alphaNorm, totalVariation } from '../06-optimization/penalties';
import { given } from '../model/given';

export { type InversionSettings, mahendranPreset, paperLambda } from './presets';

/** 编码的一部分（part of a code）。 */
export interface CodePart {
  /** 只用这些通道（channel group）。 */
  channels?: readonly number[];
  /** 只用特征图上的一块：[行, 列, 高, 宽]，例如中央的 5×5。 */
  region?: readonly [number, number, number, number];
}

export interface InvertOptions
  extends
    CodePart,
    Pick<
      MaximizeOptions,
      'seed' | 'noise' | 'onStep' | 'signal' | 'start' | 'transforms' | 'parametrization' | 'verdict'
    > {
  /** 步进规则（step rule），默认 step.adam(0.03)：更大的步子更快凑准编码，却先丢掉布局。 */
  step?: Step;
  /** 全变分的系数，论文的 λ_TV；默认 0.05，所有层都用它（论文逐层取 1、10、100，见 mahendranPreset）。 */
  lambda?: number;
  /** α-范数（α = 6）的系数，penalty.alphaNorm 的单位；默认 0，傅里叶参数化本来就留在 [0, 1] 里。 */
  alpha?: number;
  /** 步数，默认 100。 */
  steps?: number;
  /** ‖φ(a) − φ(b)‖² 的平均（见 pairwiseDistances）：给了它就也报告第二种相对误差。 */
  pairwise?: number;
  /** 从上次的结果接着走；其他选项应与上次相同。 */
  resume?: Inverted;
}

export interface InversionError {
  /** ‖φ(I*) − φ₀‖² / ‖φ₀‖²：最优化的就是它；0 是编码完全相同。 */
  readonly ofCode: number;
  /** ‖φ(I*) − φ₀‖² / 两张照片之间的平均 ‖φ(a) − φ(b)‖²：1 是"像随便另一张照片那么远"。 */
  readonly ofPairs?: number;
}

/** 反演的结果：`best` 是重建的图像。 */
export interface Inverted extends Optimized {
  /** 编码来自哪一层。 */
  readonly layer: string;
  /** 用到的 λ_TV。 */
  readonly lambda: number;
  /** 重建的编码与原来的差多少。 */
  readonly error: InversionError;
}

/**
 * 特征反演（feature inversion）：只留下一幅图在某一层的编码（特征代表，CNN code），找一幅编码相同的图。
 *
 * 三步：(1) 把 `image` 送进网络，记下它在 `layer` 的编码 φ₀；(2) 忘掉这幅图，从噪声出发；
 * (3) 反向传播到输入，使 ‖φ(I) − φ₀‖² / ‖φ₀‖² + (λ_TV / 2)·TV(x/σ) 最小，x 是减去均值的图，σ 是照片的典型范数。
 *
 * 不给选项时用第 6 章的傅里叶参数化与 Adam，不用变换；每一层同一个 λ，所以层与层可以比。
 * 论文自己的设置：`invert(model, image, layer, mahendranPreset(model, layer))`。
 *
 * @param image `[h, w, 3]`，RGB，[0, 1]，大小为 `model.inputSize`；只用来算编码，不会被 dispose
 * @param layer 层名：任何一层
 * @returns best（重建）与 image（最后一步）由调用者 dispose；trace 是 −‖φ − φ₀‖²/‖φ₀‖²；中断时照样返回
 * @throws RangeError 层、通道、区域、步数不对，或这一部分编码全为零
 * @see Mahendran & Vedaldi 2015, arXiv:1412.0035
 * @example
 * const result = await invert(model, image, model.roles.lastConv, { steps: 3 });
 * const { best, error } = result;
 * dispose(result);
 */
export async function invert(
  model: ImageModel,
  image: tf.Tensor3D,
  layer: string,
  {
    lambda = 0.05,
    alpha = 0,
    steps = 100,
    step = adam(0.03),
    pairwise,
    channels,
    region,
    resume,
    ...rest
  }: InvertOptions = {},
): Promise<Inverted> {
  await checkImage(image);
  given(model).layerName(layer);
  if (pairwise !== undefined && !(pairwise > 0)) throw new RangeError(`pairwise 应为正数，得到 ${pairwise}`);
  if (resume && resume.layer !== layer) {
    throw new RangeError(`resume 的结果是 ${resume.layer} 层的反演，不能接着反演 ${layer} 层`);
  }
  const tv = totalVariation(variationWeight(model, lambda));
  const penalties = alpha ? [alphaNorm(alpha), tv] : [tv];
  const code = model.activations(image, layer);
  try {
    const part = { channels, region };
    const norm = await squaredNorm(code, part);
    const target = negative(codeDistance(layer, code, part));
    const options = { transforms: [], ...rest, steps, step, penalties, projections: [] };
    const found = await maximize(model, target, resume ? { ...options, resume } : options);
    const ofCode = -found.trace[found.bestStep];
    const error = pairwise === undefined ? { ofCode } : { ofCode, ofPairs: (ofCode * norm) / pairwise };
    return { ...found, layer, lambda, error };
  } finally {
    code.dispose();
  }
}

/**
 * 与一部分编码的相对距离（relative distance to part of a code）：Σ m·(φ(I) − φ₀)² / Σ m·φ₀²，m 选出通道与区域。
 * 没有选择时就是 featureDistance。
 *
 * @param code 该层的激活值，不带批次轴；最优化期间不要 dispose 它
 */
export function codeDistance(layer: string, code: tf.Tensor, part: CodePart = {}): Objective {
  const mask = maskOf(code.shape, part);
  const chosen = (x: tf.Tensor) => (mask ? tf.mul(x, tf.tensor(mask.values, mask.shape)) : x);
  return named(`codeDistance(${layer}${describe(part)})`, () => ({
    layers: [layer],
    value: (at) => {
      const distance = tf.sum(tf.square(chosen(tf.sub(tf.reshape(at(layer), code.shape), code))));
      return tf.div(distance, tf.maximum(tf.sum(tf.square(chosen(code))), 1e-12)) as tf.Scalar;
    },
  }));
}

const describe = ({ channels, region }: CodePart) =>
  `${channels ? `, ${channels.length} 个通道` : ''}${region ? `, 区域 [${region.join(', ')}]` : ''}`;

/** ‖φ₀‖² of the chosen part; zero means that there is nothing to reconstruct from. */
async function squaredNorm(code: tf.Tensor, part: CodePart): Promise<number> {
  const mask = maskOf(code.shape, part);
  const squares = tf.tidy(() => tf.sum(tf.square(mask ? tf.mul(code, tf.tensor(mask.values, mask.shape)) : code)));
  const [norm] = await squares.data();
  squares.dispose();
  if (norm > 0) return norm;
  throw new RangeError(
    `这一部分编码${describe(part) ? `（${describe(part).slice(2)}）` : ''}在这幅图上全为零，没有东西可以反演；请换通道、区域或层（例如 ReLU 之前的层）`,
  );
}

interface Mask {
  readonly values: Float32Array;
  readonly shape: number[];
}

/** 1 where the code counts, 0 elsewhere; one channel's plane times one list of channels would do, but this is clear. */
function maskOf(shape: readonly number[], { channels, region }: CodePart): Mask | undefined {
  if (!channels && !region) return undefined;
  const count = shape[shape.length - 1];
  for (const c of channels ?? []) {
    if (!Number.isInteger(c) || c < 0 || c >= count)
      throw new RangeError(`通道应为 0 到 ${count - 1} 的整数，得到 ${c}`);
  }
  if (channels?.length === 0) throw new RangeError('channels 至少要有一个通道');
  if (region) checkRegion(shape, region);
  const [, width] = shape;
  const chosen = channels && new Set(channels);
  const size = shape.reduce((a, b) => a * b, 1);
  const values = Float32Array.from({ length: size }, (_, i) => {
    const cell = Math.floor(i / count);
    const [row, col] = [Math.floor(cell / width), cell % width];
    const inside =
      !region || (row >= region[0] && row < region[0] + region[2] && col >= region[1] && col < region[1] + region[3]);
    return inside && (!chosen || chosen.has(i % count)) ? 1 : 0;
  });
  return { values, shape: [...shape] };
}

function checkRegion(shape: readonly number[], region: readonly [number, number, number, number]): void {
  if (shape.length !== 3) throw new RangeError('全连接层的编码没有位置，不能给 region');
  const [height, width] = shape;
  const [row, col, h, w] = region;
  const fits = row >= 0 && col >= 0 && h >= 1 && w >= 1 && row + h <= height && col + w <= width;
  if (region.length === 4 && region.every(Number.isInteger) && fits) return;
  throw new RangeError(`region 应为 ${height}×${width} 的特征图之内的 [行, 列, 高, 宽]，得到 [${region.join(', ')}]`);
}
