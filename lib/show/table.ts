import { emit } from './sink';
import { checkFields, checkList } from '../base/check';
import { escapeHtml, formatNumber } from './html';

export type Cell = string | number | boolean | null | undefined;

export interface ShowTableOptions {
  /** 表的标题（caption）。 */
  caption?: string;
  /** 有效数字（significant digits），默认 4。 */
  digits?: number;
}

/**
 * 显示一张表（show a table），各行的键是列名。
 *
 * @param rows 行（rows）：{ 列名: 数或文字 }；列按第一次出现的次序
 * @param options `caption`：标题；`digits`：数的有效数字，默认 4
 * @example
 * showTable([{ 层: 'conv1', 通道: 64 }, { 层: 'conv2', 通道: 192 }], { caption: '卷积层' });
 */
export function showTable(rows: readonly Readonly<Record<string, Cell>>[], options: ShowTableOptions = {}): void {
  emit(tableBundle(rows, options));
}

/** The table as text/html and text/plain. */
function tableBundle(
  rows: readonly Readonly<Record<string, Cell>>[],
  { caption = '', digits = 4 }: ShowTableOptions = {},
): Record<string, string> {
  if (!Array.isArray(rows)) throw new TypeError(`rows 应为行的数组 [{ 列名: 值 }, …]，得到 ${typeof rows}`);
  checkList('rows', rows, (row, what) => checkFields(what, row, [], '一行 { 列名: 值 }'));
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const text = (value: Cell) =>
    typeof value === 'number'
      ? formatNumber(value, digits)
      : typeof value === 'boolean'
        ? value
          ? '是'
          : '否'
        : String(value ?? '');
  const numeric = new Map(columns.map((c) => [c, rows.some((r) => typeof r[c] === 'number')]));
  const align = (column: string) => `text-align:${numeric.get(column) ? 'right' : 'left'}`;
  const head = columns.map((c) => `<th style="${align(c)}">${escapeHtml(c)}</th>`).join('');
  const body = rows.map(
    (row) => `<tr>${columns.map((c) => `<td style="${align(c)}">${escapeHtml(text(row[c]))}</td>`).join('')}</tr>`,
  );
  const title = caption
    ? `<caption style="text-align:left;font-weight:600;padding:4px 0">${escapeHtml(caption)}</caption>`
    : '';
  const html = `<table style="font-size:15px">${title}<thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table>`;
  const lines = [columns, ...rows.map((row) => columns.map((c) => text(row[c])))];
  return { 'text/html': html, 'text/plain': [caption, alignColumns(lines)].filter(Boolean).join('\n') };
}

/** Chinese characters are two columns wide in a terminal. */
const displayWidth = (text: string) =>
  [...text].reduce((n, c) => n + (/[\u1100-\u115f\u2e80-\uffe6]/.test(c) ? 2 : 1), 0);

function alignColumns(lines: readonly string[][]): string {
  const widths = (lines[0] ?? []).map((_, i) => Math.max(...lines.map((line) => displayWidth(line[i]))));
  return lines
    .map((line) =>
      line
        .map((cell, i) => cell + ' '.repeat(widths[i] - displayWidth(cell)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
