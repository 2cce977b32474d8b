import { kindOf } from './check';

/** 环境与数据的错误（setup and data）：文件、网络连接、权重、缓存。参数错误用 RangeError / TypeError。 */
export class CourseError extends Error {
  override name = 'CourseError';
}

/** Levenshtein distance, for "did you mean". */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length];
}

/** 按相近程度排好的候选名（nearest names）。 */
export function nearestNames(got: string, allowed: readonly string[], count = 3): string[] {
  const key = got.toLowerCase();
  const cost = (name: string) => {
    const n = name.toLowerCase();
    // A name that contains what was typed is a better guess than a short one that happens to be few edits away.
    return key && (n.includes(key) || key.includes(n)) ? Math.abs(n.length - key.length) / 10 : distance(key, n);
  };
  return [...allowed].sort((a, b) => cost(a) - cost(b)).slice(0, count);
}

/** "没有名为…" 的 RangeError：说出给了什么、最接近什么、可选什么。 */
export function unknownName(kind: string, got: unknown, allowed: readonly string[]): RangeError {
  const list =
    // a longer list is not read; the nearest names stand before it
    allowed.length > 24 ? `${allowed.slice(0, 24).join('、')} …（共 ${allowed.length} 个）` : allowed.join('、');
  return new RangeError(
    `没有名为"${typeof got === 'object' ? kindOf(got) : String(got)}"的${kind}；最接近：${nearestNames(String(got), allowed).join('、')}；可选：${list}`,
  );
}
