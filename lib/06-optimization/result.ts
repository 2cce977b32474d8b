import { tf } from '../tf/backend';
import type { StopReason } from '../base/interrupt';
import { type ClassScore, classify } from '../model/classify';
import { Ascent, type Problem } from './ascent';

export interface Optimized {
  /** 最后一幅（last image），`[h, w, 3]`，[0, 1]；由调用者 dispose，best 也是。 */
  readonly image: tf.Tensor3D;
  /** 目标减惩罚最大的那一幅（best image）。 */
  readonly best: tf.Tensor3D;
  /** best 是第几步之后的图。 */
  readonly bestStep: number;
  /** 目标的值（objective）：trace[k] 是 k 步之后的值，所以有 steps + 1 个数。 */
  readonly trace: readonly number[];
  /** 惩罚项之和，与 trace 一一对应。 */
  readonly penalty: readonly number[];
  /** 网络自己怎么看 best：得分最高的 5 类；网络没有类别得分时为空。 */
  readonly verdict: readonly ClassScore[];
  /** 用到的全部设置。 */
  readonly settings: OptimizeSettings;
  /** 值得知道的事，例如死神经元与重新取的种子。 */
  readonly notes: readonly string[];
  /** 提前停下的原因；'reached' 是 until 说够了。走完了全部步数就没有。 */
  readonly stopped?: StopReason | 'reached';
  /** `resume` 接着走所需的；普通数组，图像 dispose 之后仍然有效。 */
  readonly state: ResumeState;
}

/** 得到这幅图的全部设置（settings），可以存成 JSON。 */
export interface OptimizeSettings {
  /** 网络的 id。 */
  readonly model: string;
  /** 目标的名字，如 'classScore(130)'。 */
  readonly objective: string;
  /** 一共走了几步，resume 之前的也算。 */
  readonly steps: number;
  /** 步进规则，如 'adam(0.05)'。 */
  readonly step: string;
  /** 各惩罚项的名字与系数。 */
  readonly penalties: readonly string[];
  /** 各投影的名字。 */
  readonly projections: readonly string[];
  /** 各变换的名字。 */
  readonly transforms: readonly string[];
  /** 参数化的名字。 */
  readonly parametrization: string;
  /** 从哪里开始。 */
  readonly start: string;
  /** 实际用的种子：死神经元时换过。 */
  readonly seed: number;
  /** 在哪个后端上算的。 */
  readonly backend: string;
}

interface HostTensor {
  /** 形状。 */
  readonly shape: number[];
  /** 全部的数，逐行存放。 */
  readonly data: Float32Array;
}

export interface ResumeState {
  /** 参数化的参数，最后一步之后的。 */
  readonly parameters: HostTensor;
  /** 步进规则留下的张量。 */
  readonly memory: readonly HostTensor[];
  /** 实际用的种子：死神经元时换过。 */
  readonly seed: number;
  /** 到现在为止最好的图。 */
  readonly best: HostTensor;
  /** 最好的图是第几步之后的。 */
  readonly bestStep: number;
}

/** What a run has yielded so far, on the host. */
export interface Log {
  readonly trace: number[];
  readonly penalty: number[];
  readonly notes: string[];
}

/** Goes on where an earlier run has stopped. */
export function resumed(problem: Problem, { state, trace, penalty }: Optimized): Ascent {
  const upload = ({ data, shape }: HostTensor) => tf.tensor(data, shape);
  const total = Math.fround(trace[state.bestStep] - penalty[state.bestStep]);
  const best = { image: upload(state.best) as tf.Tensor3D, total };
  return new Ascent(problem, upload(state.parameters), state.memory.map(upload), best);
}

/** Reads the values that have come in; a NaN is the end of every optimisation and must not pass for a result. */
export async function collect(ascent: Ascent, { trace, penalty }: Log): Promise<void> {
  for (const [value, cost] of await ascent.read()) {
    if (!Number.isFinite(value) || !Number.isFinite(cost)) {
      throw new RangeError(
        `第 ${trace.length} 步的目标是 ${value}（惩罚 ${cost}）：学习率或惩罚系数太大，请减小到十分之一再试。`,
      );
    }
    trace.push(value);
    penalty.push(cost);
  }
}

interface Ending {
  readonly objective: string;
  readonly start: string;
  readonly stopped: Optimized['stopped'];
  readonly verdict: boolean;
}

export async function finish(
  ascent: Ascent,
  log: Log,
  { objective, start, stopped, verdict }: Ending,
): Promise<Optimized> {
  const { problem, image, best, parameters, memory } = ascent;
  const download = async (t: tf.Tensor) => ({ shape: [...t.shape], data: (await t.data()) as Float32Array });
  const totals = log.trace.map((value, i) => value - log.penalty[i]);
  const state: ResumeState = {
    parameters: await download(parameters),
    memory: await Promise.all(memory.map(download)),
    seed: problem.seed,
    best: await download(best),
    bestStep: totals.indexOf(Math.max(...totals)),
  };
  const seen = verdict && problem.model.roles.logits ? await classify(problem.model, best) : [];
  ascent.release();
  const names = (functions: readonly { name: string }[]) => functions.map((f) => f.name);
  const settings: OptimizeSettings = {
    model: problem.model.id,
    objective,
    steps: log.trace.length - 1,
    step: problem.rule.name,
    penalties: names(problem.penalties),
    projections: names(problem.projections),
    transforms: names(problem.transforms),
    parametrization: problem.parametrization.name,
    start,
    seed: problem.seed,
    backend: tf.getBackend(),
  };
  const { trace, penalty, notes } = log;
  const result = { image, best, bestStep: state.bestStep, trace, penalty, verdict: seen, settings, notes, state };
  return stopped ? { ...result, stopped } : result;
}
