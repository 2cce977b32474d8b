import * as fs from 'node:fs';
import * as path from 'node:path';
import { checkFields, checkList } from '../base/check';
import { CourseError, nearestNames, unknownName } from '../base/errors';
import { projectRoot } from '../base/paths';

export interface Photo {
  /** 文件（file）：相对于 data/photos 的路径，如 "mammal/panda.jpg"。 */
  readonly file: string;
  /** 绝对路径（path），可直接交给 loadImage。 */
  readonly path: string;
  /** 英文名（name），如 "panda"。 */
  readonly name: string;
  /** 中文名（Chinese name），如 "大熊猫"；自己的照片没有中文名，用文件名。 */
  readonly nameZh: string;
  /** 类别（category），如 "mammal"；自己的照片为 "own"。 */
  readonly category: string;
  /** 类别的中文名，如 "哺乳动物"。 */
  readonly categoryZh: string;
  /** 背景（background）："scene" 是真实场景，"flat" 是统一灰底上的抠图。 */
  readonly background: 'scene' | 'flat';
  /** 在 ImageNet 1000 类中的编号（class index），只有一部分照片有。 */
  readonly imagenet?: { readonly index: number; readonly wnid: string };
  /** 建议的方框（crop box）[x, y, 宽, 高]，像素：正中裁剪会切掉主体的照片才有。 */
  readonly crop?: readonly [number, number, number, number];
  /** 照片来自哪里；自己的照片没有。 */
  readonly source?: string;
  /** 照片的许可证；自己的照片没有。 */
  readonly license?: string;
}

export const checkPhoto = (photo: Photo, what = 'photo'): Photo =>
  checkFields(what, photo, ['path'], "一张照片（photo('panda')、coursePhotos() 的一项）");

/** The photos of a function that cannot do without. */
export function checkPhotos<P extends Photo>(photos: readonly P[], least = 1): readonly P[] {
  if (checkList('photos', photos, checkPhoto).length >= least) return photos;
  throw new RangeError(
    `${least > 1 ? `至少要 ${least} 张照片，得到 ${photos.length} 张` : '没有照片：photos 是空的'}；课程的照片用 coursePhotos()，自己的用 photosIn(文件夹)`,
  );
}

export interface CoursePhotosOptions {
  /** 类别（category），或几个类别；不写：全部。 */
  category?: string | readonly string[];
  /** true：只要有 ImageNet 类别的；false：只要没有的。 */
  labelled?: boolean;
  /** 背景（background）："scene" 真实场景，"flat" 统一灰底。 */
  background?: 'scene' | 'flat';
}

let manifest: readonly Photo[] | undefined;

function allPhotos(): readonly Photo[] {
  if (manifest) return manifest;
  const folder = path.join(projectRoot(), 'data', 'photos');
  const file = path.join(folder, 'manifest.json');
  let entries: Omit<Photo, 'path'>[];
  try {
    entries = JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    throw new CourseError(`读不了课程照片的清单 ${file}：${(error as Error).message}。请重新取得 data/photos 文件夹。`);
  }
  manifest = entries.map((entry) => ({ ...entry, path: path.join(folder, entry.file) }));
  return manifest;
}

/**
 * 课程照片（the course's photos）：416 张，15 个类别，按文件名排序。
 *
 * @param options `category`：类别；`labelled`：是否有 ImageNet 类别；`background`：真实场景或统一灰底
 * @returns 清单中符合条件的照片，各带绝对路径 `path`；读入：`loadImage(photo.path, { size: 227, crop: photo.crop })`
 * @throws RangeError 没有这个类别或背景；消息列出可选的
 * @example
 * const birds = coursePhotos({ category: 'bird' });
 * const known = coursePhotos({ labelled: true, background: 'scene' });
 */
export function coursePhotos({ category, labelled, background }: CoursePhotosOptions = {}): Photo[] {
  const photos = allPhotos();
  const wanted = category === undefined ? undefined : [category].flat();
  const categories = [...new Set(photos.map((p) => p.category))];
  for (const name of wanted ?? []) {
    if (!categories.includes(name)) throw unknownName('照片类别', name, categories);
  }
  if (background !== undefined && background !== 'scene' && background !== 'flat') {
    throw unknownName('背景', background, ['scene', 'flat']);
  }
  return photos.filter(
    (p) =>
      (!wanted || wanted.includes(p.category)) &&
      (labelled === undefined || labelled === (p.imagenet !== undefined)) &&
      (background === undefined || p.background === background),
  );
}

/**
 * 一张课程照片（one course photo），按文件或名字。
 *
 * @param name "mammal/panda.jpg"、"panda.jpg"、"panda" 或 "大熊猫"
 * @throws RangeError 没有这张照片（列出名字最接近的），或几个类别里都有同名的
 * @example
 * photo('panda').nameZh; // '大熊猫'
 */
export function photo(name: string): Photo {
  const photos = allPhotos();
  const key = String(name).replace(/\\/g, '/');
  const stem = (p: Photo) => path.posix.basename(p.file, path.posix.extname(p.file));
  const exact = photos.find((p) => p.file === key || p.path === key);
  if (exact) return exact;
  const byFile = photos.filter((p) => path.posix.basename(p.file) === key || stem(p) === key);
  const matches = byFile.length > 0 ? byFile : photos.filter((p) => p.name === key || p.nameZh === key);
  if (matches.length === 1) return matches[0];
  if (matches.length > 1) {
    throw new RangeError(`"${key}"不止一张：${matches.map((p) => p.file).join('、')}；请写出文件夹`);
  }
  // A bare name is compared with bare names, or every short path would be nearer than the right one.
  const label = (p: Photo) => (key.includes('/') ? p.file : stem(p));
  const near = nearestNames(
    path.posix.extname(key) && !key.includes('/') ? key.slice(0, -4) : key,
    photos.map(label),
    5,
  );
  const files = near.map((name) => photos.find((p) => label(p) === name)!.file);
  throw new RangeError(
    `没有名为"${key}"的照片；最接近：${[...new Set(files)].join('、')}；全部 ${photos.length} 张见 coursePhotos()`,
  );
}
