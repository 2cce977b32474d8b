/** A finite number within [low, high], or an error that says what was expected. */
export function checkNumber(what: string, value: number, low = -Infinity, high = Infinity): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= low && value <= high) return value;
  const range =
    low === -Infinity ? '有限的数' : high === Infinity ? `不小于 ${low} 的有限数` : `${low} 到 ${high} 之间的数`;
  throw new RangeError(`${what} 应为${range}，得到 ${kindOf(value)}`);
}

/** Counts of something, by name: whole numbers from 1 on, `checkCounts({ steps, batchSize })`. */
export function checkCounts(counts: Readonly<Record<string, number>>): void {
  for (const [what, value] of Object.entries(counts)) {
    if (!Number.isInteger(value) || value < 1) throw new RangeError(`${what} 应为正整数，得到 ${kindOf(value)}`);
  }
}

type Check<T> = (item: T, what: string) => void;

/** A list (or a typed array) of things that pass the check, each of them. */
export function checkList<L extends ArrayLike<unknown>>(what: string, list: L, check?: Check<L[number]>): L {
  if (!Array.isArray(list) && !ArrayBuffer.isView(list)) throw new TypeError(`${what} 应为数组，得到 ${kindOf(list)}`);
  if (check) for (let i = 0; i < list.length; i++) check(list[i], `${what} 的第 ${i} 个`);
  return list;
}

/** A list of finite numbers; how many, where that is known. */
export function checkNumbers<L extends ArrayLike<number>>(what: string, list: L, count?: number): L {
  const { length } = checkList(what, list);
  if (count !== undefined && length !== count) throw new RangeError(`${what} 应有 ${count} 个数，得到 ${length} 个`);
  // A message for every number would take longer than what they are for.
  for (let i = 0; i < length; i++) if (!Number.isFinite(list[i])) checkNumber(`${what} 的第 ${i} 个`, list[i]);
  return list;
}

/** Something that has these fields, as another function's result has; `source` says which. */
export function checkFields<T>(what: string, value: T, fields: readonly (keyof T & string)[], source: string): T {
  const absent = (field: keyof T) => value[field] === undefined || value[field] === null;
  if (typeof value !== 'object' || value === null || value instanceof Promise || fields.some(absent))
    throw new TypeError(`${what} 应为${source}，得到 ${kindOf(value)}`);
  return value;
}

export function checkText(text: string, what: string): string {
  if (typeof text === 'string') return text;
  throw new TypeError(`${what} 应为文字，得到 ${kindOf(text)}`);
}

export function checkFunction<F>(what: string, f: F): F {
  if (typeof f === 'function') return f;
  throw new TypeError(`${what} 应为函数，得到 ${kindOf(f)}`);
}

/** What was given instead of what is wanted; a promise is nearly always a forgotten `await`. */
export function kindOf(value: unknown): string {
  if (value instanceof Promise) return 'Promise：前面忘了 await';
  if (typeof value === 'number') return String(value);
  // the sentence around it stays readable
  if (typeof value === 'string') return value.length > 60 ? `"${value.slice(0, 60)}…"` : `"${value}"`;
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
  const { shape } = value as { shape?: unknown };
  if (Array.isArray(shape)) return `张量 [${shape.join(', ')}]；要其中的数，用 await 张量.data()`;
  return Array.isArray(value) ? `数组（${value.length} 个）` : `{ ${Object.keys(value).slice(0, 6).join(', ')} }`;
}
