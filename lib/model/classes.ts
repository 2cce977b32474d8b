import * as fs from 'node:fs';
import * as path from 'node:path';
import { CourseError, unknownName } from '../base/errors';
import { projectRoot } from '../base/paths';

/** 一个类别的编号与名称（class label）。 */
export interface ClassLabel {
  /** 在网络输出里的编号，从 0 起。 */
  readonly index: number;
  /** WordNet 的编号，例如 n02106662；ImageNet 的类别按它排序。 */
  readonly wnid: string;
  /** 英文名。 */
  readonly en: string;
  /** 中文名。 */
  readonly zh: string;
}

let imageNet: readonly ClassLabel[] | undefined;

/**
 * ImageNet-1k 的 1000 个类别（ILSVRC2012 classes），按网络输出的顺序；中英文名称各不重复。
 * @throws CourseError 如果 data/classes.json 缺失或不完整
 * @example
 * imageNetClasses().length; // 1000
 */
export function imageNetClasses(): readonly ClassLabel[] {
  imageNet ??= readClasses(path.join(projectRoot(), 'data', 'classes.json'));
  return imageNet;
}

function readClasses(file: string): readonly ClassLabel[] {
  let classes: ClassLabel[];
  try {
    classes = JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new CourseError(
      `读不了类别表 ${file}：${(cause as Error).message}。请用 git checkout data/classes.json 恢复它。`,
    );
  }
  if (classes.length !== 1000 || classes.some((label, i) => label.index !== i)) {
    throw new CourseError(
      `类别表 ${file} 应有 1000 个依次编号的类别，得到 ${classes.length} 个。请用 git checkout data/classes.json 恢复它。`,
    );
  }
  return Object.freeze(classes.map((label) => Object.freeze(label)));
}

/**
 * 按名称或编号找一个类别（class by name or index）：`findClass('德国牧羊犬').index` 是 235。
 * @param query 中文名、英文名（不分大小写）、wnid（如 'n02106662'）或编号
 * @param classes 在哪些类别里找；缺省为 ImageNet 的 1000 类，自己的网络用 `model.classes`
 * @throws RangeError 没有这个类别；列出最接近的名称
 * @example
 * findClass('鸵鸟').index; // 9
 * findClass(9).en; // 'ostrich'
 */
export function findClass(query: string | number, classes: readonly ClassLabel[] = imageNetClasses()): ClassLabel {
  const wanted = String(query).trim();
  const key = wanted.toLowerCase();
  const isIndex = typeof query === 'number' || /^[-+]?\d+(\.\d+)?$/.test(wanted);
  const found = isIndex
    ? classes.find((label) => label.index === Number(query))
    : classes.find(({ zh, en, wnid }) => key !== '' && [zh, en, wnid].some((name) => name.toLowerCase() === key));
  if (found) return found;
  if (isIndex) {
    throw new RangeError(
      `没有编号为 ${wanted} 的类别：编号是 0 到 ${classes.length - 1} 的整数。也可以用名称查找，如 findClass('${classes[0]?.zh}')。`,
    );
  }
  throw unknownName('类别', wanted, candidates(wanted, classes));
}

/** The names in the script of the query: the edit distance between a Chinese and an English name says nothing. */
function candidates(query: string, classes: readonly ClassLabel[]): string[] {
  if (/^n\d+$/i.test(query)) return classes.map((label) => label.wnid);
  return classes.map((label) => (/[^\x20-\x7e]/.test(query) ? label.zh : label.en));
}
