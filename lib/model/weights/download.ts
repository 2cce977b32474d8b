import { diskError, localPlaces, openPart, readFrom, store } from './cache';
import { lookUpFiles, type NetworkFiles, type NetworkFilesId, type WeightFile } from './catalogue';
import { downloadSettings, type DownloadSettings } from './settings';
import { type DownloadRun, PassingFault, transfer } from './transfer';
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

/** 哪里都取不到（unavailable）：列出每个来源的原因（`faults`）和能做的事。 */
export class UnavailableFiles extends CourseError {
  constructor(
    { title }: NetworkFiles,
    { name }: WeightFile,
    readonly faults: ReadonlyMap<string, string>,
    offline: boolean,
  ) {
    const lines = [
      `取不到 ${title} 的权值文件 ${name}：${offline ? '现在是离线状态（offline），不使用网络' : '每个来源都没有成功'}。`,
      ...[...faults].map(([source, fault]) => `  · ${source}：${fault}`),
      `可以：${offline ? '联网后去掉 CONVSCOPE_OFFLINE 和 --offline' : '检查网络连接后重试（会接着下载）'}；` +
        '或把权值文件放进一个目录，用 CONVSCOPE_MODELS 指向它；或用 CONVSCOPE_MODEL_URL 指向学校的镜像；' +
        "或先用随课程附带的网络：loadModel('efficientnet-lite0')。",
    ];
    super(lines.join('\n'));
  }
}

/** How often one host is asked for a file: after so many times the learner decides whether to go on. */
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
  const settings = downloadSettings(changes);
  const arrived = new Map<string, Uint8Array>(set.files.map(({ name }) => [name, new Uint8Array()]));
  const total = set.files.reduce((sum, { bytes }) => sum + bytes, 0);
  const stop = new AbortController();
  const run: DownloadRun = {
    ...settings,
    offline: offline ?? settings.offline,
    hosts: [...(settings.mirror ? [settings.mirror] : []), ...settings.hosts],
    answered: new Set(),
    signal: stop.signal,
    report({ name }, bytes, source) {
      arrived.set(name, bytes);
      const received = [...arrived.values()].reduce((sum, { length }) => sum + length, 0);
      onProgress?.({ title: set.title, file: name, received, total, source });
    },
  };
  // The caller's abort and the learner's interrupt are noticed within a tenth of a second.
  const watch = watchInterrupts({ signal });
  const told = `${set.title} 的下载被中断。已下载的部分留着，再运行一次就接着下载。`;
  const look = () => watch.stopped && stop.abort(new CourseError(told));
  const timer = setInterval(look, 100);
  look();
  // Four at a time, for most are small. All of them have let go of their files before the first error is passed on.
  const queue = set.files.values();
  const worker = async () => {
    for (const file of queue)
      if (!stop.signal.aborted)
        await fetchOne(set, run, file).catch((error) => stop.abort(diskError(error, file, settings.cache)));
  };
  await Promise.all([1, 2, 3, 4].map(worker));
  clearInterval(timer);
  stop.signal.throwIfAborted();
  return arrived;
}

/** From this machine, or from the first host that delivers. All files share the hosts: whoever fails goes to their end. */
async function fetchOne(set: NetworkFiles, run: DownloadRun, file: WeightFile): Promise<void> {
  const { hosts, offline } = run;
  const faults = new Map<string, string>();
  for (const { source, at } of localPlaces(file, run)) {
    const found = await readFrom(file, at);
    if (typeof found !== 'string') return run.report(file, found, source);
    faults.set(source, found || faults.get(source) || '没有这个文件');
  }
  if (offline) throw new UnavailableFiles(set, file, faults, offline);
  const part = await openPart(file, run);
  try {
    // It grows: a host that may do better comes once more, after the others.
    const turns = [...hosts];
    for (const host of turns) {
      const fault = await transfer(run, part, host);
      if (!fault) return await store(part, run);
      faults.set(host.title, fault.message);
      hosts.push(...hosts.splice(hosts.indexOf(host), 1));
      const again = fault instanceof PassingFault && run.answered.has(host);
      if (again && turns.filter((one) => one === host).length < TRIES) turns.push(host);
    }
    throw new UnavailableFiles(set, file, faults, offline);
  } catch (error) {
    // Of a disk's error nothing stays behind.
    if (!(error instanceof CourseError)) part.size = 0;
    throw error;
  } finally {
    await part.close();
  }
}
