/** Pictures with known pixels, in a folder that vanishes. */
import { createCanvas, type Canvas } from 'canvas';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import * as assert from 'uvu/assert';
import { tf } from '../../../lib/tf/backend';

export const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-图片 '));

export const file = (name: string, bytes: Uint8Array | string) => {
  fs.writeFileSync(path.join(folder, name), bytes);
  return path.join(folder, name);
};

/** A picture whose pixels are known: red, green | blue, grey quarters. */
export function quarters(width = 40, height = 20): Canvas {
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  ['#ff0000', '#00ff00', '#0000ff', '#808080'].forEach((color, i) => {
    context.fillStyle = color;
    context.fillRect(((i % 2) * width) / 2, (i < 2 ? 0 : 1) * (height / 2), width / 2, height / 2);
  });
  return canvas;
}

export const at = (image: tf.Tensor3D, row: number, column: number) =>
  Array.from(image.dataSync().slice(3 * (row * image.shape[1] + column), 3 * (row * image.shape[1] + column) + 3));

export function near(got: readonly number[], expected: readonly number[], tolerance = 0.02): void {
  const worst = Math.max(...expected.map((v, i) => Math.abs(v - got[i])));
  assert.ok(worst <= tolerance, `得到 ${got}，应为 ${expected}`);
}
