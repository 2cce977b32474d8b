import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import * as path from 'node:path';
import type { WeightFile } from './catalogue';
import { cacheFolder } from '../../base/paths';

/** A place on the web: its name for people, and where it keeps a file. */
export interface Host {
  /** 给人看的名字。 */
  readonly title: string;
  /** 一个文件在那里的网址。 */
  address(file: WeightFile): string;
}

/** Everything the downloader takes from outside, so that tests can replace it. */
export interface DownloadSettings {
  /** 缓存的文件夹。 */
  readonly cache: string;
  /** CONVSCOPE_MODELS：放着这些文件的文件夹，如教师的 U 盘。 */
  readonly folder?: string;
  /** CONVSCOPE_MODEL_URL：学校自己的镜像，先问它。 */
  readonly mirror?: Host;
  /** 公开的主机，依次问。 */
  readonly hosts: readonly Host[];
  /** true：不用网络。 */
  readonly offline: boolean;
  /** 字节：比它长的文件，收到多少就存多少，下次接着下载。 */
  readonly resumeOver: number;
  /** 毫秒：多久没有回答就换下一个主机。 */
  readonly connectTimeout: number;
  /** 毫秒：两段之间隔多久就算断了。 */
  readonly stallTimeout: number;
  /** 用来取网址的函数。 */
  readonly fetch: typeof fetch;
  /** 怎样打开要写的文件；测试在这里装作磁盘已满。 */
  openFile(file: string): Promise<FileHandle>;
}

/** The repository host's raw files, and a CDN's mirror of the same commit. */
export const publicHosts: readonly Host[] = [
  {
    title: 'raw.githubusercontent.com',
    address: (f) => encodeURI(`https://raw.githubusercontent.com/${f.repository}/${f.commit}/${f.path}`),
  },
  {
    title: 'cdn.jsdelivr.net',
    address: (f) => encodeURI(`https://cdn.jsdelivr.net/gh/${f.repository}@${f.commit}/${f.path}`),
  },
];

/** A mirror holds the files side by side, under the names of the cache. */
export function mirrorHost(url: string): Host {
  const base = url.endsWith('/') ? url : `${url}/`;
  return { title: `CONVSCOPE_MODEL_URL（${url}）`, address: (file) => base + encodeURIComponent(file.name) };
}

/** 由环境变量得到下载的设置；`changes` 覆盖其中几项（测试用）。 */
export function downloadSettings(changes: Partial<DownloadSettings> = {}): DownloadSettings {
  const { CONVSCOPE_MODELS, CONVSCOPE_MODEL_URL, CONVSCOPE_OFFLINE } = process.env;
  return {
    cache: cacheFolder('models'),
    folder: CONVSCOPE_MODELS ? path.resolve(CONVSCOPE_MODELS) : undefined,
    mirror: CONVSCOPE_MODEL_URL ? mirrorHost(CONVSCOPE_MODEL_URL) : undefined,
    hosts: publicHosts,
    offline: CONVSCOPE_OFFLINE === '1',
    // less is fetched again within a minute, over a line of 20 kB/s too
    resumeOver: 1e6,
    // two public hosts: after ten seconds the learner knows that there is no network
    connectTimeout: 5000,
    // more patience for a host that has answered: a slow line may pause
    stallTimeout: 15000,
    fetch: globalThis.fetch,
    // What stands there stays until it is written over: another process may be writing the same.
    openFile: (file) => open(file, constants.O_WRONLY | constants.O_CREAT),
    ...changes,
  };
}
