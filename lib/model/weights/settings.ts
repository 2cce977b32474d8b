import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import type { WeightFile } from './catalogue';
import { cacheFolder } from '../../base/paths';

/** A place on the web: its name for people, and where it keeps a file. */
export interface Host {
  readonly title: string;
  address(file: WeightFile): string;
}

/** What a half-done download is written with; tests put a full disk here. */
export interface PartWriter {
  write(chunk: Uint8Array): Promise<unknown>;
  close(): Promise<void>;
}

/** Everything the downloader takes from outside, so that tests can replace it. */
export interface DownloadSettings {
  readonly cache: string;
  /** CONVSCOPE_MODELS: a folder with the files, such as a teacher's USB stick. */
  readonly folder?: string;
  /** CONVSCOPE_MODEL_URL: a school's own mirror; asked before the public hosts. */
  readonly mirror?: Host;
  /** Asked at the same time; the first to answer delivers. */
  readonly hosts: readonly Host[];
  readonly offline: boolean;
  /** Milliseconds until the answer begins, and between two pieces of it. */
  readonly connectTimeout: number;
  readonly stallTimeout: number;
  readonly fetch: typeof fetch;
  openPart(file: string): Promise<PartWriter>;
}

const encoded = (filePath: string) => filePath.split('/').map(encodeURIComponent).join('/');

/** The repository host's raw files, and a CDN's mirror of the same commit. */
export const publicHosts: readonly Host[] = [
  {
    title: 'raw.githubusercontent.com',
    address: (f) => `https://raw.githubusercontent.com/${f.repository}/${f.commit}/${encoded(f.path)}`,
  },
  {
    title: 'cdn.jsdelivr.net',
    address: (f) => `https://cdn.jsdelivr.net/gh/${f.repository}@${f.commit}/${encoded(f.path)}`,
  },
];

/** A mirror holds the files side by side, under the names of the cache. */
export function mirrorHost(url: string): Host {
  const base = url.endsWith('/') ? url : `${url}/`;
  return { title: `CONVSCOPE_MODEL_URL（${url}）`, address: (file) => base + encodeURIComponent(file.name) };
}

async function openAppending(file: string): Promise<PartWriter> {
  const handle = await fs.open(file, 'a');
  return {
    write: (chunk) => handle.appendFile(chunk),
    // On the disk before it gets its final name, or a power cut could leave an empty file under it.
    close: () => handle.sync().finally(() => handle.close()),
  };
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
    connectTimeout: 5000,
    stallTimeout: 15000,
    fetch: globalThis.fetch,
    openPart: openAppending,
    ...changes,
  };
}
