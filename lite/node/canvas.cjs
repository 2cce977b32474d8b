'use strict';
/** What the course uses of npm's `canvas`, on the browser's OffscreenCanvas. */
const fs = require('fs');

class Canvas extends OffscreenCanvas {
  /** @returns {any} what its kind asks for */
  getContext(kind, options) {
    return super.getContext(kind, kind === '2d' ? { willReadFrequently: true, ...options } : options);
  }

  async encode(type, quality = 92) {
    const blob = await this.convertToBlob({ type: `image/${type}`, quality: quality / 100 });
    return Buffer.from(await blob.arrayBuffer());
  }
}

/** Numbers as they are stored: no colour management. @type {ImageBitmapOptions} */
const RAW = { premultiplyAlpha: 'none', colorSpaceConversion: 'none' };

async function bytesOf(source) {
  if (typeof source !== 'string') return source;
  if (/^(data|blob|https?):/i.test(source)) return new Uint8Array(await (await fetch(source)).arrayBuffer());
  return fs.promises.readFile(source);
}

/** What turns a picture back. A mirrored one, turned and mirrored again in the same way, is as before. */
const inverse = ({ turns, mirror }) => ({ turns: mirror ? turns : (4 - turns) % 4, mirror });

/**
 * As npm's `canvas`: JPEG and WebP come upright, PNG and AVIF as they are stored.
 * @param {string | Uint8Array} source a path, an address or bytes
 */
async function loadImage(source) {
  const { name, bytes, orientation } = withoutExif(Buffer.from(await bytesOf(source)));
  const image = await createImageBitmap(new Blob([bytes]), RAW);
  if (!orientation || name === 'png') return image;
  // drawn like an image of npm's
  return upright(/** @type {any} */ (image), name === 'avif' ? inverse(orientation) : orientation);
}

const GlobalFonts = {
  /** Faces are loaded before the kernel starts: here it is only asked for one. */
  registerFromPath: (_file, family) => [...self.fonts].some((face) => face.family.replace(/"/g, '') === family),
};

module.exports = {
  createCanvas: (width, height) => new Canvas(width, height),
  loadImage,
  Canvas,
  ImageData,
  GlobalFonts,
};

// these draw on the canvases above
const { withoutExif } = require('./exif.cjs');
const { upright } = require('../../lib/image/orientation.ts');
