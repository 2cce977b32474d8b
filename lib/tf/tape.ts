import { tf } from './tf';
import { CourseError } from '../base/errors';
import { shared } from '../base/state';

/** One recorded operation of TF.js' gradient tape; the parts of it that we read. */
export interface TapeNode {
  readonly kernelName: string;
  readonly inputs: Readonly<Record<string, tf.Tensor>>;
  readonly outputs: readonly tf.Tensor[];
  readonly saved?: readonly tf.Tensor[];
}

interface EngineState {
  gradientDepth: number;
  kernelDepth: number;
  activeTape: TapeNode[] | null;
}

const state = () => (tf.engine() as unknown as { state: EngineState }).state;

/** Whether a tf.grad is recording right now. */
export const differentiating = () => state().gradientDepth > 0;

/** The operations recorded so far by the innermost tf.grad; empty outside one. */
export const recordedNodes = (): readonly TapeNode[] => state().activeTape ?? [];

/** Runs the code as if no gradient were being recorded around it; it may record one of its own. */
export function besideTape<T>(run: () => T): T {
  const s = state();
  const { gradientDepth, kernelDepth, activeTape } = s;
  [s.gradientDepth, s.kernelDepth, s.activeTape] = [0, 0, null];
  try {
    return run();
  } finally {
    [s.gradientDepth, s.kernelDepth, s.activeTape] = [gradientDepth, kernelDepth, activeTape];
  }
}

const interpreting = shared('interpreting', () => ({ depth: 0 }));

/** Whether every operation is to run by itself, on the tape for all to see (see compiled.ts). */
export const isInterpreting = () => interpreting.depth > 0;

/** Runs the code with every operation by itself, for whoever wants to watch them (synchronous code). */
export function interpreted<T>(body: () => T): T {
  interpreting.depth++;
  try {
    return body();
  } finally {
    interpreting.depth--;
  }
}

/**
 * 安全地求梯度：`safely(() => tf.grad(f)(x))`。
 *
 * When f (or a backward function) throws, TF.js forgets the tensors that its tape has saved for the backward pass:
 * they would stay in memory for good. This disposes them and passes the error on.
 */
export function safely<T>(gradient: () => T): T {
  try {
    return gradient();
  } catch (error) {
    const s = state();
    // Inside an outer tf.grad the tape still belongs to that one, which has its own `safely` or none.
    if (s.gradientDepth === 0 && s.activeTape) {
      for (const node of s.activeTape) for (const tensor of node.saved ?? []) tensor.dispose();
      s.activeTape = null;
    }
    throw understandable(error);
  }
}

/** TF.js names the operation whose gradient it lacks, in English. */
function understandable(error: unknown): unknown {
  const missing = /gradient function not found for (\w+)/i.exec(String((error as Error)?.message))?.[1];
  if (!missing) return error;
  const message =
    `网络里的 ${missing} 操作没有梯度，求不出它之前的梯度；前向的方法（classify、activations、occlusionMap、topPatches）照常可用。` +
    '要求梯度，请选在它之前的层作目标，或在转换时用别的操作代替它。';
  return new CourseError(message, { cause: error });
}

/**
 * The gradient of a scalar with respect to a tensor that only comes into being on the way to it, such as a layer's
 * activations. `f` returns both; the activations come back with the gradient, the caller disposes the two. Undefined
 * when the scalar does not depend on them.
 */
export function gradientAt<T extends tf.Tensor>(
  f: () => { value: tf.Scalar; at: T },
): { gradient: T; at: T } | undefined {
  const engine = tf.engine() as unknown as {
    gradients(f: () => tf.Tensor, xs: tf.Tensor[], dy: null, allowNone: boolean): { grads: (tf.Tensor | undefined)[] };
  };
  return safely(() =>
    tf.tidy(() => {
      // TF.js looks at this list after the forward pass, and there only at the tensors' ids.
      const xs: tf.Tensor[] = [tf.scalar(0)];
      let kept: T | undefined;
      try {
        const forward = () => {
          const { value, at } = interpreted(f); // the way between the two must be on the tape
          kept = tf.keep(tf.clone(at)) as T;
          xs[0] = at;
          return value;
        };
        const [gradient] = engine.gradients(forward, xs, null, true).grads;
        return gradient && { gradient: gradient as T, at: tf.clone(kept!) as T };
      } finally {
        kept?.dispose();
      }
    }),
  );
}
