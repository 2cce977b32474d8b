import { CourseError } from '../../../base/errors';

/**
 * 按名字存放的权值（weights by name），已经是 TF.js 的排列：
 *
 * - 卷积核（kernel）`[kh, kw, 每组输入通道, 输出通道]`，逐通道卷积核（depthwise）`[kh, kw, 通道, 1]`；
 * - 全连接核（dense kernel）`[输入, 输出]`，输入按 TF.js 展平 `[h, w, c]` 的次序；
 * - 偏置（bias）`[输出]`。
 *
 * 整个课程只用 RGB：用 Caffe 训练、按 BGR 读图的网络，第一层卷积核的三个输入通道在这里已经翻成 RGB 次序。
 */
export interface NamedWeights {
  [name: string]: { data: Float32Array; shape: number[] };
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

/** 权值文件损坏（damaged weight file）：说出哪个文件、应有什么、得到什么、下一步做什么。 */
export function damagedFile(file: string, expected: string, got: string): CourseError {
  return new CourseError(
    `权值文件 ${file} 已损坏：应为${expected}，得到${got}。` +
      `请删除这个文件（缓存在 .cache/models 或 CONVSCOPE_CACHE 所指的目录）再运行 npm start，它会重新取得；` +
      `如果它来自 CONVSCOPE_MODELS 所指的目录，请重新拷贝。`,
  );
}

/** Float32 values, little-endian, from any byte offset; NaN and infinity are damage. */
export function readFloats(file: string, bytes: Uint8Array, offset: number, count: number): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, 4 * count);
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    values[i] = view.getFloat32(4 * i, true);
    if (!Number.isFinite(values[i])) throw damagedFile(file, '有限的数', `${values[i]}（第 ${i} 个）`);
  }
  return values;
}

/**
 * Caffe's kernel order `[out, in, kh, kw]` to TF.js' `[kh, kw, in, out]`.
 * `flipInput` reverses the input channels: it turns the kernel of a network that reads BGR into one that reads RGB.
 */
export function fromCaffeKernel(
  data: Float32Array,
  [out, inputs, height, width]: readonly number[],
  { flipInput = false } = {},
): NamedWeights[string] {
  const result = new Float32Array(data.length);
  const area = height * width;
  for (let o = 0, from = 0; o < out; o++) {
    for (let i = 0; i < inputs; i++) {
      const to = flipInput ? inputs - 1 - i : i;
      for (let at = 0; at < area; at++) result[(at * inputs + to) * out + o] = data[from++];
    }
  }
  return { data: result, shape: [height, width, inputs, out] };
}
