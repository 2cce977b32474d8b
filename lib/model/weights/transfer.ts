import * as fs from 'node:fs/promises';
import type { WeightFile } from './catalogue';
import type { DownloadSettings, Host } from './settings';

/** Why a host did not deliver; the next one is asked. `gained`, of a line that broke off: whether any byte arrived. */
export class SourceFault extends Error {
  constructor(
    readonly host: Host,
    message: string,
    readonly gained?: boolean,
  ) {
    super(message);
  }
}

interface Answer {
  readonly host: Host;
  readonly response: Response;
  /** Stops this answer's transfer. */
  readonly controller: AbortController;
  /** 0 when the host sends the whole file although only its end was asked for. */
  readonly offset: number;
}

const reasonOf = (error: unknown): string => {
  const cause = (error as { cause?: { code?: string; message?: string } }).cause;
  return cause?.code ?? cause?.message ?? (error instanceof Error ? error.message : String(error));
};

/** Asks one host for a file from `offset` on; resolves when its answer begins and promises the right length. */
async function ask(
  host: Host,
  file: WeightFile,
  offset: number,
  settings: DownloadSettings,
  controller: AbortController,
): Promise<Answer> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    controller.abort();
  }, settings.connectTimeout);
  try {
    // A compressed answer could neither be resumed nor measured.
    const headers: Record<string, string> = { 'accept-encoding': 'identity' };
    if (offset > 0) headers.range = `bytes=${offset}-`;
    const response = await settings.fetch(host.address(file), { headers, signal: controller.signal });
    const from = response.status === 206 ? rangeStart(response) : 0;
    const length = Number(response.headers.get('content-length') ?? NaN);
    const refuse = (why: string) => {
      controller.abort();
      throw new SourceFault(host, why);
    };
    if (!response.ok || !response.body) refuse(`回答 HTTP ${response.status}`);
    if (from !== 0 && from !== offset) refuse('续传的位置不对');
    if (length >= 0 && length !== file.bytes - from && !response.headers.get('content-encoding')) {
      refuse(`长度不对：应为 ${file.bytes} 字节，得到 ${length + from} 字节`);
    }
    return { host, response, controller, offset: from };
  } catch (error) {
    if (error instanceof SourceFault) throw error;
    throw new SourceFault(
      host,
      late ? `${settings.connectTimeout / 1000} 秒内没有回答` : `连接不上（${reasonOf(error)}）`,
    );
  } finally {
    clearTimeout(timer);
  }
}

function rangeStart(response: Response): number {
  const match = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '');
  return match ? Number(match[1]) : NaN;
}

/** Asks several hosts at once; the first good answer wins and the others are broken off. */
async function race(
  hosts: readonly Host[],
  file: WeightFile,
  offset: number,
  settings: DownloadSettings,
  controllers: readonly AbortController[],
): Promise<Answer> {
  const winner = await Promise.any(hosts.map((host, i) => ask(host, file, offset, settings, controllers[i])));
  for (const controller of controllers) if (controller !== winner.controller) controller.abort();
  return winner;
}

/**
 * Brings a file's missing end from whichever of the hosts answers first, and appends it to `part`.
 *
 * @returns the host that delivered
 * @throws AggregateError of SourceFaults when no host answered, SourceFault when the transfer broke off
 */
export async function transfer(
  hosts: readonly Host[],
  file: WeightFile,
  part: string,
  settings: DownloadSettings,
  signal: AbortSignal,
  onBytes: (received: number, host: Host) => void,
): Promise<{ host: Host; resumed: boolean }> {
  signal.throwIfAborted();
  let start = await fs.stat(part).then(
    (found) => found.size,
    () => 0,
  );
  if (start >= file.bytes) {
    await fs.rm(part, { force: true });
    start = 0;
  }
  const controllers = hosts.map(() => new AbortController());
  const stop = () => controllers.forEach((controller) => controller.abort());
  signal.addEventListener('abort', stop);
  try {
    const answer = await race(hosts, file, start, settings, controllers);
    if (answer.offset < start) await fs.rm(part, { force: true });
    await append(answer, file, part, settings, onBytes);
    return { host: answer.host, resumed: answer.offset > 0 };
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}

/** Writes an answer behind what `part` already holds. */
async function append(
  { host, offset, response, controller }: Answer,
  file: WeightFile,
  part: string,
  settings: DownloadSettings,
  onBytes: (received: number, host: Host) => void,
): Promise<void> {
  const writer = await settings.openPart(part);
  let received = offset;
  let stalled = false;
  let wrong: string | undefined;
  const stall = setTimeout(() => {
    stalled = true;
    controller.abort();
  }, settings.stallTimeout);
  try {
    const reader = response.body!.getReader();
    for (;;) {
      const piece = await reader.read().catch((error) => {
        const why = stalled ? `${settings.stallTimeout / 1000} 秒没有新数据` : `连接中断（${reasonOf(error)}）`;
        throw new SourceFault(host, why, stalled && received === offset ? undefined : received > offset);
      });
      if (piece.done) break;
      stall.refresh();
      if (received + piece.value.length > file.bytes) {
        wrong = `太长：多于 ${file.bytes} 字节`;
        break;
      }
      await writer.write(piece.value);
      received += piece.value.length;
      onBytes(received, host);
    }
  } finally {
    clearTimeout(stall);
    await writer.close();
  }
  // The host thinks that this is all, unlike a line that breaks off: it has another file, say a log-in page.
  if (!wrong && received < file.bytes) wrong = `太短：应为 ${file.bytes} 字节，得到 ${received} 字节`;
  if (!wrong) return;
  await fs.rm(part, { force: true });
  throw new SourceFault(host, wrong);
}
