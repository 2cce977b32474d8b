import { claimPart, diskError, readCached, readFromFolder, releasePart } from './cache';
import { lookUpFiles, type NetworkFiles, type NetworkFilesId, type WeightFile } from './catalogue';
import { downloadSettings, type DownloadSettings, type Host } from './settings';
import { type DownloadRun, SourceFault, transfer } from './transfer';
import { CourseError } from '../../base/errors';
import { watchInterrupts } from '../../base/interrupt';

/** 下载的进度（progress），以整组文件的字节计。 */
export interface DownloadProgress {
  readonly title: string;
  readonly file: string;
  readonly received: number;
  readonly total: number;
  /** 正在供给的主机、目录或"缓存"（cache）。 */
  readonly source: string;
}

export interface FetchOptions {
  onProgress?: (progress: DownloadProgress) => void;
  /** 不用网络，只看缓存和 CONVSCOPE_MODELS；默认看环境变量 CONVSCOPE_OFFLINE。 */
  offline?: boolean;
  signal?: AbortSignal;
  /** 测试用：覆盖主机、目录、超时。 */
  settings?: Partial<DownloadSettings>;
}

/** 哪里都取不到（unavailable）：列出每个来源的原因（`tried`）和能做的事。 */
export class UnavailableFiles extends CourseError {
  constructor(
    { title }: NetworkFiles,
    file: WeightFile,
    readonly tried: readonly string[],
    offline: boolean,
  ) {
    const lines = tried.map((line) => `\n  · ${line}`).join('');
    const why = offline ? '现在是离线状态（offline），不使用网络' : '每个来源都没有成功';
    super(
      `取不到 ${title} 的权值文件 ${file.name}：缓存里没有，${why}。${lines}\n` +
        (offline ? '可以：联网后去掉 CONVSCOPE_OFFLINE 和 --offline；' : '可以：检查网络连接后重试（会接着下载）；') +
        '或把权值文件放进一个目录，用 CONVSCOPE_MODELS 指向它；' +
        '或用 CONVSCOPE_MODEL_URL 指向学校的镜像；' +
        `或先用随课程附带的网络：loadModel('efficientnet-lite0')。`,
    );
  }
}

/** A line that breaks off is asked again; after so many times the learner decides whether to go on. */
const TRIES = 5;

/**
 * 取得一个网络的权值文件（weight files）：缓存 → CONVSCOPE_MODELS → CONVSCOPE_MODEL_URL → 仓库主机 → CDN，依次。
 *
 * 每个文件都经过校验；大的文件可以续传，缓存里不会出现半个文件；可以被中断，已下载的部分留待下次。
 *
 * @param id 'googlenet'、'squeezenet'、'alexnet-2012'（躯干）、'alexnet-2012-head'（分类头）
 * @returns 文件名到内容
 * @throws RangeError 没有这组权值；CourseError 哪里都取不到、磁盘满、离线、被中断
 */
export async function fetchNetworkFiles(
  id: NetworkFilesId,
  { onProgress, offline, signal, settings: changes }: FetchOptions = {},
): Promise<Map<string, Uint8Array>> {
  const set = lookUpFiles(id);
  const base = downloadSettings(changes);
  const received = new Map<WeightFile, number>();
  const total = set.files.reduce((sum, file) => sum + file.bytes, 0);
  const stop = new AbortController();
  const run: DownloadRun = {
    settings: { ...base, offline: offline ?? base.offline },
    signal: stop.signal,
    answered: new Set(),
    report(file, bytes, source) {
      received.set(file, bytes);
      const sum = [...received.values()].reduce((a, b) => a + b, 0);
      onProgress?.({ title: set.title, file: file.name, received: sum, total, source });
    },
  };
  // The caller's abort and the learner's interrupt are noticed within a tenth of a second.
  const watch = watchInterrupts(signal);
  const interrupted = () => new CourseError(`${set.title} 的下载被中断。已下载的部分留着，再运行一次就接着下载。`);
  const look = () => watch.stopped && stop.abort(interrupted());
  const timer = setInterval(look, 100);
  look();
  try {
    return await fetchAll(set, run, stop);
  } finally {
    clearInterval(timer);
  }
}

/** Four at a time, for most are small. All of them have let go of their files before the first error is passed on. */
async function fetchAll(set: NetworkFiles, run: DownloadRun, stop: AbortController): Promise<Map<string, Uint8Array>> {
  const { mirror, hosts } = run.settings;
  const order = mirror ? [mirror, ...hosts] : [...hosts];
  const found = new Map<string, Uint8Array>(set.files.map(({ name }) => [name, new Uint8Array()]));
  const queue = set.files.values();
  const worker = async () => {
    for (const file of queue) {
      run.signal.throwIfAborted();
      found.set(file.name, await fetchOne(set, run, order, file));
    }
  };
  await Promise.all([1, 2, 3, 4].map(() => worker().catch((error) => stop.abort(error))));
  run.signal.throwIfAborted();
  return found;
}

async function fetchOne(set: NetworkFiles, run: DownloadRun, order: Host[], file: WeightFile): Promise<Uint8Array> {
  const { cache, folder, offline } = run.settings;
  const done = (bytes: Uint8Array, source: string) => {
    run.report(file, bytes.length, source);
    return bytes;
  };
  const cached = await readCached(file, cache);
  if (cached) return done(cached, '缓存');
  const tried: string[] = [];
  if (folder) {
    const found = await readFromFolder(file, folder);
    if ('bytes' in found) return done(found.bytes, folder);
    tried.push(`CONVSCOPE_MODELS（${folder}）：${found.fault}`);
  }
  const bytes = offline ? undefined : await download(run, order, file, tried);
  if (!bytes) throw new UnavailableFiles(set, file, tried, offline);
  return bytes;
}

/** From the first host that delivers; `order` is the same for all files: whoever fails goes to its end. */
async function download(
  run: DownloadRun,
  order: Host[],
  file: WeightFile,
  tried: string[],
): Promise<Uint8Array | undefined> {
  const { cache, resumeOver } = run.settings;
  const left = new Map(order.map((host) => [host, TRIES]));
  let part: string | undefined;
  let keep = file.bytes > resumeOver;
  try {
    part = await claimPart(file, cache);
    for (;;) {
      const host = order.find((one) => left.has(one));
      if (!host) return undefined;
      try {
        return await transfer(run, file, part, host);
      } catch (error) {
        if (!(error instanceof SourceFault)) throw error;
        order.push(...order.splice(order.indexOf(host), 1));
        left.set(host, error.again ? left.get(host)! - 1 : 0);
        if (left.get(host)) continue;
        left.delete(host);
        tried.push(`${host.title}：${error.message}`);
      }
    }
  } catch (error) {
    keep &&= run.signal.aborted;
    throw diskError(error, file, cache);
  } finally {
    if (part) await releasePart(part, keep);
  }
}
