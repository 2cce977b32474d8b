import { shared } from './state';

/** Why a long function stopped early: the learner pressed 中断, or the caller aborted its AbortSignal. */
export type StopReason = 'interrupted' | 'aborted';

/** 长函数的一步（a step of a long run）：已完成的个数，与至多一共有几个（提前达到目的就不走完）。 */
export interface RunStep {
  readonly done: number;
  readonly total: number;
}

/** 可以观察、可以停下的长函数（long run）的选项。 */
export interface LongRun<Step extends RunStep = RunStep> {
  /** 每走一步调用一次，等它做完再走：`done`、`total`，有的函数还给别的。 */
  onStep?: (step: Step) => void | Promise<void>;
  /** 要它停下时用 `AbortController` 的 signal；内核的中断键不需要它。 */
  signal?: AbortSignal;
}

export interface InterruptWatch<Step extends RunStep = RunStep> {
  readonly stopped: StopReason | undefined;
  /** Lets signals and kernel messages in; really yields only every 30 ms, so that it costs nothing in a tight loop. */
  breathe(): Promise<void>;
  /** One step is done: tells `onStep`, then breathes. */
  step(step: Step): Promise<void>;
}

/** The kernel counts interrupts here; a counter (not a flag) needs no reset and cannot stop a later call. */
const interrupts = () => shared('interrupts', () => ({ count: 0 }));

/** 观察中断请求与 AbortSignal；长函数在每一步检查 `stopped`，一步之内停下并交出已有结果。 */
export function watchInterrupts<Step extends RunStep>({ onStep, signal }: LongRun<Step> = {}): InterruptWatch<Step> {
  const state = interrupts();
  const start = state.count;
  let last = Date.now();
  const watch: InterruptWatch<Step> = {
    get stopped() {
      if (signal?.aborted) return 'aborted';
      return state.count !== start ? 'interrupted' : undefined;
    },
    async breathe() {
      if (Date.now() - last < 30) return;
      await new Promise<void>((resolve) => setImmediate(resolve));
      last = Date.now();
    },
    async step(step) {
      await onStep?.(step);
      await watch.breathe();
    },
  };
  return watch;
}
