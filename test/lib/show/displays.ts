/** What has been displayed, and its picture, decoded. */
import type { Test } from 'uvu';
import { loadImage, toPixels, type Pixels } from '../../../lib/image/image';
import { type DisplayBundle, setSink } from '../../../lib/show/index';
import { startBackend } from '../../../lib/tf/backend';

/** Emptied before each test. */
export const sent: DisplayBundle[] = [];

/** The picture of an output, decoded. */
export async function picture(bundle = sent[0]): Promise<Pixels & { at(x: number, y: number): number[] }> {
  const base64 = (bundle.data['image/png'] ?? bundle.data['image/jpeg']) as string;
  const image = await loadImage(Buffer.from(base64, 'base64'));
  const pixels = await toPixels(image);
  image.dispose();
  return {
    ...pixels,
    at: (x, y) => Array.from(pixels.data.slice(3 * (y * pixels.width + x), 3 * (y * pixels.width + x) + 3)),
  };
}

export const metadata = (bundle = sent[0]) =>
  bundle.metadata['image/png'] as { width: number; height: number; alt: string };

/** What the file's tests display goes into `sent`. */
export function listen(test: Test): void {
  test.before(async () => {
    await startBackend('cpu');
  });
  test.before.each(() => {
    sent.length = 0;
    setSink((bundle) => sent.push(bundle));
  });
  test.after(() => void setSink(undefined));
}
