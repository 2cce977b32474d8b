import { createCanvas, type Canvas, type Image } from 'canvas';

/** How a stored picture becomes upright: quarter turns clockwise, then exchanging left and right. */
export interface Orientation {
  readonly turns: 0 | 1 | 2 | 3;
  readonly mirror: boolean;
}

const quarter = (turns: number) => (((turns % 4) + 4) % 4) as Orientation['turns'];

/** EXIF's numbers 1 to 8; anything else is "as stored". */
const EXIF: readonly (Orientation | undefined)[] = [
  undefined,
  undefined,
  { turns: 0, mirror: true },
  { turns: 2, mirror: false },
  { turns: 2, mirror: true },
  { turns: 1, mirror: true },
  { turns: 1, mirror: false },
  { turns: 3, mirror: true },
  { turns: 3, mirror: false },
];

const ORIENTATION_TAG = 0x0112;

/** The orientation in a block of EXIF data (a TIFF file without pictures). */
export function exifOrientation(exif: Buffer): Orientation | undefined {
  if (exif.length < 8) return undefined;
  const little = exif.toString('latin1', 0, 2) === 'II';
  const short = (at: number) => (little ? exif.readUInt16LE(at) : exif.readUInt16BE(at));
  const first = little ? exif.readUInt32LE(4) : exif.readUInt32BE(4);
  if (first + 2 > exif.length) return undefined;
  for (let i = 0, at = first + 2; i < short(first) && at + 12 <= exif.length; i++, at += 12) {
    if (short(at) === ORIENTATION_TAG) return EXIF[short(at + 8)];
  }
  return undefined;
}

interface Box {
  readonly type: string;
  readonly body: Buffer;
}

/** The whole boxes of an ISO base media file (AVIF), one level. A size of 0 means "to the end", 1 "it follows". */
function boxes(data: Buffer): Box[] {
  const found: Box[] = [];
  for (let at = 0; at + 8 <= data.length;) {
    const long = data.readUInt32BE(at) === 1 && at + 16 <= data.length;
    const size = long ? Number(data.readBigUInt64BE(at + 8)) : data.readUInt32BE(at) || data.length - at;
    const head = long ? 16 : 8;
    if (size < head || at + size > data.length) break;
    found.push({ type: data.toString('latin1', at + 4, at + 8), body: data.subarray(at + head, at + size) });
    at += size;
  }
  return found;
}

/** The body of the first box of this type, if it is there whole. */
export const find = (data: Buffer | undefined, type: string) =>
  data && boxes(data).find((box) => box.type === type)?.body;

/** Which properties (numbered from 1) belong to an item: the box "ipma" (ISO/IEC 23008-12, 9.3). */
function propertiesOf(item: number, ipma: Buffer): number[] {
  const [long, wide] = [ipma[0] > 0, (ipma[3] & 1) === 1];
  let at = 8;
  for (let entries = ipma.readUInt32BE(4); entries > 0; entries--) {
    const id = long ? ipma.readUInt32BE(at) : ipma.readUInt16BE(at);
    at += long ? 4 : 2;
    const list = Array.from({ length: ipma[at++] }, () => {
      const property = wide ? ipma.readUInt16BE(at) & 0x7fff : ipma[at] & 0x7f;
      at += wide ? 2 : 1;
      return property;
    });
    if (id === item) return list;
  }
  return [];
}

/** An AVIF's "irot" (quarter turns against the clock) and "imir", which come in this order. */
export function avifOrientation(data: Buffer): Orientation | undefined {
  try {
    const meta = find(data, 'meta')?.subarray(4);
    const [pitm, iprp] = [find(meta, 'pitm'), find(meta, 'iprp')];
    const [ipco, ipma] = [find(iprp, 'ipco'), find(iprp, 'ipma')];
    if (!pitm || !ipco || !ipma) return undefined;
    const properties = boxes(ipco);
    const own = propertiesOf(pitm[0] > 0 ? pitm.readUInt32BE(4) : pitm.readUInt16BE(4), ipma);
    const valueOf = (type: string) => own.map((i) => properties[i - 1]).find((box) => box?.type === type)?.body[0];
    const [angle, axis] = [valueOf('irot'), valueOf('imir')];
    if (angle === undefined && axis === undefined) return undefined;
    // axis 0 exchanges top and bottom: half a turn and left for right
    return { turns: quarter((axis === 0 ? 2 : 0) - ((angle ?? 0) & 3)), mirror: axis !== undefined };
  } catch (error) {
    if (error instanceof RangeError) return undefined; // boxes that end too early: the decoder will complain
    throw error;
  }
}

/** The picture, turned upright. */
export function upright(image: Image, orientation: Orientation | undefined): Image | Canvas {
  if (!orientation) return image;
  const { turns, mirror } = orientation;
  const { width, height } = image;
  const canvas = turns % 2 === 1 ? createCanvas(height, width) : createCanvas(width, height);
  const context = canvas.getContext('2d');
  context.translate(canvas.width / 2, canvas.height / 2);
  if (mirror) context.scale(-1, 1);
  context.rotate((turns * Math.PI) / 2);
  context.drawImage(image, -width / 2, -height / 2);
  return canvas;
}
