import { tf } from '../tf/backend';
import type { StopReason } from '../base/interrupt';
import { type ClassScore, classify } from '../model/classify';
import { Ascent, type Problem } from './ascent';

export interface Optimized {
  /** 最后一幅（last image），`[h, w, 3]`，[0, 1]；由调用者 dispose，best 也是。 */
  readonly image: tf.Tensor3D;
  /** 目标减惩罚最大的那一幅（best image）。 */
  readonly best: tf.Tensor3D;
  readonly bestStep: number;
  /** 目标的值（objective）：trace[k] 是 k 步之后的值，所以有 steps + 1 个数。 */
  readonly trace: readonly number[];
  /** 惩罚项之和，与 trace 一一对应。 */
  readonly penalty: readonly number[];
  /** 网络自己怎么看 best：得分最高的 5 类；网络没有类别得分时为空。 */
  readonly verdict: readonly ClassScore[];
  readonly settings: OptimizeSettings;
  /** 值得知道的事，例如死神经元与重新取的种子。 */
  readonly notes: readonly string[];
  readonly stopped?: StopReason | 'reached';
  /** `resume` 接着走所需的；普通数组，图像 dispose 之后仍然有效。 */
  readonly state: ResumeState;
}

/** 得到这幅图的全部设置（settings），可以存成 JSON。 */
export interface OptimizeSettings {
  readonly model: string;
  readonly objective: string;
  readonly steps: number;
  readonly step: string;
  readonly penalties: readonly string[];
  readonly projections: readonly string[];
  readonly transforms: readonly string[];
  readonly parametrization: string;
  readonly start: string;
  readonly seed: number;
  readonly backend: string;
}

interface HostTensor {
  readonly shape: number[];
  readonly data: Float32Array;
}

export interface ResumeState {
  readonly parameters: HostTensor;
  readonly memory: readonly HostTensor[];
  readonly seed: number;
  readonly best: HostTensor;
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
