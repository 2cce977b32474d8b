import { tf } from './tf';

interface Engine {
  startScope(): void;
  endScope(kept?: tf.TensorContainer): void;
  readonly state: { readonly activeScope: { readonly track: tf.Tensor[] } };
}

/**
 * tf.tidy for a function that may turn out to be asynchronous: a synchronous one is tidied up behind, of an
 * asynchronous one nothing is touched, since it is still at work when the call comes back.
 */
export function tidyUnlessAsync<T extends tf.Tensor>(work: () => T | Promise<T>): T | Promise<T> {
  const engine = tf.engine() as unknown as Engine;
  engine.startScope();
  let kept: tf.TensorContainer = [];
  try {
    const result = work();
    kept = result instanceof tf.Tensor ? result : [...engine.state.activeScope.track];
    return result;
  } finally {
    engine.endScope(kept);
  }
}
