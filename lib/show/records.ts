import * as fs from 'node:fs';
import * as path from 'node:path';
import { CourseError, unknownName } from '../base/errors';
import { projectRoot } from '../base/paths';

/** 预先计算的结果（record）：`npm run record` 算出的图与数，以及重新得到它们所需的一切。 */
export interface CourseRecord {
  /** 名字，如 'deconv-sanity'。 */
  readonly name: string;
  /** 给人看的标题。 */
  readonly title: string;
  /** 计算时的设置。 */
  readonly settings: Readonly<Record<string, unknown>>;
  /** 随机种子。 */
  readonly seed: number;
  /** 数（numbers），形状由各个记录自己决定。 */
  readonly numbers: any; // eslint-disable-line @typescript-eslint/no-explicit-any
  /** 图片的绝对路径（PNG），次序同记录。 */
  readonly images: readonly string[];
  /** 算了几秒。 */
  readonly seconds: number;
  /** 在哪个后端、哪种设备上算的，什么版本。 */
  readonly backend: { readonly name: string; readonly device: string; readonly version: string };
}

const folder = () => path.join(projectRoot(), 'data', 'records');

/** 全部记录的名字（record names）。 */
function recordNames(): string[] {
  const files = fs.existsSync(folder()) ? fs.readdirSync(folder()) : [];
  return files.filter((f) => f.endsWith('.json') && f !== 'claims.json').map((f) => f.slice(0, -5));
}

/**
 * 读一个预先计算的结果（read a record）。
 * @throws RangeError 没有这个记录；CourseError 文件读不了
 * @example
 * const { title, numbers } = readRecord('deconv-sanity');
 */
export function readRecord(name: string): CourseRecord {
  const file = path.join(folder(), `${name}.json`);
  if (!fs.existsSync(file)) throw unknownName('记录', name, recordNames());
  try {
    const record = JSON.parse(fs.readFileSync(file, 'utf8')) as CourseRecord;
    return { ...record, images: record.images.map((image) => path.join(folder(), image)) };
  } catch (error) {
    throw new CourseError(`读不了记录 ${file}：${(error as Error).message}。请运行 npm run record -- ${name}`);
  }
}
