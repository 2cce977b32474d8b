import type { Part } from './cache';
import type { WeightFile } from './catalogue';
import type { DownloadSettings, Host } from './settings';
import { faultOf } from './verify';

/** Why a host did not deliver. */
class SourceFault extends Error {}

/** The line has failed, or what was there before is wrong: the same host may do better the next time. */
export class PassingFault extends SourceFault {}

/** What the files of one download share. */
export interface DownloadRun extends DownloadSettings {
  /** The mirror too; those that have failed last. */
  readonly hosts: Host[];
  /** Hosts that something has come from: when one of them falls silent or breaks off, the line is bad, not the host. */
  readonly answered: Set<Host>;
  /** Its reason is the error that the caller sees. */
  readonly signal: AbortSignal;
  /** What has arrived of a file. */
  report(file: WeightFile, bytes: Uint8Array, source: string): void;
}

/**
 * Brings what is missing of a file from one host, and checks the whole.
 *
 * @returns what is wrong, when the host does not answer, has something else, or the line breaks off
 */
export async function transfer(run: DownloadRun, part: Part, host: Host): Promise<SourceFault | undefined> {
  const { fetch, connectTimeout, stallTimeout } = run;
  const { file, size: start } = part;
  const stop = new AbortController();
  const signal = AbortSignal.any([run.signal, stop.signal]);
  const within = <T>(ms: number, silent: string, broken: string, answer: Promise<T>): Promise<T> => {
    const timer = setTimeout(() => stop.abort(new PassingFault(`${ms / 1000} 秒${silent}`)), ms);
    const fail = (error: Error & { cause?: NodeJS.ErrnoException }) => {
      signal.throwIfAborted();
      throw new PassingFault(`${broken}（${error.cause?.code ?? error.cause?.message ?? error}）`);
    };
    return answer.catch(fail).finally(() => clearTimeout(timer));
  };
  try {
    // A compressed answer could neither be resumed nor measured.
    const headers = { 'accept-encoding': 'identity', ...(start > 0 && { range: `bytes=${start}-` }) };
    const asked = fetch(host.address(file), { headers, signal });
    const response = await within(connectTimeout, '内没有回答', '连接不上', asked);
    const from = offsetOf(response, file, start);
    // Nothing to go on from, or the host sends the whole file although only its end was asked for.
    if (from === 0) part.size = 0;
    const reader = response.body!.getReader();
    for (;;) {
      const { done, value } = await within(stallTimeout, '没有新数据', '连接中断', reader.read());
      const tooLong = !done && part.size + value.length > file.bytes;
      const fault = tooLong ? `太长：多于 ${file.bytes} 字节` : done && faultOf(file, part.bytes());
      if (fault) {
        part.size = 0;
        // What was there before may have been the wrong half.
        return new (from > 0 ? PassingFault : SourceFault)(fault);
      }
      if (done) return undefined;
      run.answered.add(host);
      await part.add(value);
      run.report(file, part.bytes(), host.title);
    }
  } catch (error) {
    if (error instanceof SourceFault) return error;
    throw error;
  } finally {
    stop.abort();
  }
}

/** Where an answer begins, once it promises the right length. */
function offsetOf({ ok, status, body, headers }: Response, file: WeightFile, start: number): number {
  if (!ok || !body) throw new SourceFault(`回答 HTTP ${status}`);
  const from = status === 206 ? Number(/^bytes (\d+)-/.exec(headers.get('content-range') ?? '')?.[1]) : 0;
  if (from !== 0 && from !== start) throw new SourceFault('续传的位置不对');
  const length = from + Number(headers.get('content-length') ?? NaN);
  if (length >= 0 && length !== file.bytes && !headers.get('content-encoding'))
    throw new SourceFault(`长度不对：应为 ${file.bytes} 字节，得到 ${length} 字节`);
  return from;
}
