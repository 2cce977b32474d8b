import * as fs from 'node:fs';
import * as path from 'node:path';
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
