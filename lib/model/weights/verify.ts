import { createHash } from 'node:crypto';
import type { WeightFile } from './catalogue';

/** Git's name for a file's content: SHA-1 over a header with the length, then the bytes. */
export function gitBlobId(bytes: Uint8Array): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** How a fault begins that only the content can have: the file was there, but it is not the right one. */
export const WRONG_SUM = '校验和不对';

/** 检验一个文件；完好时为 undefined，否则是一句说明（应有什么、得到什么）。 */
export function faultOf(file: WeightFile, bytes: Uint8Array): string | undefined {
  if (bytes.length !== file.bytes) return `长度不对：应为 ${file.bytes} 字节，得到 ${bytes.length} 字节`;
  const [kind, expected, got] = file.sha256
    ? ['SHA-256', file.sha256, sha256(bytes)]
    : ['git blob', file.gitBlob!, gitBlobId(bytes)];
  return got === expected
    ? undefined
    : `${WRONG_SUM}（${kind}）：应为 ${expected.slice(0, 12)}…，得到 ${got.slice(0, 12)}…`;
}
