import { escapeHtml } from './html';
import { emit } from './sink';

/**
 * 一条醒目的说明（banner），例如"本章改用随课程附带的网络"；`detail` 折叠在下面。
 * @example
 * showNotice('用的是随课程附带的网络', '下载到 GoogLeNet 之后再运行，数会不同。');
 */
export function showNotice(message: string, detail = ''): void {
  const more = detail ? `<details><summary>原因</summary>${escapeHtml(detail)}</details>` : '';
  emit({
    'text/html': `<div style="border-left:4px solid #c77d1e;background:#fff6e6;color:#333;padding:8px 12px">${escapeHtml(message)}${more}</div>`,
    'text/plain': [message, detail].filter(Boolean).join('\n'),
  });
}
