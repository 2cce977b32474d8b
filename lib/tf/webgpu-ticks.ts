/**
 * Dawn hands out what the graphics card has finished when Node's loop comes to it: it asks `setImmediate` to be called
 * again. Remembering that call lets us make it at once, and so wait for the card without giving up control.
 */

type Callback = (...args: unknown[]) => void;

const waiting = new Map<Callback, NodeJS.Immediate>();

/** Dawn's callback is a native function without a name. */
const isNative = (callback: Callback) =>
  callback.name === '' && Function.prototype.toString.call(callback).includes('[native code]');

/** Listens to setImmediate from now on: before Dawn is started. */
export function catchTicks(): void {
  const real = globalThis.setImmediate;
  const listening = (callback: Callback, ...args: unknown[]) => {
    if (!isNative(callback)) return real(callback, ...args);
    const handle = real(() => {
      waiting.delete(callback);
      callback();
    });
    waiting.set(callback, handle);
    return handle;
  };
  globalThis.setImmediate = Object.assign(listening, real) as typeof setImmediate;
}

/** Makes Dawn's waiting calls now; false when there is none. */
export function tick(): boolean {
  const now = [...waiting];
  for (const [callback, handle] of now) {
    waiting.delete(callback);
    clearImmediate(handle);
    callback();
  }
  return now.length > 0;
}
