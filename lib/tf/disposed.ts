import { tf } from './tf';

const GONE = '这个张量已被释放（dispose），不能再用；请重新读入或重新计算，用完之后再 dispose。';

interface Engine {
  moveData(backend: unknown, dataId: object): void;
  readonly state: { readonly tensorInfo: WeakMap<object, unknown> };
}

/**
 * Whoever uses a tensor that is gone hears it in the reader's language, in every function and every operation: TF.js asks
 * the first of these for its numbers, and the second wherever an operation takes it as an input.
 */
export function sayWhatIsDisposed(): void {
  tf.Tensor.prototype.throwIfDisposed = function () {
    if (this.isDisposed) throw new TypeError(GONE);
  };
  const engine = tf.engine() as unknown as Engine;
  const move = engine.moveData.bind(engine);
  engine.moveData = (backend, dataId) => {
    if (!engine.state.tensorInfo.has(dataId)) throw new TypeError(GONE);
    move(backend, dataId);
  };
}
