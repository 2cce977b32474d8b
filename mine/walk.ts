/** Walks a folder of any size: file after file in the order of their paths, a folder's names in memory at a time. */
import * as fs from 'node:fs';
import * as path from 'node:path';

/** A photo, by its path below the folder with "/" on every system; with a reason: it cannot be used. */
export interface Listed {
  readonly file: string;
  readonly reason?: string;
}

const IS_PHOTO = /\.(png|jpe?g|jpe|jfif|webp|avif|heic|gif|bmp)$/i;

/**
 * 文件夹里的全部照片，按路径排序。Folders are compared as "name/", as Git does: then the order of the walk is the
 * order of the whole paths, and nobody has to sort a million of them.
 */
export function* walkPhotos(root: string, below = ''): Generator<Listed> {
  let entries: fs.Dirent[];
  try {
    entries = fs.readdirSync(path.join(root, below), { withFileTypes: true });
  } catch (error) {
    if (below === '') throw error;
    yield { file: below.slice(0, -1), reason: `文件夹打不开：${(error as NodeJS.ErrnoException).code}` };
    return;
  }
  const named = entries.map((entry) => ({ entry, key: entry.isDirectory() ? `${entry.name}/` : entry.name }));
  named.sort((a, b) => (a.key < b.key ? -1 : 1));
  for (const { entry, key } of named) {
    const file = below + key;
    if (entry.isDirectory()) yield* walkPhotos(root, file);
    else if (entry.isSymbolicLink()) yield* throughLink(root, file);
    else if (IS_PHOTO.test(file)) yield entry.isFile() ? { file } : { file, reason: '不是普通文件' };
  }
}

/** Links to files are photos; a link to a folder may lead in a circle, so it is named and left alone. */
function* throughLink(root: string, file: string): Generator<Listed> {
  const stat = fs.statSync(path.join(root, file), { throwIfNoEntry: false });
  if (stat?.isDirectory()) yield { file, reason: '是指向文件夹的链接，没有走进去；请直接指定那个文件夹' };
  else if (IS_PHOTO.test(file)) yield stat?.isFile() ? { file } : { file, reason: '链接指向的文件不存在' };
}
