import { emit } from './sink';
import { checkFields } from '../base/check';
import { escapeHtml, formatNumber } from './html';

export type Measurement = number | Readonly<Record<string, number>>;

export interface ClaimOptions {
  /** 实测（measured）：一个数，或 { 名称: 数 }。 */
  measured: Measurement;
  /** 对照（control）：同样的量在对照条件下的值。 */
  control: Measurement;
  /** 结论是否成立（holds），由单元格自己按事先说好的标准判断。 */
  holds: boolean;
  /** 重新运行时允许的相对偏差（relative tolerance），默认 0.05。 */
  tolerance?: number;
  /** 补充说明。 */
  note?: string;
}

export const CLAIM_MIME = 'application/vnd.convscope.claim+json';

/**
 * 写下一条结论的实测与对照（record a claim）；不成立也照样写出来。
 *
 * 同一个输出里带有机器可读的 `application/vnd.convscope.claim+json`，笔记本的运行器用它与已提交的数值比较。
 *
 * @param id 结论的编号（id），如 "C8"；一章里有几条时写 "C8 能量"
 * @returns `holds`，便于接着使用
 * @example
 * const [measured, control] = [0.8, 0.5];
 * claim('C0 例子', { measured, control, holds: measured > control });
 */
export function claim(id: string, options: ClaimOptions): boolean {
  const { measured, control, holds, tolerance = 0.05, note = '' } = checkFields('结论', options, [], ' { measured, control, holds }'); // prettier-ignore
  if (!id || typeof id !== 'string') throw new TypeError(`结论的编号应为文字，如 "C8"，得到 ${String(id)}`);
  if (typeof holds !== 'boolean') throw new TypeError(`holds 应为 true 或 false，得到 ${String(holds)}`);
  check('measured', measured);
  check('control', control);
  const verdict = holds ? '成立' : '不成立';
  const cells = [id, describe(measured), describe(control), verdict];
  const mark = `padding:2px 8px;border-radius:4px;white-space:nowrap;background:${holds ? '#e3eefa' : '#fdeedd'};color:${holds ? '#1d4f8c' : '#8a4b08'}`;
  const html =
    `<table style="font-size:15px"><thead><tr>${['结论', '实测', '对照', '成立？'].map((h) => `<th style="text-align:left;white-space:nowrap">${h}</th>`).join('')}</tr></thead>` +
    `<tbody><tr>${cells.map((c, i) => `<td style="text-align:left">${i === 3 ? `<span style="${mark}">${c}</span>` : escapeHtml(c)}</td>`).join('')}</tr></tbody></table>` +
    (note ? `<div style="font-size:14px;color:#6b7380">${escapeHtml(note)}</div>` : '');
  emit({
    [CLAIM_MIME]: { id, measured, control, holds, tolerance, ...(note ? { note } : {}) },
    'text/html': html,
    'text/plain': `结论 ${id}：${verdict}；实测 ${cells[1]}；对照 ${cells[2]}${note ? `；${note}` : ''}`,
  });
  return holds;
}

/** A NaN would compare as equal to nothing, or be taken for a result: it is an error of the cell. */
function check(name: string, value: Measurement): void {
  const values =
    typeof value === 'number' ? [value] : value && typeof value === 'object' ? Object.values(value) : [NaN];
  if (values.length === 0 || !values.every(Number.isFinite)) {
    throw new RangeError(`${name} 应为有限的数，或 { 名称: 数 }，得到 ${JSON.stringify(value)}；请检查得到它的计算`);
  }
}

function describe(value: Measurement): string {
  if (typeof value === 'number') return formatNumber(value, 3);
  return Object.entries(value)
    .map(([name, v]) => `${name} ${formatNumber(v, 3)}`)
    .join('，');
}
