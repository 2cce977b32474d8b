import { shared } from './state';

/** Why a long function stopped early: the learner pressed 中断, or the caller aborted its AbortSignal. */
export type StopReason = 'interrupted' | 'aborted';

/** 可以观察、可以停下的长函数（long run）的选项。 */
export interface LongRun {
  /** 每走一步调用一次：已完成与总共的个数。 */
  onStep?: (step: { readonly done: number; readonly total: number }) => void | Promise<void>;
  /** 要它停下时用 `AbortController` 的 signal；内核的中断键不需要它。 */
  signal?: AbortSignal;
}

export interface InterruptWatch {
  readonly stopped: StopReason | undefined;
  /** Lets signals and kernel messages in; really yields only every 30 ms, so that it costs nothing in a tight loop. */
  breathe(): Promise<void>;
}

/** The kernel counts interrupts here; a counter (not a flag) needs no reset and cannot stop a later call. */
const interrupts = () => shared('interrupts', () => ({ count: 0 }));

/** 观察中断请求与 AbortSignal；长函数在每一步检查 `stopped`，一步之内停下并交出已有结果。 */
export function watchInterrupts(signal?: AbortSignal): InterruptWatch {
  const state = interrupts();
  const start = state.count;
  let last = Date.now();
  return {
    get stopped() {
      if (signal?.aborted) return 'aborted';
      return state.count !== start ? 'interrupted' : undefined;
    },
    async breathe() {
      if (Date.now() - last < 30) return;
      await new Promise<void>((resolve) => setImmediate(resolve));
      last = Date.now();
    },
  };
}
