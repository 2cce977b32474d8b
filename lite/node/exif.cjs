'use strict';
/**
 * Which way a picture is up. Browsers do not agree on what they turn by themselves (Chromium: JPEG, PNG and AVIF, not
 * WebP), so they are given pictures that do not say it: JPEG, PNG and WebP without their EXIF. AVIF is turned by all.
 */
const { avifOrientation, exifOrientation } = require('../../lib/image/orientation.ts');

const text = (data, from, to) => data.toString('latin1', from, to);

/** [start, end, where the TIFF begins] of a JPEG's EXIF segment; in front of the image data. */
function inJpeg(data) {
  for (let at = 2; at + 10 < data.length && data[at] === 0xff && data[at + 1] !== 0xda;) {
    const end = at + 2 + data.readUInt16BE(at + 2);
    if (data[at + 1] === 0xe1 && text(data, at + 4, at + 10) === 'Exif\0\0') return [at, end, at + 10];
    at = end;
  }
  return undefined;
}

function inPng(data) {
  for (let at = 8; at + 12 <= data.length;) {
    const end = at + 12 + data.readUInt32BE(at);
    if (text(data, at + 4, at + 8) === 'eXIf') return [at, end, at + 8];
    at = end;
  }
  return undefined;
}

function inWebp(data) {
  for (let at = 12; at + 8 <= data.length;) {
    const size = data.readUInt32LE(at + 4);
    const end = at + 8 + size + (size % 2);
    if (text(data, at, at + 4) === 'EXIF') return [at, end, at + 8];
    at = end;
  }
  return undefined;
}

/** Without the EXIF a WebP is shorter, and its header must not promise one. */
function mendWebp(data) {
  data.writeUInt32LE(data.length - 8, 4);
  data[20] &= ~8;
}

const KINDS = [
  { name: 'jpeg', is: (data) => data[0] === 0xff && data[1] === 0xd8, find: inJpeg },
  { name: 'png', is: (data) => text(data, 1, 4) === 'PNG', find: inPng },
  { name: 'webp', is: (data) => text(data, 8, 12) === 'WEBP', find: inWebp, mend: mendWebp },
];

/**
 * The picture without EXIF, and what that said.
 * @param {Buffer<ArrayBuffer>} data
 * @returns {{ name?: string, bytes: Buffer<ArrayBuffer>, orientation?: { turns: number, mirror: boolean } }}
 */
function withoutExif(data) {
  if (text(data, 4, 8) === 'ftyp') return { name: 'avif', bytes: data, orientation: avifOrientation(data) };
  const kind = KINDS.find(({ is }) => is(data));
  const [start, end, tiff] = kind?.find(data) ?? [];
  if (start === undefined) return { name: kind?.name, bytes: data };
  const bytes = Buffer.concat([data.subarray(0, start), data.subarray(end)]);
  kind.mend?.(bytes);
  return { name: kind.name, bytes, orientation: exifOrientation(data.subarray(tiff, end)) };
}

module.exports = { withoutExif };
