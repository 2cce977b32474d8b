'use strict';
/** What the course uses of npm's `canvas`, on the browser's OffscreenCanvas. */
const fs = require('fs');

class Canvas extends OffscreenCanvas {
  getContext(kind, options) {
    return super.getContext(kind, kind === '2d' ? { willReadFrequently: true, ...options } : options);
  }

  async encode(type, quality = 92) {
    const blob = await this.convertToBlob({ type: `image/${type}`, quality: quality / 100 });
    return Buffer.from(await blob.arrayBuffer());
  }
}

/** Numbers as they are stored: no turning, no colour management; the course turns pictures itself. */
const RAW = { imageOrientation: 'none', premultiplyAlpha: 'none', colorSpaceConversion: 'none' };

async function bytesOf(source) {
  if (typeof source !== 'string') return source;
  if (/^(data|blob|https?):/i.test(source)) return new Uint8Array(await (await fetch(source)).arrayBuffer());
  return fs.promises.readFile(source);
}

/** @param {string | Uint8Array} source a path, an address or bytes */
async function loadImage(source) {
  return createImageBitmap(new Blob([await bytesOf(source)]), RAW);
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
