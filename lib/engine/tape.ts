import * as tf from '@tensorflow/tfjs';

/** One recorded operation of TF.js' gradient tape; the parts of it that we read. */
export interface TapeNode {
  readonly kernelName: string;
  readonly saved?: readonly tf.Tensor[];
}

interface EngineState {
  gradientDepth: number;
  activeTape: TapeNode[] | null;
}

const state = () => (tf.engine() as unknown as { state: EngineState }).state;

/** The operations recorded so far by the innermost tf.grad; empty outside one. */
export const recordedNodes = (): readonly TapeNode[] => state().activeTape ?? [];

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
    throw error;
  }
}
