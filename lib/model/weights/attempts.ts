import * as fs from 'node:fs/promises';
import { CourseError } from '../../base/errors';
import type { NetworkFiles, WeightFile } from './catalogue';
import { claimPart, diskError, finishPart, releasePart } from './cache';
import type { DownloadSettings, Host } from './settings';
import { SourceFault, transfer } from './transfer';

/** 哪里都取不到（unavailable）：`tried` 是每个来源的原因。 */
export class UnavailableFiles extends CourseError {
  constructor(
    message: string,
    readonly tried: readonly string[],
  ) {
    super(message);
  }
}

/** One call of fetchNetworkFiles: what its files share. */
export interface DownloadRun {
  readonly set: NetworkFiles;
  readonly settings: DownloadSettings;
  readonly signal: AbortSignal;
  /** The public host that answered first; later files ask it first. */
  favourite?: Host;
  report(file: WeightFile, received: number, source: string): void;
}

/** Tries the mirror, the host that served the last file, then the public hosts at once, until a file passes. */
export async function download(run: DownloadRun, file: WeightFile, tried: string[]): Promise<Uint8Array> {
  const { settings } = run;
  const part = await claimPart(file, settings.cache).catch((error) => {
    throw diskError(error, file, settings.cache);
  });
  try {
    const out = new Set<Host>();
    const barren = new Map<Host, number>();
    let tired: Host | undefined;
    for (let attempt = 0; attempt < 30; attempt++) {
      const all = [settings.mirror, ...settings.hosts].filter((host): host is Host => !!host && !out.has(host));
      if (all.length === 0) break;
      const left = all.length > 1 ? all.filter((host) => host !== tired) : all;
      const first = left.find((host) => host === settings.mirror || host === run.favourite);
      try {
        const bytes = await tryHosts(run, file, part, first ? [first] : left);
        if (bytes) return bytes;
      } catch (error) {
        if (run.signal.aborted) throw error;
        for (const fault of error instanceof AggregateError ? error.errors : [error]) {
          if (!(fault instanceof SourceFault)) throw fault;
          // A line that breaks off but moves on is tried again, after the others: the download resumes.
          tired = fault.host;
          if (fault.gained) continue;
          // Broken before the first byte came through: a busy line, unless it happens again and again.
          const empty = (barren.get(fault.host) ?? 0) + 1;
          barren.set(fault.host, empty);
          if (fault.gained === false && empty < 3) continue;
          out.add(fault.host);
          tried.push(`${fault.host.title}：${fault.message}`);
        }
      }
    }
    if (tired && !out.has(tired)) tried.push(`${tired.title}：连接一再中断`);
    throw unavailable(run.set, file, tried, false);
  } catch (error) {
    const shown = diskError(error, file, settings.cache);
    if (shown !== error) await fs.rm(part, { force: true }).catch(() => undefined);
    throw shown;
  } finally {
    releasePart(part);
  }
}

/** One attempt; undefined when a resumed file turned out wrong as a whole and has to be fetched from its start. */
async function tryHosts(
  run: DownloadRun,
  file: WeightFile,
  part: string,
  hosts: Host[],
): Promise<Uint8Array | undefined> {
  const { host, resumed } = await transfer(hosts, file, part, run.settings, run.signal, (bytes, from) =>
    run.report(file, bytes, from.title),
  );
  const finished = await finishPart(file, part, run.settings.cache);
  if ('bytes' in finished) {
    if (host !== run.settings.mirror) run.favourite = host;
    return finished.bytes;
  }
  if (resumed) return undefined;
  throw new SourceFault(host, finished.fault);
}

/** 哪里都取不到：列出每个来源的原因和能做的事。 */
export function unavailable(
  set: NetworkFiles,
  file: WeightFile,
  tried: readonly string[],
  offline: boolean,
): CourseError {
  const lines = tried.map((line) => `\n  · ${line}`).join('');
  const why = offline ? '现在是离线状态（offline），不使用网络' : '每个来源都没有成功';
  return new UnavailableFiles(
    `取不到 ${set.title} 的权值文件 ${file.name}：缓存里没有，${why}。${lines}\n` +
      (offline ? '可以：联网后去掉 CONVSCOPE_OFFLINE 和 --offline；' : '可以：检查网络连接后重试（会接着下载）；') +
      '或把权值文件放进一个目录，用 CONVSCOPE_MODELS 指向它；' +
      '或用 CONVSCOPE_MODEL_URL 指向学校的镜像；' +
      `或先用随课程附带的网络：loadModel('efficientnet-lite0')。`,
    tried,
  );
}
