import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { CourseError } from '../../base/errors';
import type { WeightFile } from './catalogue';
import { shared } from '../../base/state';
import { faultOf } from './verify';

type Found = { bytes: Uint8Array } | { fault: string };

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException | undefined)?.code ?? '';

/** 写缓存时的错误变成一句人话：磁盘满、没有写权限；别的错误照旧。 */
export function diskError(error: unknown, file: WeightFile, folder: string): unknown {
  const code = codeOf(error);
  const elsewhere = '或用环境变量 CONVSCOPE_CACHE 指定另一个目录';
  const full = `磁盘已满：写不下 ${file.name}（${(file.bytes / 1e6).toFixed(1)} MB）到 ${folder}。请腾出空间后重试`;
  const closed = `不能写缓存目录 ${folder}（${code}）。请检查它的权限`;
  const told = ['ENOSPC', 'EDQUOT'].includes(code) ? full : closed;
  const known = told === full || ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST'].includes(code);
  return known ? new CourseError(`${told}，${elsewhere}。`, { cause: error }) : error;
}

async function readVerified(file: WeightFile, at: string): Promise<Found> {
  try {
    const bytes = new Uint8Array(await fs.readFile(at));
    const fault = faultOf(file, bytes);
    return fault ? { fault } : { bytes };
  } catch (error) {
    const missing = ['ENOENT', 'ENOTDIR'].includes(codeOf(error));
    return { fault: missing ? '没有这个文件' : `读不出（${codeOf(error) || error}）` };
  }
}

/** From the cache; a damaged file is removed, so that it is fetched anew. */
export async function readCached(file: WeightFile, cache: string): Promise<Uint8Array | undefined> {
  const at = path.join(cache, file.name);
  const found = await readVerified(file, at);
  if ('bytes' in found) return found.bytes;
  await fs.rm(at, { force: true }).catch(() => undefined);
  return undefined;
}

/** Where a folder may hold a file: flat, as the shared folder has it, or as the repository has it. */
export const placesIn = (folder: string, file: WeightFile): string[] =>
  [file.name, ...file.otherNames, file.path].map((name) => path.join(folder, name));

/** From a local folder (CONVSCOPE_MODELS); nothing is written there. */
export async function readFromFolder(file: WeightFile, folder: string): Promise<Found> {
  let fault = '没有这个文件';
  for (const place of placesIn(folder, file)) {
    const found = await readVerified(file, place);
    if ('bytes' in found) return found;
    if (found.fault !== '没有这个文件') fault = `${place} ${found.fault}`;
  }
  return { fault };
}

/** Half-done downloads that this process is writing right now. */
const active = () => shared('download-parts', () => new Set<string>());
const machine = () => os.hostname().replace(/[^A-Za-z0-9-]/g, '') || 'host';

/**
 * A name for a half-done download that no other process uses. What a dead one of this machine left behind is taken
 * over by renaming it, which only one of several can do: that is the whole locking.
 */
export async function claimPart(file: WeightFile, cache: string): Promise<string> {
  await fs.mkdir(cache, { recursive: true });
  const mine = path.join(cache, `${file.name}.${randomUUID()}.${machine()}.${process.pid}.part`);
  active().add(mine);
  for (const left of (await fs.readdir(cache)).map((name) => path.join(cache, name)))
    if (path.basename(left).startsWith(`${file.name}.`) && isAbandoned(left))
      await fs.rename(left, mine).catch(() => undefined);
  return mine;
}

function isAbandoned(part: string): boolean {
  const [owner, pid, ending] = part.split('.').slice(-3);
  if (ending !== 'part' || owner !== machine() || active().has(part)) return false;
  try {
    return Number(pid) === process.pid || !process.kill(Number(pid), 0);
  } catch (error) {
    return codeOf(error) === 'ESRCH';
  }
}

/** Lets go of a part; the next download of the file takes over what is kept. */
export async function releasePart(part: string, keep: boolean): Promise<void> {
  active().delete(part);
  if (!keep) await fs.rm(part, { force: true }).catch(() => undefined);
}

/** Checks a finished part and gives it its final name in one step; a faulty one is removed. */
export async function finishPart(file: WeightFile, part: string, cache: string): Promise<Found> {
  const found = await readVerified(file, part);
  const at = path.join(cache, file.name);
  try {
    if ('bytes' in found) await fs.rename(part, at);
  } catch (error) {
    // Windows refuses to replace a file that another process is reading; then that process has put it there.
    if (!('bytes' in (await readVerified(file, at)))) throw error;
  }
  await fs.rm(part, { force: true });
  return found;
}
