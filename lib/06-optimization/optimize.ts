import { tf } from '../tf/backend';
import type { Ascent, Problem } from './ascent';
import { collect, finish, type Log, type Optimized, resumed } from './result';
import { type LongRun, type RunStep, watchInterrupts } from '../base/interrupt';
import { checkFunction } from '../base/check';
import { checkImage } from '../image/check';
import type { ImageModel } from '../model/model';
import type { Objective } from './objectives';
import { fourier } from './fourier';
import type { Parametrization } from './parametrization';
import type { Penalty } from './penalties';
import type { Projection } from './projections';
import { begin, type StartImage } from './start';
import { adam, normalized, type Rate, type Step } from './steps';
import { robust, type Transform } from './transforms';
import { given } from '../model/given';
import { checkCounts } from '../base/check';

export type { Optimized, OptimizeSettings, ResumeState } from './result';

/** 每一步交给 `onStep` 与 `until` 的状态。 */
export interface OptimizeStep extends RunStep {
  /** 走了几步；第一步之前是 0。 */
  readonly done: number;
  /** 目标在 `image` 处的值，不含惩罚项。 */
  readonly value: number;
  readonly trace: readonly number[];
  /** `[h, w, 3]`，[0, 1]；只在这次调用里借用，要留着请 clone。 */
  readonly image: tf.Tensor3D;
}

export interface MaximizeOptions extends LongRun<OptimizeStep> {
  /** 步数（steps），默认 256；resume 时是再走多少步。 */
  steps?: number;
  /** 默认步进规则的学习率：fourier() 用 adam，默认 0.05；pixels() 用 normalized，默认 0.03（每步每个数平均改变多少，[0, 1] 单位）。 */
  learningRate?: Rate;
  /** 另一种步进规则（step rule）：step.plain、momentum、byProgress、sign、adam；给了它就不要再给 learningRate。 */
  step?: Step;
  /** 惩罚项（penalties），从目标里减去；默认没有。 */
  penalties?: readonly Penalty[];
  /** 投影（projections），每步之后依次作用于图像，前后都限制在 [0, 1]；默认没有。只能与 pixels() 一起用。 */
  projections?: readonly Projection[];
  /** 变换（transforms），每步在送入网络之前随机地作用于图像；fourier() 默认 transform.robust()，pixels() 默认没有。 */
  transforms?: readonly Transform[];
  /** 图像的参数化（parametrization）：默认 fourier()；pixels() 是没有任何先验的像素。 */
  parametrization?: Parametrization;
  /** 起点（start）：'noise'（均值色加噪声，默认）、'mean'（均值色，即网络的零图像）或一幅图 `[h, w, 3]`。 */
  start?: StartImage;
  /** 起点噪声的标准差（[0, 1] 单位）：fourier() 默认 0.01，pixels() 默认 10/255；唤醒死神经元时更强。 */
  noise?: number;
  seed?: number;
  /** 从上次的结果接着走（resume）；其他选项应与上次相同。 */
  resume?: Optimized;
  /** 返回 true 就到此为止（stopped: 'reached'），例如攻击已经成功。 */
  until?: (state: OptimizeStep) => boolean | Promise<boolean>;
  /** 结束时问一次网络它把最好的图看成什么；默认 true。 */
  verdict?: boolean;
}

/** Steps whose values are read in one go when nobody looks at each of them. */
const READ_EVERY = 25;

/** What a parametrisation goes with when nothing else is said: the recipe, or plain gradient ascent on pixels. */
const companions = ({ direct }: Parametrization, { inputSize }: ImageModel) =>
  direct
    ? { transforms: [], noise: 10 / 255, rule: (rate: Rate = 0.03) => normalized(rate) }
    : { transforms: robust(Math.min(...inputSize)), noise: 0.01, rule: (rate: Rate = 0.05) => adam(rate) };

/**
 * 图像最优化（image optimisation, activation maximization）：网络不变，一步步改变图像，使目标减去惩罚最大。
 * 类别最大化、特征反演、对抗样本都用这一个循环。
 *
 * 每步：目标与惩罚对图像的梯度 → 步进规则 → 限制在 [0, 1] → 投影。求梯度时不从设备读数。
 *
 * @param objective classScore(i)、neuron(…)、negative(…)、sum(…) 等
 * 不给选项就是 Olah 等人 2017 的做法：傅里叶参数化、去相关的颜色、随机变换、Adam。
 * `{ parametrization: pixels() }` 是另一头：直接改像素，没有任何先验的梯度上升。
 *
 * @param options 见 MaximizeOptions；transforms 给空数组就是不用变换
 * @returns 图像由调用者 dispose；被中断、被 signal 停止时照样返回已有结果，`stopped` 说明原因
 * @throws RangeError 参数不对、目标出现 NaN、或反复换起点梯度仍为零（死神经元）；CourseError 网络没有类别得分
 * @see Simonyan et al. 2013, arXiv:1312.6034; Yosinski et al. 2015, arXiv:1506.06579; Olah et al. 2017, Distill
 * @example
 * const flamingo = findClass('火烈鸟').index;
 * const result = await maximize(model, objective.classScore(flamingo), { steps: 3, penalties: [penalty.l2(0.01)] });
 * await showImage(result.best);
 * dispose(result);
 */
export async function maximize(
  model: ImageModel,
  objective: Objective,
  options: MaximizeOptions = {},
): Promise<Optimized> {
  const { steps = 256, onStep, until, verdict = true, resume } = options;
  checkCounts({ steps });
  const problem = problemOf(given(model), objective, options);
  if (options.start instanceof tf.Tensor) await checkImage(options.start, { name: 'start' });
  const log: Log = { trace: [], penalty: [], notes: [...(resume?.notes ?? [])] };
  if (resume) {
    // The last value of the earlier run is computed again, at the same image.
    log.trace.push(...resume.trace.slice(0, -1));
    log.penalty.push(...resume.penalty.slice(0, -1));
  }
  const first = log.trace.length;
  const watch = watchInterrupts(options);
  const ascent = resume ? resumed(problem, resume) : await begun(problem, options, log);
  let stopped: Optimized['stopped'];
  try {
    for (let step = first; !stopped; step++) {
      const last = step === first + steps;
      // `begin` has evaluated the start already.
      if (step > 0 || resume) ascent.evaluate(step, !last);
      if (onStep || until || last || ascent.unread >= READ_EVERY) await collect(ascent, log);
      if (onStep || until) {
        const value = log.trace[log.trace.length - 1];
        const state = { done: step, total: first + steps, value, trace: log.trace, image: ascent.image };
        await watch.step(state);
        if (await until?.(state)) stopped = 'reached';
      } else await watch.breathe();
      if (last) break;
      stopped ??= watch.stopped;
      if (!stopped) ascent.advance(step);
    }
    await collect(ascent, log);
    return await finish(ascent, log, { objective: objective.name, start: startName(options), stopped, verdict });
  } catch (error) {
    ascent.dispose();
    throw error;
  }
}

function problemOf(model: ImageModel, objective: Objective, options: MaximizeOptions): Problem {
  const { parametrization = fourier(), learningRate, step, seed = 0, resume, start } = options;
  const { penalties = [], projections = [], transforms = companions(parametrization, model).transforms } = options;
  if (step && learningRate !== undefined) {
    throw new TypeError('step 与 learningRate 只能给一个：学习率写在步进规则里，如 step: momentum(0.1)');
  }
  if (!parametrization.direct && projections.length) {
    throw new TypeError(`投影直接改像素，不能与 ${parametrization.name} 一起用；请给 parametrization: pixels()`);
  }
  const [height, width] = model.inputSize;
  if (start instanceof tf.Tensor && (start.rank !== 3 || start.shape[2] !== 3)) {
    throw new RangeError(`起点图像应为 [${height}, ${width}, 3]，得到 [${start.shape.join(', ')}]`);
  }
  return {
    model,
    target: checkFunction('objective', objective)(model),
    penalties,
    projections,
    transforms,
    parametrization,
    rule: step ?? companions(parametrization, model).rule(learningRate),
    seed: resume?.state.seed ?? seed,
  };
}

/** The first image, evaluated. */
function begun(problem: Problem, { start = 'noise', noise }: MaximizeOptions, { notes }: Log): Promise<Ascent> {
  return begin(problem, start, noise ?? companions(problem.parametrization, problem.model).noise, notes);
}

const startName = ({ start = 'noise', resume }: MaximizeOptions): string =>
  resume?.settings.start ?? (typeof start === 'string' ? start : 'image');
