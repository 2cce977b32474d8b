import * as fs from 'node:fs';
import * as path from 'node:path';
import { download, unavailable, type DownloadRun } from './attempts';
import { placesIn, readCached, readFromFolder } from './cache';
import { downloadSettings, type DownloadSettings } from './settings';
import { CourseError, unknownName } from '../../base/errors';
import { watchInterrupts } from '../../base/interrupt';
import { networkFiles, type NetworkFiles, type NetworkFilesId, type WeightFile } from './catalogue';

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

function lookUp(id: NetworkFilesId): NetworkFiles {
  if (!Object.hasOwn(networkFiles, id)) throw unknownName('权值集', id, Object.keys(networkFiles));
  return networkFiles[id];
}

/**
 * 取得一个网络的权值文件（weight files）：缓存 → CONVSCOPE_MODELS → CONVSCOPE_MODEL_URL → 仓库主机与 CDN 竞速。
 *
 * 每个文件都经过校验；下载可以续传，缓存里不会出现半个文件；可以被中断，已下载的部分留待下次。
 *
 * @param id 'googlenet'、'squeezenet'、'alexnet-2012'（躯干）、'alexnet-2012-head'（分类头）、'alexnet-2012-mean'（均值图像）
 * @returns 文件名到内容
 * @throws RangeError 没有这组权值；CourseError 哪里都取不到、磁盘满、离线、被中断
 */
export async function fetchNetworkFiles(
  id: NetworkFilesId,
  { onProgress, offline, signal, settings: changes }: FetchOptions = {},
): Promise<Map<string, Uint8Array>> {
  const set = lookUp(id);
  const base = downloadSettings(changes);
  const settings = { ...base, offline: offline ?? base.offline };
  const stop = stopper(signal);
  const received = new Map<WeightFile, number>();
  const total = set.files.reduce((sum, file) => sum + file.bytes, 0);
  const run: DownloadRun = {
    set,
    settings,
    signal: stop.signal,
    report(file, bytes, source) {
      received.set(file, bytes);
      const sum = [...received.values()].reduce((a, b) => a + b, 0);
      onProgress?.({ title: set.title, file: file.name, received: sum, total, source });
    },
  };
  try {
    const files = await fetchAll(run, stop.abort);
    return new Map(set.files.map((file, i) => [file.name, files[i]]));
  } catch (error) {
    if (!stop.reason()) throw error;
    throw new CourseError(`${set.title} 的下载被中断。已下载的部分留着，再运行一次就接着下载。`, { cause: error });
  } finally {
    stop.release();
  }
}

/** One signal for the caller's abort and the learner's interrupt, which is noticed within a tenth of a second. */
function stopper(signal?: AbortSignal) {
  const controller = new AbortController();
  const watch = watchInterrupts(signal);
  let reason: string | undefined;
  const look = () => {
    if (!watch.stopped || reason) return;
    reason = watch.stopped;
    controller.abort();
  };
  const timer = setInterval(look, 100);
  signal?.addEventListener('abort', look);
  look();
  return {
    signal: controller.signal,
    abort: () => controller.abort(),
    reason: () => reason,
    release() {
      clearInterval(timer);
      signal?.removeEventListener('abort', look);
    },
  };
}

/** The first file alone, to learn which host is fastest; then four at a time, for most are small. */
async function fetchAll(run: DownloadRun, stop: () => void): Promise<Uint8Array[]> {
  const { files } = run.set;
  const results: Uint8Array[] = [await fetchOne(run, files[0])];
  let next = 1;
  const worker = async () => {
    while (next < files.length && !run.signal.aborted) {
      const at = next++;
      results[at] = await fetchOne(run, files[at]);
    }
  };
  let failure: { error: unknown } | undefined;
  const stopAll = (error: unknown) => {
    failure ??= { error };
    stop();
  };
  // All of them have let go of their files before the first error is passed on.
  await Promise.all(Array.from({ length: 4 }, () => worker().catch(stopAll)));
  if (failure) throw failure.error;
  run.signal.throwIfAborted();
  return results;
}

async function fetchOne(run: DownloadRun, file: WeightFile): Promise<Uint8Array> {
  const { settings } = run;
  const done = (bytes: Uint8Array, source: string) => {
    run.report(file, bytes.length, source);
    return bytes;
  };
  const cached = await readCached(file, settings.cache);
  if (cached) return done(cached, '缓存');
  const tried: string[] = [];
  if (settings.folder) {
    const found = await readFromFolder(file, settings.folder);
    if ('bytes' in found) return done(found.bytes, settings.folder);
    tried.push(`CONVSCOPE_MODELS（${settings.folder}）：${found.fault}`);
  }
  if (settings.offline) throw unavailable(run.set, file, tried, true);
  return download(run, file, tried);
}

/** 一组权值文件在本机上的情况（不联网，只看文件大小）。 */
export interface NetworkFilesState {
  readonly title: string;
  readonly present: boolean;
  /** 已在本机的字节数与全部的字节数。 */
  readonly bytes: number;
  readonly total: number;
  /** 所在的目录；一个文件都没有时为 undefined。 */
  readonly where: string | undefined;
  readonly missing: readonly string[];
  readonly licence: string;
}

/**
 * 一组权值文件是否齐备（present），在哪里，占多少，什么许可证；供 doctor 用。
 * @example
 * const { present, where } = networkFilesPresent('googlenet');
 */
export function networkFilesPresent(id: NetworkFilesId, changes: Partial<DownloadSettings> = {}): NetworkFilesState {
  const set = lookUp(id);
  const { cache, folder } = downloadSettings(changes);
  const here = (file: WeightFile) =>
    [path.join(cache, file.name), ...(folder ? placesIn(folder, file) : [])].find(
      (place) => fs.statSync(place, { throwIfNoEntry: false })?.size === file.bytes,
    );
  const places = set.files.map(here);
  const missing = set.files.filter((_, i) => !places[i]);
  const total = set.files.reduce((sum, file) => sum + file.bytes, 0);
  return {
    title: set.title,
    present: missing.length === 0,
    bytes: total - missing.reduce((sum, file) => sum + file.bytes, 0),
    total,
    where: places.find((place) => place !== undefined)?.startsWith(cache)
      ? cache
      : places.some(Boolean)
        ? folder
        : undefined,
    missing: missing.map((file) => file.name),
    licence: set.licence,
  };
}
