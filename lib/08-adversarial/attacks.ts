import { type AttackGoal, type AttackLoss, attackObjective } from './losses';
import { type Adversarial, adversarial, cleanVerdict } from './result';
import { tf } from '../tf/backend';
import { checkImage } from '../image/check';
import { type ClassScore, classify } from '../model/classify';
import type { ImageModel } from '../model/model';
import { classOf, type ClassTarget } from '../model/target';
import { checkCounts, checkNumber } from '../base/check';
import type { LongRun } from '../base/interrupt';
import { named } from '../base/named';
import { maximize, type OptimizeStep } from '../06-optimization/optimize';
import { pixels } from '../06-optimization/parametrization';
import { within } from '../06-optimization/projections';
import { sign, type Step, type StepState } from '../06-optimization/steps';
import { given } from '../model/given';

export { type Adversarial, to8bit } from './result';

export interface FgsmOptions {
  /** 扰动上界 ε（perturbation bound）：每个像素每个通道最多改变多少，[0, 1] 单位；默认 2/255。 */
  epsilon?: number;
  /** 要离开的、正确的类别 `{ class: 编号 }`；给了就要求网络本来答对，不给就用网络现在的答案。 */
  away?: ClassTarget;
  /** 默认 'crossEntropy'，见 AttackLoss。 */
  loss?: AttackLoss;
}

export interface IterateOptions extends FgsmOptions, LongRun<OptimizeStep> {
  /** 步数，默认 20。 */
  steps?: number;
  /** 每步每个数改变多少（step size），默认 2.5 ε / steps：走到边界之后还能沿边界走。 */
  stepSize?: number;
  /**
   * 动量（momentum），0 到 1：各步的梯度（除以平均绝对值）按它累积，再取符号；默认 0.5，减少来回摆动。0 就是论文的 BIM。
   */
  momentum?: number;
  /** 从 ε 邻域里的随机一点出发（random start, PGD）；默认 false，从原图出发（BIM）。 */
  randomStart?: boolean;
  seed?: number;
  /** 有把握到这个程度就停（confidence），0 到 1，例如 0.9；默认走完全部步数。 */
  confidence?: number;
  /** 从上次的结果接着走（resume）。 */
  resume?: Adversarial;
}

/**
 * 快速梯度符号法（fast gradient sign method, FGSM）：x + ε · sign(∂J/∂x)，只走一步。
 *
 * @param image `[h, w, 3]`，RGB，[0, 1]，大小为 `model.inputSize`；不会被 dispose
 * @returns 见 Adversarial；image 与 perturbation 由调用者 dispose
 * @throws RangeError ε 或类别不对、图的大小不对、给了 away 而网络本来就答错；CourseError 网络没有类别得分
 * @see Goodfellow et al. 2014, arXiv:1412.6572
 * @example
 * const example = await fgsm(model, image, { epsilon: 2 / 255 });
 * const { success, linf } = example;
 * dispose(example);
 */
export async function fgsm(model: ImageModel, image: tf.Tensor3D, options: FgsmOptions = {}): Promise<Adversarial> {
  const { epsilon = 2 / 255 } = options;
  return attack('FGSM', model, image, undefined, { ...options, steps: 1, stepSize: epsilon });
}

/**
 * 迭代的梯度符号法（basic iterative method, BIM；随机起点时即 PGD）：多走几小步，每步之后回到 ε 邻域之内。
 *
 * @returns 见 Adversarial；image 与 perturbation 由调用者 dispose
 * @see Kurakin et al. 2016, arXiv:1607.02533; Madry et al. 2017, arXiv:1706.06083; Dong et al. 2018, arXiv:1710.06081
 * @example
 * const example = await iterate(model, image, { epsilon: 2 / 255, steps: 3 });
 * dispose(example);
 */
export async function iterate(
  model: ImageModel,
  image: tf.Tensor3D,
  options: IterateOptions = {},
): Promise<Adversarial> {
  return attack(options.randomStart ? 'PGD' : 'BIM', model, image, undefined, options);
}

/**
 * 有目标的攻击（targeted attack）：沿目标类别的梯度方向走，例如把狗变成"鸵鸟"。
 *
 * @param target 目标类别：`{ class: findClass('鸵鸟').index }`
 * @returns 见 Adversarial；image 与 perturbation 由调用者 dispose
 * @example
 * const example = await targeted(model, image, { class: findClass('鸵鸟').index }, { epsilon: 2 / 255, steps: 3 });
 * dispose(example);
 */
export async function targeted(
  model: ImageModel,
  image: tf.Tensor3D,
  target: ClassTarget,
  options: IterateOptions = {},
): Promise<Adversarial> {
  return attack('有目标', model, image, classOf(model, target), options);
}

/**
 * 最不可能的类别（least-likely class）：以网络给分最低的类别为目标，最难的一种有目标攻击。
 * @returns 见 Adversarial；image 与 perturbation 由调用者 dispose
 * @example
 * const example = await leastLikely(model, image, { epsilon: 2 / 255, steps: 3 });
 * dispose(example);
 */
export async function leastLikely(
  model: ImageModel,
  image: tf.Tensor3D,
  options: IterateOptions = {},
): Promise<Adversarial> {
  const scores = await classify(model, image, { count: given(model).classes.length });
  return attack('最不可能的类别', model, image, lowest(scores), options);
}

/** SqueezeNet gives many classes a score of exactly 0: the first of the lowest, so that the choice is reproducible. */
const lowest = (scores: readonly ClassScore[]) => {
  const least = scores[scores.length - 1].logit;
  return Math.min(...scores.filter((s) => s.logit === least).map((s) => s.index));
};

/** The sign of the accumulated gradients: a step rule that does not swing back and forth (Dong et al. 2018). */
function signWithMomentum(rate: number, amount: number): Step {
  if (amount === 0) return sign(rate);
  return named(`sign(${rate}, momentum ${amount})`, (g: tf.Tensor, { memory }: StepState) => {
    const scaled = tf.div(g, tf.add(tf.mean(tf.abs(g)), 1e-30));
    const velocity = memory.length ? tf.add(tf.mul(memory[0], amount), scaled) : scaled;
    return { update: tf.mul(tf.sign(velocity), rate), memory: [velocity] };
  });
}

async function attack(
  method: string,
  model: ImageModel,
  image: tf.Tensor3D,
  to: number | undefined,
  options: IterateOptions,
): Promise<Adversarial> {
  const { epsilon = 2 / 255, steps = 20, away, loss = 'crossEntropy', randomStart = false } = options;
  const { stepSize = (2.5 * epsilon) / steps, momentum = 0.5, seed = 0, confidence } = options;
  await checkImage(image);
  checkSettings({ epsilon, stepSize }, { steps, momentum, confidence });
  const { before, from } = await cleanVerdict(model, image, away, to);
  const goal: AttackGoal = to === undefined ? { away: { class: from } } : { to: { class: to } };
  const start = randomStart ? randomPoint(image, epsilon, seed) : image;
  try {
    const settled = { ...options, epsilon, steps, stepSize, momentum, loss };
    const { image: last, best, ...run } = await climb(model, image, goal, start, settled);
    // One step is what FGSM is; several are there to find the best one.
    const kept = method === 'FGSM' ? last : best;
    (kept === best ? last : best).dispose();
    return await adversarial(model, image, kept, {
      method,
      before,
      from,
      ...(to === undefined ? {} : { to }),
      trace: run.trace,
      settings: { ...run.settings, epsilon, stepSize, momentum, loss, start: randomStart ? 'random' : 'image' },
      notes: run.notes,
      ...(run.stopped && run.stopped !== 'reached' ? { stopped: run.stopped } : {}),
      run,
    });
  } finally {
    if (start !== image) start.dispose();
  }
}

type Settled = IterateOptions & Required<Pick<IterateOptions, 'epsilon' | 'steps' | 'stepSize' | 'momentum' | 'loss'>>;

/** An attack is a run of `maximize`: steps of the sign, each of them back into the neighbourhood of the image. */
function climb(model: ImageModel, image: tf.Tensor3D, goal: AttackGoal, start: tf.Tensor3D, options: Settled) {
  const { epsilon, steps, stepSize, momentum, loss, seed = 0, confidence, resume, onStep, signal } = options;
  return maximize(model, attackObjective(goal, loss), {
    parametrization: pixels(),
    start,
    steps,
    step: signWithMomentum(stepSize, momentum),
    transforms: [],
    projections: [within(image, epsilon)],
    verdict: false,
    seed,
    signal,
    onStep,
    ...(confidence && { until: sureEnough(model, goal, loss, confidence) }),
    resume: resume && { ...resume.run!, image, best: image },
  });
}

/** The cheap test first: the attack's own scores are not quite the network's (see losses.ts). */
const sureEnough =
  (model: ImageModel, goal: AttackGoal, loss: AttackLoss, confidence: number) =>
  async ({ value, image }: OptimizeStep): Promise<boolean> =>
    value > threshold(goal, loss, confidence) && (await sureness(model, image, goal)) > confidence;

/** The probability of the target, or of everything but the class to leave. */
async function sureness(model: ImageModel, image: tf.Tensor3D, goal: AttackGoal): Promise<number> {
  const scores = await classify(model, image, { count: model.classes.length });
  const of = (target: ClassTarget) => scores.find((s) => s.index === target.class)!.probability;
  return 'to' in goal ? of(goal.to) : 1 - of(goal.away);
}

/** The objective's value at which the target has the wanted probability (the class to leave: its complement). */
function threshold(goal: AttackGoal, loss: AttackLoss, confidence: number): number {
  const odds = loss === 'margin' || 'away' in goal;
  return odds ? Math.log(confidence / (1 - confidence)) : Math.log(confidence);
}

function checkSettings(
  lengths: Readonly<Record<'epsilon' | 'stepSize', number>>,
  { steps, momentum, confidence }: { steps: number; momentum: number; confidence?: number },
): void {
  checkCounts({ steps });
  checkNumber('momentum', momentum, 0, 1);
  if (confidence !== undefined && !(confidence > 0 && confidence < 1))
    throw new RangeError(`confidence 应在 0 与 1 之间，得到 ${confidence}`);
  for (const [name, value] of Object.entries(lengths)) {
    if (Number.isFinite(value) && value > 0 && value <= 1) continue;
    const advice = value > 1 ? `；像素的单位是 [0, 1]，0–255 的 ${value} 写成 ${value} / 255` : '';
    throw new RangeError(`${name} 应在 0 与 1 之间（[0, 1] 的像素单位），得到 ${value}${advice}`);
  }
}

/** Uniform in the cube of half-width epsilon, within [0, 1]. */
function randomPoint(image: tf.Tensor3D, epsilon: number, seed: number): tf.Tensor3D {
  return tf.tidy(
    () =>
      tf.clipByValue(
        tf.add(image, tf.randomUniform(image.shape, -epsilon, epsilon, 'float32', seed)),
        0,
        1,
      ) as tf.Tensor3D,
  );
}
