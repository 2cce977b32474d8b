import { damagedFile, fromCaffeKernel, readFloats, sizeOf, type NamedWeights } from './weights';

/**
 * The `.net` files of Deep Compression (Han, Mao, Dally: Deep Compression, ICLR 2016, arXiv:1510.00149): most weights
 * are pruned to zero, the others share 255 (convolution) or 15 (dense) values, and only their distances are stored.
 *
 * Little-endian, no magic number:
 *
 *     u32 entries[layers]
 *     per layer: f32 codebook[256 | 16]   codebook[0] = 0, the pruned weight
 *                f32 bias[outputs]
 *                u8  codes                one byte an entry | two 4-bit codes a byte, the low half first
 *                u8  gaps                 two 4-bit counts a byte: zeros skipped before the entry
 *
 * A gap longer than 15 is bridged by filler entries: code 0 after 15 zeros.
 */
export interface CompressedLayer {
  readonly name: string;
  /** Caffe's order: [out, in, kh, kw] for a convolution, [out, in] for a dense layer. */
  readonly shape: readonly number[];
  readonly kind: 'conv' | 'dense';
}

export interface CompressedWeights {
  /** In Caffe's order, as `shape` says. */
  readonly kernel: Float32Array;
  readonly bias: Float32Array;
}

/** 解码 Deep Compression 的 .net 文件（到最后一个字节，包括填充位）；损坏时抛出 CourseError。 */
export function decodeDeepCompression(
  bytes: Uint8Array,
  layers: readonly CompressedLayer[],
  file = 'compressed.net',
): Map<string, CompressedWeights> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headBytes = 4 * layers.length;
  if (bytes.length < headBytes) throw damagedFile(file, `至少 ${headBytes} 字节`, ` ${bytes.length} 字节`);
  const entries = layers.map((_, i) => view.getUint32(4 * i, true));

  // All lengths follow from the head: compare before anything is allocated.
  const expected = layers.reduce((sum, layer, i) => sum + layerBytes(layer, entries[i]), headBytes);
  if (expected !== bytes.length) throw damagedFile(file, ` ${expected} 字节`, ` ${bytes.length} 字节`);

  const result = new Map<string, CompressedWeights>();
  let offset = headBytes;
  layers.forEach((layer, i) => {
    const end = offset + layerBytes(layer, entries[i]);
    result.set(layer.name, decodeLayer(`${file}（${layer.name}）`, bytes.subarray(offset, end), layer, entries[i]));
    offset = end;
  });
  return result;
}

const codebookSize = (layer: CompressedLayer) => (layer.kind === 'conv' ? 256 : 16);
const codeBytes = (layer: CompressedLayer, entries: number) =>
  layer.kind === 'conv' ? entries : Math.ceil(entries / 2);

function layerBytes(layer: CompressedLayer, entries: number): number {
  return 4 * (codebookSize(layer) + layer.shape[0]) + codeBytes(layer, entries) + Math.ceil(entries / 2);
}

function decodeLayer(file: string, bytes: Uint8Array, layer: CompressedLayer, entries: number): CompressedWeights {
  const outputs = layer.shape[0];
  const codebook = readFloats(file, bytes, 0, codebookSize(layer));
  const bias = readFloats(file, bytes, 4 * codebook.length, outputs);
  if (codebook[0] !== 0) throw damagedFile(file, '码本的第 0 项 0', ` ${codebook[0]}`);

  const codesAt = 4 * (codebook.length + outputs);
  const gapsAt = codesAt + codeBytes(layer, entries);
  const half = (start: number, k: number) => (k & 1 ? bytes[start + (k >> 1)] >> 4 : bytes[start + (k >> 1)] & 15);
  const codeOf = layer.kind === 'conv' ? (k: number) => bytes[codesAt + k] : (k: number) => half(codesAt, k);
  if (entries & 1) {
    const padding = half(gapsAt, entries) | (layer.kind === 'dense' ? half(codesAt, entries) : 0);
    if (padding !== 0) throw damagedFile(file, '填充位 0', ` ${padding}`);
  }

  const kernel = new Float32Array(sizeOf(layer.shape));
  let position = -1;
  for (let k = 0; k < entries; k++) {
    const gap = half(gapsAt, k);
    const code = codeOf(k);
    position += gap + 1;
    if (position >= kernel.length) throw damagedFile(file, `位置小于 ${kernel.length}`, ` ${position}`);
    if (code === 0 && gap !== 15) throw damagedFile(file, '填充项之前 15 个零', ` ${gap} 个`);
    kernel[position] = codebook[code];
  }
  return { kernel, bias };
}

/** The file's key in the map that `fetchNetworkFiles('squeezenet')` gives. */
const SQUEEZENET_FILE = 'compressed_SqueezeNet.net';

/** SqueezeNet v1.0 的 26 个卷积层（Caffe 次序），按文件里的次序。 */
const squeezeNetLayers: readonly CompressedLayer[] = (() => {
  const layers: CompressedLayer[] = [];
  const conv = (name: string, ...shape: number[]) => layers.push({ name, shape, kind: 'conv' });
  conv('conv1', 96, 3, 7, 7);
  let inputs = 96;
  [16, 16, 32, 32, 48, 48, 64, 64].forEach((squeeze, i) => {
    const fire = `fire${i + 2}`;
    conv(`${fire}/squeeze1x1`, squeeze, inputs, 1, 1);
    conv(`${fire}/expand1x1`, 4 * squeeze, squeeze, 1, 1);
    conv(`${fire}/expand3x3`, 4 * squeeze, squeeze, 3, 3);
    inputs = 8 * squeeze;
  });
  conv('conv10', 1000, 512, 1, 1);
  return layers;
})();

/**
 * 解码 SqueezeNet v1.0 的权值（decode）：`conv1/kernel`、`conv1/bias`、`fire2/squeeze1x1/kernel` … `conv10/bias`。
 *
 * @param bytes 整个 .net 文件（675763 字节）
 * @returns TF.js 排列的权值；conv1 的输入通道已由 BGR 翻成 RGB
 * @throws CourseError 文件短缺、过长或内部不一致
 */
export function decodeSqueezeNet(bytes: Uint8Array): NamedWeights {
  const weights: NamedWeights = {};
  const decoded = decodeDeepCompression(bytes, squeezeNetLayers, SQUEEZENET_FILE);
  for (const { name, shape } of squeezeNetLayers) {
    const { kernel, bias } = decoded.get(name)!;
    weights[`${name}/kernel`] = fromCaffeKernel(kernel, shape, { flipInput: name === 'conv1' });
    weights[`${name}/bias`] = { data: bias, shape: [shape[0]] };
  }
  return weights;
}
