import { randomGenerator } from '../../../../lib/base/random';

/** Writers of the two weight formats: what the decoders read back must be what went in. */

const bytesOf = (array: Float32Array | Uint32Array | Int32Array) =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

function join(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Two 4-bit numbers a byte, the low half first. */
function halves(numbers: readonly number[]): Uint8Array {
  const packed = new Uint8Array(Math.ceil(numbers.length / 2));
  numbers.forEach((n, i) => (packed[i >> 1] |= i & 1 ? n << 4 : n));
  return packed;
}

export interface CompressibleLayer {
  readonly kind: 'conv' | 'dense';
  readonly kernel: Float32Array;
  readonly bias: Float32Array;
}

/** Deep Compression: codebook, bias, codes, gaps of every layer. */
export function encodeDeepCompression(layers: readonly CompressibleLayer[]): Uint8Array {
  const entries: number[] = [];
  const bodies: Uint8Array[] = [];
  for (const { kind, kernel, bias } of layers) {
    const size = kind === 'conv' ? 256 : 16;
    const values = [...new Set(kernel)].filter((v) => v !== 0);
    if (values.length >= size) throw new Error(`${values.length} values do not fit a codebook of ${size}`);
    const codebook = new Float32Array(size);
    values.forEach((v, i) => (codebook[i + 1] = v));

    const codes: number[] = [];
    const gaps: number[] = [];
    let last = -1;
    kernel.forEach((value, position) => {
      if (value === 0) return;
      let gap = position - last - 1;
      for (; gap > 15; gap -= 16) {
        codes.push(0);
        gaps.push(15);
      }
      codes.push(values.indexOf(value) + 1);
      gaps.push(gap);
      last = position;
    });
    entries.push(codes.length);
    bodies.push(bytesOf(codebook), bytesOf(bias), kind === 'conv' ? Uint8Array.from(codes) : halves(codes));
    bodies.push(halves(gaps));
  }
  return join(bytesOf(Uint32Array.from(entries)), ...bodies);
}

/** Quantized-CNN's .bin: rank, shape, float32. */
export const encodeFloatFile = (shape: readonly number[], values: Float32Array): Uint8Array =>
  join(bytesOf(Int32Array.of(shape.length, ...shape)), bytesOf(values));

/** Quantized-CNN's .cbn: rank, shape, bits, blocks of 4096 bytes, highest bit first. */
export function encodeCodeFile(shape: readonly number[], bits: number, codes: Uint8Array): Uint8Array {
  const perBlock = Math.floor(32768 / bits);
  const body = new Uint8Array(4096 * Math.ceil(codes.length / perBlock));
  for (let i = 0; i < codes.length; i++) {
    const start = 32768 * Math.floor(i / perBlock) + (i % perBlock) * bits;
    for (let b = 0; b < bits; b++) {
      const at = start + b;
      body[at >> 3] |= ((codes[i] >> (bits - 1 - b)) & 1) << (7 - (at & 7));
    }
  }
  return join(bytesOf(Int32Array.of(shape.length, ...shape, bits)), body);
}

export interface QuantizedLayer {
  readonly number: string;
  readonly outputs: number;
  /** [kh, kw], or [] for a dense layer. */
  readonly kernel: readonly number[];
  readonly groups: number;
  readonly entries: number;
  readonly length: number;
}

/** Krizhevsky's layers as the files have them. */
export const alexNetLayers: readonly QuantizedLayer[] = [
  { number: '01', outputs: 96, kernel: [11, 11], groups: 1, entries: 128, length: 8 },
  { number: '05', outputs: 256, kernel: [5, 5], groups: 6, entries: 128, length: 8 },
  { number: '09', outputs: 384, kernel: [3, 3], groups: 32, entries: 128, length: 8 },
  { number: '11', outputs: 384, kernel: [3, 3], groups: 24, entries: 128, length: 8 },
  { number: '13', outputs: 256, kernel: [3, 3], groups: 24, entries: 128, length: 8 },
  { number: '16', outputs: 4096, kernel: [], groups: 2304, entries: 32, length: 4 },
  { number: '19', outputs: 4096, kernel: [], groups: 1024, entries: 32, length: 4 },
  { number: '22', outputs: 1000, kernel: [], groups: 4096, entries: 16, length: 1 },
];

export interface SyntheticLayer extends QuantizedLayer {
  readonly centroids: Float32Array;
  readonly codes: Uint8Array;
  readonly bias: Float32Array;
  readonly files: Map<string, Uint8Array>;
}

/** A layer of random centroids and codes in the files' own format: fc6's codes can be had nowhere but at the host. */
export function syntheticLayer(number: string, seed = 1): SyntheticLayer {
  const layer = alexNetLayers.find((l) => l.number === number)!;
  const random = randomGenerator(seed);
  const { outputs, kernel, groups, entries, length } = layer;
  const centroids = Float32Array.from({ length: groups * entries * length }, () => random.normal() / 100);
  // conv1 has three channels in a group of eight: the other five are stored as zeros.
  if (number === '01') centroids.forEach((_, i) => i % length > 2 && (centroids[i] = 0));
  const codes = new Uint8Array(kernel.reduce((a, b) => a * b, outputs) * groups).map(() => random.integer(entries));
  const bias = Float32Array.from({ length: outputs }, () => random.normal());
  const name = (kind: string) => `bvlc_alexnet_aCaF.${kind}.${number}`;
  const files = new Map([
    [`${name('asmtLst')}.cbn`, encodeCodeFile([outputs, ...kernel, groups], Math.log2(entries), codes)],
    [`${name('biasVec')}.bin`, encodeFloatFile([outputs], bias)],
    [`${name('ctrdLst')}.bin`, encodeFloatFile([groups, entries, length], centroids)],
  ]);
  return { ...layer, centroids, codes, bias, files };
}
