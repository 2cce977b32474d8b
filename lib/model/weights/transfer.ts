import * as fs from 'node:fs/promises';
import { finishPart } from './cache';
import type { WeightFile } from './catalogue';
import type { DownloadSettings, Host } from './settings';

/** Why a host did not deliver. `again`: asking it once more may help. */
export class SourceFault extends Error {
  constructor(
    message: string,
    readonly again = false,
  ) {
    super(message);
  }
}

/** What the files of one download share. */
export interface DownloadRun {
  readonly settings: DownloadSettings;
  /** Its reason is the error that the caller sees. */
  readonly signal: AbortSignal;
  /** Hosts that have answered: when one of them is late, the line is bad, not the host. */
  readonly answered: Set<Host>;
  report(file: WeightFile, received: number, source: string): void;
}

type Line = ReturnType<typeof openLine>;

/** A connection that hangs up when its time is over, and then says why. */
function openLine(signal: AbortSignal) {
  const controller = new AbortController();
  const hangUp = () => controller.abort(signal.reason);
  if (signal.aborted) hangUp();
  signal.addEventListener('abort', hangUp);
  return {
    signal: controller.signal,
    limit: (ms: number, told: string, again = () => false) =>
      setTimeout(() => controller.abort(new SourceFault(`${ms / 1000} 秒${told}`, again())), ms),
    fault(told: string, again: boolean, error: unknown): unknown {
      if (controller.signal.aborted) return controller.signal.reason;
      const { cause } = error as { cause?: { code?: string; message?: string } };
      return new SourceFault(`${told}（${cause?.code ?? cause?.message ?? error}）`, again);
    },
    close() {
      signal.removeEventListener('abort', hangUp);
      controller.abort();
    },
  };
}

/**
 * Brings a file from one host: appends its missing end to `part`, and gives that its final name.
 *
 * @throws SourceFault when the host does not answer, has something else, or the line breaks off
 */
export async function transfer(run: DownloadRun, file: WeightFile, part: string, host: Host): Promise<Uint8Array> {
  const { settings } = run;
  const line = openLine(run.signal);
  try {
    const { size } = await fs.stat(part).catch(() => ({ size: 0 }));
    const start = file.bytes > settings.resumeOver && size < file.bytes ? size : 0;
    const alive = () => run.answered.has(host);
    const response = await ask(host.address(file), start, settings, line, alive);
    run.answered.add(host);
    const from = offsetOf(response, file, start);
    // Nothing to go on from, or the host sends the whole file although only its end was asked for.
    if (from === 0) await fs.rm(part, { force: true });
    await append(response, part, from, settings, line, async (received) => {
      if (received <= file.bytes) return run.report(file, received, host.title);
      await fs.rm(part, { force: true });
      throw new SourceFault(`太长：多于 ${file.bytes} 字节`);
    });
    const finished = await finishPart(file, part, settings.cache);
    if ('bytes' in finished) return finished.bytes;
    // What was there before may have been the wrong half.
    throw new SourceFault(finished.fault, from > 0);
  } finally {
    line.close();
  }
}

async function ask(
  url: string,
  start: number,
  settings: DownloadSettings,
  line: Line,
  alive: () => boolean,
): Promise<Response> {
  const timer = line.limit(settings.connectTimeout, '内没有回答', alive);
  // A compressed answer could neither be resumed nor measured.
  const headers = { 'accept-encoding': 'identity', ...(start > 0 && { range: `bytes=${start}-` }) };
  try {
    return await settings.fetch(url, { headers, signal: line.signal });
  } catch (error) {
    throw line.fault('连接不上', false, error);
  } finally {
    clearTimeout(timer);
  }
}

/** Where an answer begins, once it promises the right length. */
function offsetOf(response: Response, file: WeightFile, start: number): number {
  if (!response.ok || !response.body) throw new SourceFault(`回答 HTTP ${response.status}`);
  const range = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '');
  const from = response.status === 206 ? Number(range?.[1]) : 0;
  if (from !== 0 && from !== start) throw new SourceFault('续传的位置不对');
  const length = Number(response.headers.get('content-length') ?? NaN);
  if (length >= 0 && from + length !== file.bytes && !response.headers.get('content-encoding'))
    throw new SourceFault(`长度不对：应为 ${file.bytes} 字节，得到 ${from + length} 字节`);
  return from;
}

/** Writes an answer behind what `part` already holds; `check` may refuse a piece. */
async function append(
  response: Response,
  part: string,
  from: number,
  settings: DownloadSettings,
  line: Line,
  check: (received: number) => Promise<void>,
): Promise<void> {
  let received = from;
  const writer = await settings.openPart(part);
  const stall = line.limit(settings.stallTimeout, '没有新数据', () => received > from);
  try {
    const reader = response.body!.getReader();
    for (;;) {
      const { done, value } = await reader.read().catch((error) => {
        throw line.fault('连接中断', true, error);
      });
      if (done) break;
      stall.refresh();
      await check((received += value.length));
      await writer.appendFile(value);
    }
    // On the disk before it gets its final name, or a power cut could leave an empty file under it.
    await writer.sync();
  } finally {
    clearTimeout(stall);
    await writer.close();
  }
}
