import { damagedFile, readFloats, sizeOf } from './weights';

/**
 * The `.bin` and `.cbn` files of Quantized-CNN (Wu, Leng, Wang, Hu, Cheng: Quantized Convolutional Neural Networks for
 * Mobile Devices, CVPR 2016, arXiv:1512.06473): product quantisation. The input channels of a layer are cut into S
 * groups of D, and each group of D weights is one of K centroids.
 *
 *     .bin  i32 rank, i32 shape[rank], f32 values            centroids [S, K, D], biases [out], the mean image
 *     .cbn  i32 rank, i32 shape[rank], i32 bits, blocks      centroid numbers [out, kh, kw, S] or [out, S]
 *
 * A block has 4096 bytes and holds as many whole numbers of `bits` bits as fit, highest bit first; the rest is zero.
 */
const BLOCK = 4096;
/** No dimension of these files comes near: a larger one is damage, and would make later sums inexact. */
const LARGEST = 1 << 20;

export interface FloatFile {
  readonly shape: number[];
  readonly values: Float32Array;
}

export interface CodeFile {
  readonly shape: number[];
  readonly bits: number;
  readonly codes: Uint8Array;
}

function readShape(file: string, bytes: Uint8Array): { shape: number[]; offset: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const rank = bytes.length >= 4 ? view.getInt32(0, true) : 0;
  if (rank < 1 || rank > 4) throw damagedFile(file, ' 1 到 4 维', ` ${rank} 维`);
  const offset = 4 + 4 * rank;
  if (bytes.length < offset) throw damagedFile(file, `至少 ${offset} 字节`, ` ${bytes.length} 字节`);
  const shape = Array.from({ length: rank }, (_, i) => view.getInt32(4 + 4 * i, true));
  if (shape.some((n) => n < 1 || n > LARGEST)) throw damagedFile(file, '合理的形状', ` [${shape}]`);
  return { shape, offset };
}

/** 读 .bin 文件：任意形状的 float32（little-endian）。 */
export function readFloatFile(file: string, bytes: Uint8Array): FloatFile {
  const { shape, offset } = readShape(file, bytes);
  const expected = offset + 4 * sizeOf(shape);
  if (bytes.length !== expected) throw damagedFile(file, ` ${expected} 字节`, ` ${bytes.length} 字节`);
  return { shape, values: readFloats(file, bytes, offset, sizeOf(shape)) };
}

/** 读 .cbn 文件：分块存放的小整数；长度和所有填充位都要对。 */
export function readCodeFile(file: string, bytes: Uint8Array): CodeFile {
  const { shape, offset } = readShape(file, bytes);
  if (bytes.length < offset + 4) throw damagedFile(file, `至少 ${offset + 4} 字节`, ` ${bytes.length} 字节`);
  const bits = new DataView(bytes.buffer, bytes.byteOffset + offset).getInt32(0, true);
  if (bits < 1 || bits > 8) throw damagedFile(file, '每个码 1 到 8 位', ` ${bits} 位`);

  const count = sizeOf(shape);
  const perBlock = Math.floor((8 * BLOCK) / bits);
  const blocks = Math.ceil(count / perBlock);
  const expected = offset + 4 + BLOCK * blocks;
  if (bytes.length !== expected) throw damagedFile(file, ` ${expected} 字节`, ` ${bytes.length} 字节`);

  const codes = new Uint8Array(count);
  for (let block = 0; block < blocks; block++) {
    const start = offset + 4 + BLOCK * block;
    const first = block * perBlock;
    readBlock(file, bytes.subarray(start, start + BLOCK), bits, codes.subarray(first, first + perBlock));
  }
  return { shape, bits, codes };
}

/** Fills `codes` from one block; whatever the block holds behind them must be zero. */
function readBlock(file: string, block: Uint8Array, bits: number, codes: Uint8Array): void {
  const mask = (1 << bits) - 1;
  let buffer = 0;
  let held = 0;
  let next = 0;
  for (let i = 0; i < codes.length; i++) {
    if (held < bits) {
      buffer = ((buffer << 8) | block[next++]) & 0xffff;
      held += 8;
    }
    held -= bits;
    codes[i] = (buffer >> held) & mask;
  }
  let padding = buffer & ((1 << held) - 1);
  while (next < block.length) padding |= block[next++];
  if (padding !== 0) throw damagedFile(file, '填充位全为 0', '非零的填充位');
}
