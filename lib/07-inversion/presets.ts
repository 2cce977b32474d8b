import type { ImageModel } from '../model/model';
import { type Parametrization, pixels } from '../06-optimization/parametrization';
import { momentum, type Step } from '../06-optimization/steps';
import { named } from '../base/named';
import { given } from '../model/given';
import { checkNumber } from '../base/check';

/** 反演的设置（settings of an inversion），可以直接当作 invert 的选项；单位是 [0, 1] 的图像。 */
export interface InversionSettings {
  /** 论文里的 λ_TV：1、10 或 100。 */
  readonly lambda: number;
  /** α-范数（α = 6）的系数，即 penalty.alphaNorm(alpha, 6)。 */
  readonly alpha: number;
  /** 图像的参数化：论文直接改像素。 */
  readonly parametrization: Parametrization;
  /** 起点噪声的标准差。 */
  readonly noise: number;
  /** 步数。 */
  readonly steps: number;
  /** 步进规则：动量，学习率分三段降低。 */
  readonly step: Step;
}

/**
 * The root mean square of a photo around its mean, [0, 1]. The paper divides images by their typical norm sigma; this
 * is that sigma (about 27000 for 227 × 227 × 3 numbers of 0 … 255) per number.
 */
const TYPICAL = 0.27;
/**
 * The paper's 2.16e8 · Σ(x/σ)⁶ at its 227 × 227 × 3 numbers, as a factor of the MEAN of (x / 0.27)⁶: in this form it
 * means the same for images of another size.
 */
const ALPHA = 2.16e8 / (227 * 227 * 3) ** 2;
/** The paper's own; see mahendranPreset. */
const LEARNING_RATE = 0.004;
const STEPS = 400;

/** AlexNet 的 20 层，论文里的次序；它的设置按这个次序分三段。单塔的 AlexNet 没有其中的 norm 与 fc 层。 */
const PAPER_LAYERS =
  'conv1 relu1 pool1 norm1 conv2 relu2 pool2 norm2 conv3 relu3 conv4 relu4 conv5 relu5 pool5 fc6 relu6 fc7 relu7 fc8'.split(
    ' ',
  );

/** 论文给这一层的 λ_TV：第 1–6 层 1，7–12 层 10，13–20 层 100；别的网络按层在网络中的深度（同样的比例）。 */
export function paperLambda(model: ImageModel, layer: string): 1 | 10 | 100 {
  const names = given(model).layers.map((l) => l.name);
  const known = model.id.startsWith('alexnet') ? PAPER_LAYERS.indexOf(layer) : -1;
  const depth = known >= 0 ? known / 20 : (names.indexOf(model.layerName(layer)) - 1) / (names.length - 1);
  return depth < 6 / 20 ? 1 : depth < 12 / 20 ? 10 : 100;
}

/**
 * Mahendran 与 Vedaldi 2015 的设置（arXiv:1412.0035），换算成 [0, 1] 的单位：
 * ‖φ(I) − φ₀‖² / ‖φ₀‖² + (λ_TV / 2)·TV(x/σ) + 2.16e8·Σ(x/σ)⁶，x 是减去均值的图像，σ 是照片的典型范数；
 * 400 步，学习率 0.004（x/σ 的单位），1/4 之后乘 0.1，3/4 之后乘 0.01，动量 0.9，每次降低时清零。
 *
 * 与论文的差别：这里的图像每一步之后限制在 [0, 1]。
 *
 * @param options lambda：论文的 λ_TV，默认按层取 1、10、100；steps：总步数，默认 400，学习率按比例降低
 * @example
 * const preset = mahendranPreset(model, model.roles.lastConv, { steps: 3 });
 * const result = await invert(model, image, model.roles.lastConv, preset);
 * dispose(result);
 */
export function mahendranPreset(
  model: ImageModel,
  layer: string,
  { lambda = paperLambda(model, layer), steps = STEPS }: { lambda?: number; steps?: number } = {},
): InversionSettings {
  const count = numbersIn(model);
  const sigma = TYPICAL * Math.sqrt(count);
  const rate = LEARNING_RATE * sigma ** 2;
  const schedule = (step: number) => (step < steps / 4 ? rate : step < (3 * steps) / 4 ? rate / 10 : rate / 100);
  return {
    lambda,
    alpha: ALPHA / (count * TYPICAL ** 6),
    parametrization: pixels(),
    noise: TYPICAL,
    steps,
    step: momentum(named(`${LEARNING_RATE}·σ²，两次降为 1/10`, schedule)),
  };
}

const numbersIn = ({ inputSize: [height, width] }: ImageModel) => height * width * 3;

/** λ_TV/2 · TV(x/σ) of the paper as the factor of TV(x). */
export const variationWeight = (model: ImageModel, lambda: number): number =>
  checkNumber('lambda', lambda, 0) / 2 / (TYPICAL ** 2 * numbersIn(model));
