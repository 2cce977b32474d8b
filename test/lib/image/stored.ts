/** Pictures stored in every way that a camera has of turning them, for the tests. */
import { createCanvas } from 'canvas';
import { crc32 } from '../../../lib/image/header';

const RED = [220, 0, 0];
const BLUE = [0, 0, 220];
const GREEN = [0, 160, 0];
/** Upright: 24 wide and 16 high, red on the top left, blue on the top right, green below. */
export const colourAt = (x: number, y: number) => (y >= 8 ? GREEN : x < 12 ? RED : BLUE);

/** Where the stored pixel (x, y) of a picture with this EXIF orientation comes from in the upright one. */
const STORED: Record<number, (x: number, y: number) => [number, number]> = {
  1: (x, y) => [x, y],
  2: (x, y) => [23 - x, y],
  3: (x, y) => [23 - x, 15 - y],
  4: (x, y) => [x, 15 - y],
  5: (x, y) => [y, x],
  6: (x, y) => [23 - y, x],
  7: (x, y) => [23 - y, 15 - x],
  8: (x, y) => [y, 15 - x],
};

export function chunk(type: string, body: Buffer): Buffer {
  const framed = Buffer.alloc(body.length + 12);
  framed.writeUInt32BE(body.length, 0);
  framed.write(type, 4, 'latin1');
  body.copy(framed, 8);
  framed.writeUInt32BE(crc32(framed.subarray(4, 8 + body.length)), 8 + body.length);
  return framed;
}

/** A TIFF header and a directory of two entries, the second of which is the orientation. */
export function exif(orientation: number, little: boolean): Buffer {
  const data = Buffer.alloc(38);
  data.write(little ? 'II' : 'MM', 0, 'latin1');
  const short = (value: number, at: number) => (little ? data.writeUInt16LE(value, at) : data.writeUInt16BE(value, at));
  const long = (value: number, at: number) => (little ? data.writeUInt32LE(value, at) : data.writeUInt32BE(value, at));
  short(42, 2);
  long(8, 4);
  short(2, 8);
  [0x0100, 0x0112].forEach((tag, i) => {
    short(tag, 10 + 12 * i);
    short(3, 12 + 12 * i);
    long(1, 14 + 12 * i);
    short(i === 0 ? 24 : orientation, 18 + 12 * i);
  });
  return data;
}

export function png(orientation: number, little = false): Buffer {
  const [width, height] = orientation > 4 ? [16, 24] : [24, 16];
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      context.fillStyle = `rgb(${colourAt(...STORED[orientation](x, y)).join(' ')})`;
      context.fillRect(x, y, 1, 1);
    }
  const bytes = canvas.toBuffer('image/png');
  const afterHeader = 8 + 25;
  return Buffer.concat([
    bytes.subarray(0, afterHeader),
    chunk('eXIf', exif(orientation, little)),
    bytes.subarray(afterHeader),
  ]);
}

/** A JPEG as cameras write it: the orientation in a segment behind the first two bytes. */
export function turnedJpeg(bytes: Buffer, orientation: number): Buffer {
  const body = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), exif(orientation, true)]);
  const head = Buffer.from([0xff, 0xe1, 0, body.length + 2]);
  return Buffer.concat([bytes.subarray(0, 2), head, body, bytes.subarray(2)]);
}

/** A WebP with the extended header (VP8X, as canvases write it): a flag there, and the orientation at the end. */
export function turnedWebp(bytes: Buffer, orientation: number): Buffer {
  const body = exif(orientation, true);
  const head = Buffer.alloc(8);
  head.write('EXIF', 0, 'latin1');
  head.writeUInt32LE(body.length, 4);
  const turned = Buffer.concat([bytes, head, body]);
  turned.writeUInt32LE(turned.length - 8, 4);
  turned[20] |= 8;
  return turned;
}
