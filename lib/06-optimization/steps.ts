import { tf } from '../tf/backend';
import { named } from '../base/named';
import { checkNumber } from '../base/check';

export interface StepState {
  /** 之前走了几步：0、1…… */
  readonly step: number;
  /** 规则自己在上一步留下的张量；第一步是空的。不要 dispose。 */
  readonly memory: readonly tf.Tensor[];
}

export interface Update {
  /** 加到图像上（有参数化时加到参数上）的一步，使目标变大。 */
  readonly update: tf.Tensor;
  /** 留给下一步的张量；不用就不写。 */
  readonly memory?: readonly tf.Tensor[];
}

/** 步进规则（step rule）：由梯度得到一步。在一个 tidy 里运行；不读出任何数（no round trip to the host）。 */
export type Step = (gradient: tf.Tensor, state: StepState) => Update;

/** 学习率（learning rate）：一个数，或第几步 → 数。 */
export type Rate = number | ((step: number) => number);

const rateAt = (rate: Rate, step: number) => (typeof rate === 'number' ? rate : rate(step));
const nameOf = (rate: Rate) => (typeof rate === 'number' ? String(rate) : rate.name || 'schedule');

function checkRate(rate: Rate): void {
  if (typeof rate !== 'function') checkNumber('学习率', rate, 0);
}

const norm = (g: tf.Tensor) => tf.sqrt(tf.sum(tf.square(g)));
/** Against 0 / 0 only: no gradient that means something has so small a norm, squared or not. */
const TINY = 1e-20;

/**
 * 普通梯度上升（gradient ascent）：rate · g。
 * @example
 * const result = await maximize(model, objective.classScore(130), { step: step.plain(0.01), steps: 3 });
 * dispose(result);
 */
export function plain(rate: Rate): Step {
  checkRate(rate);
  return named(`plain(${nameOf(rate)})`, (g: tf.Tensor, { step }: StepState) => ({
    update: tf.mul(g, rateAt(rate, step)),
  }));
}

/**
 * 归一化的梯度（normalised gradient）：每步图像平均每个数改变 rate（均方根，[0, 1] 单位），与目标的量级无关。
 * @example
 * const rate = (k: number) => 0.02 * (1 - k / 3);
 * const result = await maximize(model, objective.classScore(130), { step: step.normalized(rate), steps: 3 });
 * dispose(result);
 */
export function normalized(rate: Rate): Step {
  checkRate(rate);
  return named(`normalized(${nameOf(rate)})`, (g: tf.Tensor, { step }: StepState) => ({
    update: tf.mul(g, tf.div(rateAt(rate, step) * Math.sqrt(g.size), tf.add(norm(g), TINY))),
  }));
}

/**
 * 带动量（momentum）：v ← m·v + rate·g，加上 v；学习率改变的那一步把 v 清零（Mahendran & Vedaldi）。
 * @example
 * const result = await maximize(model, objective.classScore(130), { step: step.momentum(0.01, 0.9), steps: 3 });
 * dispose(result);
 */
export function momentum(rate: Rate, amount = 0.9): Step {
  checkRate(rate);
  checkNumber('动量', amount, 0, 1);
  return named(`momentum(${nameOf(rate)}, ${amount})`, (g: tf.Tensor, { step, memory }: StepState) => {
    const now = rateAt(rate, step);
    const fresh = memory.length === 0 || now !== rateAt(rate, step - 1);
    const pushed = tf.mul(g, now);
    const velocity = fresh ? pushed : tf.add(tf.mul(memory[0], amount), pushed);
    return { update: velocity, memory: [velocity] };
  });
}

/**
 * 按预期的进展（by progress）：步长取 progress / ||g||²，使目标按一阶近似增加 progress；步长不超过 max（Yosinski 的工具箱）。
 * @example
 * const result = await maximize(model, objective.classScore(130), { step: step.byProgress(2, 0.01), steps: 3 });
 * dispose(result);
 */
export function byProgress(progress: number, max: number): Step {
  checkNumber('progress', progress, 0);
  checkNumber('max', max, 0);
  return named(`byProgress(${progress}, ${max})`, (g: tf.Tensor) => ({
    update: tf.mul(g, tf.minimum(tf.div(progress, tf.add(tf.sum(tf.square(g)), TINY)), max)),
  }));
}

/**
 * 梯度的符号（sign）：每个数改变 rate，正负由梯度决定；对抗样本用它。
 * @example
 * const result = await maximize(model, objective.classScore(130), { step: step.sign(1 / 255), steps: 3 });
 * dispose(result);
 */
export function sign(rate: Rate): Step {
  checkRate(rate);
  return named(`sign(${nameOf(rate)})`, (g: tf.Tensor, { step }: StepState) => ({
    update: tf.mul(tf.sign(g), rateAt(rate, step)),
  }));
}

/**
 * Adam（Kingma & Ba 2015）：每个参数各自的步长；傅里叶参数化的各频率差别很大，用它。
 * @example
 * const result = await maximize(model, objective.classScore(130), { step: step.adam(0.05), steps: 3 });
 * dispose(result);
 */
export function adam(rate: Rate, { beta1 = 0.9, beta2 = 0.999 }: { beta1?: number; beta2?: number } = {}): Step {
  checkRate(rate);
  return named(`adam(${nameOf(rate)})`, (g: tf.Tensor, { step, memory }: StepState) => {
    const [m0, v0] = memory.length ? memory : [tf.zerosLike(g), tf.zerosLike(g)];
    const m = tf.add(tf.mul(m0, beta1), tf.mul(g, 1 - beta1));
    const v = tf.add(tf.mul(v0, beta2), tf.mul(tf.square(g), 1 - beta2));
    const corrected = tf.sqrt(tf.div(v, 1 - beta2 ** (step + 1)));
    const size = rateAt(rate, step) / (1 - beta1 ** (step + 1));
    // against 0 / 0 only: the usual 1e-8 would hold back where gradients are small
    return { update: tf.div(tf.mul(m, size), tf.add(corrected, 1e-12)), memory: [m, v] };
  });
}
