/** 可以交给 `dispose` 的东西（what can be released）：张量、lib 的任何结果，以及它们的数组、Map；没有的（undefined）略过。 */
export type Releasable = object | null | undefined;

interface Held {
  readonly isDisposed?: boolean;
  dispose(): void;
}

const isHeld = (value: object): value is Held => typeof (value as Partial<Held>).dispose === 'function';

/** Plain results are opened; a class of somebody else's (a Date, a Buffer) holds no tensors of ours. */
function partsOf(value: object): unknown[] {
  if (Array.isArray(value)) return value;
  if (value instanceof Map) return [...value.values()];
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null ? Object.values(value) : [];
}

/**
 * 释放内存（dispose）：张量，或函数库返回的任何结果，不论张量藏在第几层；已经释放的、没有张量的都略过。
 * 网络也可以释放，但结果里提到的网络不会跟着释放。
 *
 * @param results 要释放的东西，几个都行
 * @throws TypeError 给的是 Promise（忘了 await）、数或字符串
 * @example
 * const image = tf.zeros([2, 2, 3]);
 * const result = { map: tf.zeros([2, 2]), steps: [{ image }] };
 * dispose(result, undefined);
 */
export function dispose(...results: readonly Releasable[]): void {
  for (const result of results) {
    if (result instanceof Promise) throw new TypeError('dispose 得到的是 Promise：前面忘了 await');
    if (result !== null && result !== undefined && typeof result !== 'object') {
      throw new TypeError(`dispose 释放张量和函数库的结果，得到 ${typeof result}（${String(result)}）`);
    }
  }
  const seen = new Set<object>();
  const release = (value: unknown, top: boolean): void => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return;
    const held = isHeld(value);
    // Tensors know whether they are disposed of; a network inside of a result belongs to somebody else, who may name it.
    if (held && value.isDisposed === undefined && !top) return;
    seen.add(value);
    if (!held) partsOf(value).forEach((part) => release(part, top && Array.isArray(value)));
    else if (!value.isDisposed) value.dispose();
  };
  results.forEach((result) => release(result, true));
}
