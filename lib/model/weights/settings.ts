import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import * as path from 'node:path';
import type { WeightFile } from './catalogue';
import { cacheFolder } from '../../base/paths';

/** A place on the web: its name for people, and where it keeps a file. */
export interface Host {
  readonly title: string;
  address(file: WeightFile): string;
}

/** Everything the downloader takes from outside, so that tests can replace it. */
export interface DownloadSettings {
  readonly cache: string;
  /** CONVSCOPE_MODELS: a folder with the files, such as a teacher's USB stick. */
  readonly folder?: string;
  /** CONVSCOPE_MODEL_URL: a school's own mirror; asked before the public hosts. */
  readonly mirror?: Host;
  /** Asked in turn. */
  readonly hosts: readonly Host[];
  readonly offline: boolean;
  /** Bytes. Of a longer file, what has arrived is on the disk too: the next start goes on from there. */
  readonly resumeOver: number;
  /** Milliseconds until the answer begins, and between two pieces of it. */
  readonly connectTimeout: number;
  readonly stallTimeout: number;
  readonly fetch: typeof fetch;
  /** What a download is written with, from the beginning on; tests put a full disk here. */
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
