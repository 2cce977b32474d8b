/** Everything that a person typed (file names, captions, labels) passes through here before it becomes HTML. */
export function escapeHtml(text: unknown): string {
  return String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** A number for people: `digits` significant digits, a real minus sign, no needless exponent. */
export function formatNumber(value: number, digits = 4): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? '非数' : value > 0 ? '∞' : '−∞';
  if (value === 0) return '0';
  const magnitude = Math.abs(value);
  const plain =
    magnitude >= 1e6 || magnitude < 1e-4
      ? value
          .toExponential(Math.max(0, digits - 1))
          .replace(/\.?0+e/, 'e')
          .replace('e+', 'e')
      : Number.isInteger(value)
        ? String(value)
        : String(Number(value.toPrecision(digits)));
  return plain.replace(/-/g, '−');
}

/** Rounds every number in a figure: four digits are enough to draw, and the notebook stays small. */
export function roundNumbers(value: unknown, digits = 4): unknown {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return null;
    return Number.isInteger(value) ? value : Number(value.toPrecision(digits));
  }
  if (ArrayBuffer.isView(value))
    return Array.from(value as unknown as ArrayLike<number>, (v) => roundNumbers(v, digits));
  if (Array.isArray(value)) return value.map((v) => roundNumbers(v, digits));
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, roundNumbers(v, digits)]));
  }
  return value;
}
