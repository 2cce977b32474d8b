import { createCanvas, loadImage as loadCanvas } from 'canvas';
import { checkFunction } from '../base/check';
import { readRecord } from './records';
import { encodePngBytes } from '../image/encode';
import { canvasPixels, emitCanvas } from './picture';
import { collect, emit } from './sink';

/**
 * 显示一个预先计算的结果（show a record）：一行说明，然后是它的图。
 *
 * @param name 记录的名字，data/records 里的文件名
 * @param options `image`：只显示名字以它结尾的那一幅（如 'fourier'），默认全部；`alt`：替代文字
 * @example
 * await showRecord('deconv-sanity');
 */
export async function showRecord(name: string, { image, alt }: { image?: string; alt?: string } = {}): Promise<void> {
  const { title, images, seconds, seed, backend } = readRecord(name);
  const line = `预先计算：${title}（种子 ${seed}，${backend.name}，约 ${Math.max(1, Math.round(seconds / 60))} 分钟；重算：npm run record -- ${name}）`;
  emit({ 'text/plain': line });
  for (const file of images.filter((f) => !image || f.endsWith(`-${image}.png`))) {
    const picture = await loadCanvas(file);
    const canvas = createCanvas(picture.width, picture.height);
    canvas.getContext('2d').drawImage(picture, 0, 0);
    // the record itself lies beside, in full; a chapter that shows many has to stay below 3 MB
    await emitCanvas(canvas, { alt: alt ?? title, quality: 66 });
  }
}

/**
 * 把显示的图拿到手里而不显示（capture），例如存成记录：最后一幅图片的 PNG 字节。
 * @example
 * const bytes = await capturePng(() => showImage(image));
 */
export async function capturePng(draw: () => Promise<void>): Promise<Uint8Array> {
  const bundles = await collect(checkFunction('draw', draw));
  const last = bundles.map(({ data }) => data['image/png'] ?? data['image/jpeg']).filter(Boolean).pop(); // prettier-ignore
  if (typeof last !== 'string') throw new TypeError('没有显示图片');
  const picture = await loadCanvas(Buffer.from(last, 'base64'));
  const canvas = createCanvas(picture.width, picture.height);
  canvas.getContext('2d').drawImage(picture, 0, 0);
  return encodePngBytes(canvasPixels(canvas));
}
