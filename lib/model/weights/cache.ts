import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { CourseError } from '../../base/errors';
import type { WeightFile } from './catalogue';
import { shared } from '../../base/state';
import { faultOf } from './verify';

type Found = { bytes: Uint8Array } | { fault: string };

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException | undefined)?.code;

/** 写缓存时的错误变成一句人话：磁盘满、没有写权限；别的错误照旧。 */
export function diskError(error: unknown, file: WeightFile, folder: string): unknown {
  const size = `${(file.bytes / 1e6).toFixed(1)} MB`;
  const elsewhere = '或用环境变量 CONVSCOPE_CACHE 指定另一个目录';
  switch (codeOf(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new CourseError(`磁盘已满：写不下 ${file.name}（${size}）到 ${folder}。请腾出空间后重试，${elsewhere}。`, {
        cause: error,
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ENOTDIR':
    case 'EEXIST':
      return new CourseError(`不能写缓存目录 ${folder}（${codeOf(error)}）。请检查它的权限，${elsewhere}。`, {
        cause: error,
      });
    default:
      return error;
  }
}

async function readVerified(file: WeightFile, at: string): Promise<Found> {
  try {
    const bytes = new Uint8Array(await fs.readFile(at));
    const fault = faultOf(file, bytes);
    return fault ? { fault: `${at} ${fault}` } : { bytes };
  } catch (error) {
    const missing = codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR';
    return { fault: missing ? '没有这个文件' : `${at} 读不出（${codeOf(error) ?? error}）` };
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
    if (found.fault !== '没有这个文件') fault = found.fault;
  }
  return { fault };
}

/** Half-done downloads that this process is writing right now. */
const activeParts = () => shared('download-parts', () => ({ names: new Set<string>(), count: 0 }));

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
};

/**
 * A half-done download belongs to one process, which its name tells: NAME.HOST.PID.COUNT.part. One that was left
 * behind is adopted by renaming it, which only one of several processes can do: that is the whole locking.
 */
export async function claimPart(file: WeightFile, cache: string): Promise<string> {
  await fs.mkdir(cache, { recursive: true });
  const active = activeParts();
  const host = os.hostname().replace(/[^A-Za-z0-9-]/g, '') || 'host';
  const mine = path.join(cache, `${file.name}.${host}.${process.pid}.${active.count++}.part`);
  active.names.add(mine);
  const left = (await fs.readdir(cache)).filter((name) => name.startsWith(`${file.name}.`) && name.endsWith('.part'));
  let adopted = false;
  for (const at of left.map((name) => path.join(cache, name))) {
    if (active.names.has(at) || !(await isAbandoned(at, host))) continue;
    // One is enough: older leftovers go.
    if (adopted) await fs.rm(at, { force: true });
    adopted ||= await fs.rename(at, mine).then(succeeded, failed);
  }
  return mine;
}

const succeeded = () => true;
const failed = () => false;

async function isAbandoned(part: string, host: string): Promise<boolean> {
  const [owner, pid] = part.split('.').slice(-4, -2);
  if (owner === host) return Number(pid) === process.pid || !isAlive(Number(pid));
  // Another machine on the same network folder: nobody writes it who has not touched it for ten minutes.
  const { mtimeMs } = await fs.stat(part).catch(() => ({ mtimeMs: Date.now() }));
  return Date.now() - mtimeMs > 600_000;
}

export const releasePart = (part: string): void => void activeParts().names.delete(part);

/** Checks a finished part and gives it its final name in one step; a faulty one is removed. */
export async function finishPart(file: WeightFile, part: string, cache: string): Promise<Found> {
  const found = await readVerified(file, part);
  if ('fault' in found) {
    await fs.rm(part, { force: true });
    return { fault: found.fault.replace(`${part} `, '') };
  }
  const at = path.join(cache, file.name);
  try {
    await fs.rename(part, at);
  } catch (error) {
    // Windows refuses to replace a file that another process is reading; then that process has put it there.
    await fs.rm(part, { force: true });
    if (!('bytes' in (await readVerified(file, at)))) throw error;
  }
  return found;
}
