/** Gives a function the name that appears in settings, captions and records: `l2(0.01)`. */
export function named<F extends (...args: never[]) => unknown>(name: string, f: F): F {
  return Object.defineProperty(f, 'name', { value: name });
}
