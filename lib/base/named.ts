/** Gives a function the name that appears in settings, captions and records: `l2(0.01)`. */
export function named<F extends (...args: never[]) => unknown>(name: string, f: F): F {
  return Object.defineProperty(f, 'name', { value: name });
}

/** A finite number within [low, high], or an error that says what was expected. */
export function checkNumber(what: string, value: number, low = -Infinity, high = Infinity): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= low && value <= high) return value;
  const range =
    low === -Infinity ? '有限的数' : high === Infinity ? `不小于 ${low} 的有限数` : `${low} 到 ${high} 之间的数`;
  throw new RangeError(`${what} 应为${range}，得到 ${String(value)}`);
}
