import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { CourseError } from '../../base/errors';
import type { WeightFile } from './catalogue';
import type { DownloadSettings } from './settings';
import { faultOf } from './verify';

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? '';
const remove = (at: string) => fs.rm(at, { force: true }).catch(() => undefined);

/** 写缓存时的错误变成一句人话：磁盘满、没有写权限；别的错误照旧。 */
export function diskError(error: unknown, file: WeightFile, folder: string): unknown {
  const code = codeOf(error);
  const full = ['ENOSPC', 'EDQUOT'].includes(code);
  if (!full && !['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST'].includes(code)) return error;
  const what = full
    ? `磁盘已满：写不下 ${file.name}（${(file.bytes / 1e6).toFixed(1)} MB）到 ${folder}。请腾出空间后重试`
    : `不能写缓存目录 ${folder}（${code}）。请检查它的权限`;
  return new CourseError(`${what}，或用环境变量 CONVSCOPE_CACHE 指定另一个目录。`, { cause: error });
}

/** Where this machine may have a file: a folder has it flat, or as the shared folder or the repository has it. */
export function localPlaces(file: WeightFile, { cache, folder }: DownloadSettings) {
  const place = (source: string, folder: string, name: string) => ({ source, folder, at: path.join(folder, name) });
  const names = [file.name, ...file.otherNames, file.path];
  const local = folder ? names.map((name) => place(`CONVSCOPE_MODELS（${folder}）`, folder, name)) : [];
  return [place('缓存', cache, file.name), ...local];
}

/**
 * The checked file, or what is wrong with what lies there; nothing, if there is none. A damaged one stays: removing it
 * could hit the good one that somebody else has just put in its place.
 */
export async function readFrom(file: WeightFile, at: string): Promise<Uint8Array | string> {
  try {
    const bytes = new Uint8Array(await fs.readFile(at));
    const fault = faultOf(file, bytes);
    return fault ? `${at} ${fault}` : bytes;
  } catch (error) {
    const code = codeOf(error);
    return ['ENOENT', 'ENOTDIR'].includes(code) ? '' : `${at} 读不出（${code || error}）`;
  }
}

export type Part = Awaited<ReturnType<typeof openPart>>;

/**
 * What has arrived of a file: in memory, and of a long one on the disk as well, where the next start finds it. Whether
 * that is right, the checksum tells in the end.
 */
export async function openPart(file: WeightFile, { cache, resumeOver, openFile }: DownloadSettings) {
  const at = path.join(cache, `${file.name}.part`);
  const long = file.bytes > resumeOver;
  await fs.mkdir(cache, { recursive: true });
  const left = long ? await fs.readFile(at).catch(() => []) : [];
  // Other processes may write here too: the same bytes to the same places.
  const writer = long ? await openFile(at) : undefined;
  const whole = new Uint8Array(file.bytes);
  whole.set(left.slice(0, file.bytes));
  const part = {
    file,
    size: left.length < file.bytes ? left.length : 0,
    bytes: (): Uint8Array => whole.subarray(0, part.size),
    async add(piece: Uint8Array): Promise<void> {
      whole.set(piece, part.size);
      await writer?.write(piece, 0, piece.length, part.size);
      part.size += piece.length;
    },
    /** Half a file stays for the next start. */
    async close(): Promise<void> {
      await writer?.close();
      if (part.size === 0) await remove(at);
    },
  };
  return part;
}

/**
 * Puts a checked file into the cache: under a name of its own, on the disk, and only then, in one step, under the final
 * one. So nobody finds half a file there, whatever is killed and however many processes do the same.
 */
export async function store(part: Part, { cache, openFile }: DownloadSettings): Promise<void> {
  const at = path.join(cache, part.file.name);
  const fresh = `${at}.${randomUUID()}.new`;
  try {
    const writer = await openFile(fresh);
    // Synced, or a power cut could leave an empty file under the final name.
    await writer.writeFile(part.bytes()).then(() => writer.sync()).finally(() => writer.close()); // prettier-ignore
    part.size = 0;
    await part.close();
    await fs.rename(fresh, at);
  } catch (error) {
    await remove(fresh);
    // Another process was faster and has cleared up; or it is reading the file, which Windows then does not replace.
    if (typeof (await readFrom(part.file, at)) === 'string') throw error;
  }
  // What killed processes have left of it: their half, or the whole before it had its name.
  for (const name of await fs.readdir(cache))
    if (name.startsWith(`${part.file.name}.`) && /\.(part|new)$/.test(name)) await remove(path.join(cache, name));
}
