import * as fs from 'node:fs';
import * as path from 'node:path';
import { CourseError, nearestNames } from '../base/errors';
import { projectRoot, writtenPath } from '../base/paths';
import { MAX_BYTES, tooBig } from './header';
import { coursePhotos } from './photos';

/** 图片来源（source）：路径、网址（http、https、data、file）或文件的字节。 */
export type ImageSource = string | URL | Uint8Array;

export interface ImageFile {
  readonly bytes: Uint8Array;
  /** How messages name the file. */
  readonly label: string;
}

/** A photo of a megabyte comes in that time over 300 kbit/s; longer nobody waits for one. */
const DOWNLOAD_SECONDS = 30;

/** 图片文件的字节（bytes of an image file）：本地路径、网址、data URL 或内存中的字节。 */
export async function readImageFile(source: ImageSource): Promise<ImageFile> {
  if (source instanceof Uint8Array) return checked({ bytes: source, label: `内存中的图片（${source.length} 字节）` });
  if (source instanceof URL) return readImageFile(source.href);
  if (typeof source !== 'string' || source === '') {
    throw new TypeError(
      `图片来源应为路径、网址或字节（Uint8Array），得到 ${source === '' ? '空字符串' : typeof source}`,
    );
  }
  if (/^(https?|data):/i.test(source)) return checked(await download(source));
  const file = locate(writtenPath(source));
  return checked({ bytes: await readLocal(file), label: `"${source}"` });
}

/** Relative paths: first beside the notebook, then in the project, then among the course's photos. */
function searchFolders(): string[] {
  const root = projectRoot();
  const here = process.env.NOTEBOOK_DIR ?? process.cwd();
  return [...new Set([here, process.cwd(), root, path.join(root, 'data', 'photos')])];
}

function locate(name: string): string {
  const candidates = path.isAbsolute(name) ? [name] : searchFolders().map((folder) => path.join(folder, name));
  const found = candidates.find((file) => fs.existsSync(file));
  if (found) return found;
  throw new CourseError(`找不到图片文件"${name}"。${hint(name, candidates)}`);
}

/** The folder that was looked in, and what in it is called nearly the same. */
function hint(name: string, candidates: readonly string[]): string {
  for (const file of candidates) {
    const folder = path.dirname(file);
    if (!fs.existsSync(folder)) continue;
    const names = fs.readdirSync(folder).filter((n) => /\.(png|jpe?g|jpe|jfif|webp|avif)$/i.test(n));
    if (names.length === 0) continue;
    const nearest = nearestNames(path.basename(name), names).join('、');
    return `文件夹 ${folder} 里名字最接近的是：${nearest}。相对路径从笔记本所在的文件夹算起；课程照片可写成 coursePhotos() 给出的 path。`;
  }
  const course = coursePhotos().map((p) => p.file);
  const nearest = nearestNames(name, course).join('、');
  return `查找过：${candidates.join('、')}；相对路径从笔记本所在的文件夹算起。课程照片里名字最接近的是：${nearest}。`;
}

async function readLocal(file: string): Promise<Uint8Array> {
  const stat = await fs.promises.stat(file);
  if (stat.isDirectory()) {
    throw new CourseError(`"${file}"是一个文件夹，不是图片。要读入整个文件夹，请用 photosIn("${file}")。`);
  }
  if (stat.size > MAX_BYTES) throw tooBig(`"${file}"`, stat.size);
  try {
    return await fs.promises.readFile(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why = code === 'EACCES' || code === 'EPERM' ? '没有读取权限' : String(code ?? error);
    throw new CourseError(`读不了图片文件"${file}"：${why}。`);
  }
}

async function download(url: string): Promise<ImageFile> {
  const isData = /^data:/i.test(url);
  const label = isData ? 'data: 网址中的图片' : `网址 ${url}`;
  let response: Response;
  let body: ArrayBuffer;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_SECONDS * 1000) });
    if (Number(response.headers.get('content-length') ?? 0) > MAX_BYTES) {
      await response.body?.cancel();
      throw tooBig(label, Number(response.headers.get('content-length')));
    }
    body = await response.arrayBuffer();
  } catch (error) {
    if (error instanceof CourseError) throw error;
    throw new CourseError(
      `取不到${label}：${reason(error)}。请检查网址与网络，或先把图片存到笔记本旁边，再写它的文件名。`,
    );
  }
  if (!response.ok) {
    throw new CourseError(
      `取不到${label}：服务器回答 ${response.status} ${response.statusText}。请检查网址，或先把图片存到本地。`,
    );
  }
  return { bytes: new Uint8Array(body), label };
}

function reason(error: unknown): string {
  const { name, cause, message } = error as Error & { cause?: { code?: string; message?: string } };
  if (name === 'TimeoutError') return `${DOWNLOAD_SECONDS} 秒内没有收完`;
  return cause?.code ?? cause?.message ?? message;
}

function checked(file: ImageFile): ImageFile {
  if (file.bytes.length === 0) throw new CourseError(`${file.label}是空文件（0 字节）。请重新保存或下载这张图片。`);
  if (file.bytes.length > MAX_BYTES) throw tooBig(file.label, file.bytes.length);
  return file;
}
