/** A finite number within [low, high], or an error that says what was expected. */
export function checkNumber(what: string, value: number, low = -Infinity, high = Infinity): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= low && value <= high) return value;
  const range =
    low === -Infinity ? '有限的数' : high === Infinity ? `不小于 ${low} 的有限数` : `${low} 到 ${high} 之间的数`;
  throw new RangeError(`${what} 应为${range}，得到 ${String(value)}`);
}

/** Counts of something, by name: whole numbers from 1 on, `checkCounts({ steps, batchSize })`. */
export function checkCounts(counts: Readonly<Record<string, number>>): void {
  for (const [what, value] of Object.entries(counts)) {
    if (!Number.isInteger(value) || value < 1) throw new RangeError(`${what} 应为正整数，得到 ${String(value)}`);
  }
}

/** What was given instead of what is wanted; a promise is nearly always a forgotten `await`. */
export function kindOf(value: unknown): string {
  if (value instanceof Promise) return 'Promise：前面忘了 await';
  if (value === null || typeof value !== 'object') return typeof value === 'object' ? 'null' : typeof value;
  return Array.isArray(value) ? `数组（${value.length} 个）` : 'object';
}
