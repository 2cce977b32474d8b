import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CourseError } from './errors';

function isRoot(folder: string): boolean {
  try {
    return JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8')).name === 'convscope';
  } catch {
    return false;
  }
}

/** 项目的根目录（project root）：从本文件、再从当前目录向上找，找到名为 convscope 的 package.json 为止。 */
export function projectRoot(): string {
  for (const start of [__dirname, process.cwd()]) {
    for (let folder = start; ; folder = path.dirname(folder)) {
      if (isRoot(folder)) return folder;
      if (folder === path.dirname(folder)) break;
    }
  }
  throw new CourseError(
    `找不到课程的目录：从 ${__dirname} 和 ${process.cwd()} 向上都没有 convscope 的 package.json。请在课程目录里运行。`,
  );
}

/** 缓存目录（cache）：CONVSCOPE_CACHE 所指的目录，或项目里的 .cache。 */
export function cacheFolder(...parts: string[]): string {
  const base = process.env.CONVSCOPE_CACHE;
  return path.join(base ? path.resolve(base) : path.join(projectRoot(), '.cache'), ...parts);
}

/**
 * A path as people write it: file:// addresses, ~ for the home folder, backslashes. It may still be a relative one.
 *
 * @throws CourseError a path on a Windows drive, on another system; a file:// address that names no file here
 */
export function writtenPath(place: string): string {
  if (/^file:/i.test(place)) {
    try {
      return fileURLToPath(place);
    } catch {
      throw new CourseError(`"${place}"不是这台机器上的 file:// 地址；应写成 file:///文件夹/文件，三条斜线。`);
    }
  }
  const home = /^~(?=$|[\\/])/.test(place) ? path.join(os.homedir(), place.slice(1)) : place;
  if (path.sep === '\\') return home;
  if (/^([a-z]:[\\/]|\\\\)/i.test(home)) {
    throw new CourseError(
      `"${place}"是 Windows 上的路径，笔记本却运行在 ${os.type()} 上，这里没有这个盘。请把文件上传或拷贝到笔记本旁边，只写它的名字；` +
        '在 WSL 里，C 盘是 /mnt/c。',
    );
  }
  return home.replace(/\\/g, '/');
}

/** The same, complete: relative paths start in the notebook's folder. */
export const placeOf = (written: string): string =>
  path.resolve(process.env.NOTEBOOK_DIR ?? process.cwd(), writtenPath(written));
