import * as fs from 'node:fs';
import * as path from 'node:path';
import { CourseError } from '../base/errors';
import { placeOf } from '../base/paths';
import { MAX_BYTES, readHeader, tooBig } from './header';
import type { Photo } from './photos';

export interface FolderPhotos {
  /** 读得了的照片，按文件名排序；`category` 是子文件夹名，没有子文件夹时为 "own"。 */
  readonly photos: Photo[];
  /** 读不了的文件与原因（skipped files）。 */
  readonly skipped: readonly { readonly file: string; readonly reason: string }[];
}

/** What systems put into folders by themselves: nobody misses it. */
const HIDDEN = /(^|\/)(\.|__MACOSX|Thumbs\.db$|desktop\.ini$)/i;

/** The files below a folder, relative to it; a folder that cannot be read, or a link to one, stands for itself. */
function filesBelow(root: string, folder = ''): string[] {
  return fs.readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = folder ? `${folder}/${entry.name}` : entry.name;
    if (HIDDEN.test(name)) return [];
    if (!entry.isDirectory()) return [name];
    try {
      return filesBelow(root, name);
    } catch {
      return [name];
    }
  });
}

/**
 * 自己文件夹里的照片（photos in your own folder），连同子文件夹。每个文件不在 `photos` 里就在 `skipped` 里，附上原因；
 * 是不是照片看内容，不看扩展名；只有一部分的文件也认得出，但不逐张解码：中间坏了几个字节的，到 loadImage 时才报错。
 * 系统自己的隐藏文件不算。
 *
 * @param folder 文件夹（也可以写 `file://…`、`~/…`）；相对路径从笔记本所在的文件夹算起
 * @throws CourseError 文件夹不存在，或里面一张可用的照片也没有
 * @example
 * const { photos, skipped } = photosIn('我的照片');
 */
export function photosIn(folder: string): FolderPhotos {
  if (typeof folder !== 'string' || !folder)
    throw new TypeError(`folder 应为文件夹的路径，得到 ${String(folder) || '空字符串'}`);
  const root = placeOf(folder);
  if (!fs.existsSync(root)) throw new CourseError(`找不到文件夹"${folder}"（查找过 ${root}）。请检查路径。`);
  if (!fs.statSync(root).isDirectory()) throw new CourseError(`"${folder}"不是文件夹。读一张图片请用 loadImage。`);
  const photos: Photo[] = [];
  const skipped: { file: string; reason: string }[] = [];
  let files: string[];
  try {
    files = filesBelow(root);
  } catch (error) {
    throw new CourseError(`读不了文件夹"${folder}"：${(error as NodeJS.ErrnoException).code}。请检查权限。`);
  }
  for (const file of files.sort()) {
    const full = path.join(root, file);
    try {
      const found = fs.statSync(full);
      if (found.isDirectory()) {
        fs.readdirSync(full); // says why, unless it is a link
        throw new CourseError(`"${file}"是指向文件夹的链接，没有进去；要里面的照片，请直接给出那个文件夹。`);
      }
      if (!found.isFile()) throw new CourseError(`"${file}"不是普通的文件。`);
      if (found.size > MAX_BYTES) throw tooBig(`"${file}"`, found.size);
      readHeader(fs.readFileSync(full), `"${file}"`);
      photos.push(ownPhoto(file, full));
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      skipped.push({ file, reason: error instanceof CourseError ? message : `"${file}"读不了：${code ?? message}。` });
    }
  }
  if (photos.length > 0) return { photos, skipped };
  const bad = skipped.map((s) => `\n- ${s.reason}`).join('');
  throw new CourseError(`文件夹"${folder}"里没有可用的照片（PNG、JPEG、WebP、AVIF）。${bad}`);
}

function ownPhoto(file: string, full: string): Photo {
  const folder = path.posix.dirname(file);
  const category = folder === '.' ? 'own' : folder;
  const name = path.posix.basename(file, path.posix.extname(file));
  return {
    file,
    path: full,
    name,
    nameZh: name,
    category,
    categoryZh: category === 'own' ? '自己的照片' : category,
    background: 'scene',
  };
}
