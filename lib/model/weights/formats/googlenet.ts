import { damagedFile, type NamedWeights, readFloats, sizeOf } from './weights';

/** Channels of the inception modules: input, 1x1, 3x3_reduce, 3x3, 5x5_reduce, 5x5, pool_proj (Szegedy 2015, table 1). */
const MODULES: Readonly<Record<string, readonly number[]>> = {
  '3a': [192, 64, 96, 128, 16, 32, 32],
  '3b': [256, 128, 128, 192, 32, 96, 64],
  '4a': [480, 192, 96, 208, 16, 48, 64],
  '4b': [512, 160, 112, 224, 24, 64, 64],
  '4c': [512, 128, 128, 256, 24, 64, 64],
  '4d': [512, 112, 144, 288, 32, 64, 64],
  '4e': [528, 256, 160, 320, 32, 128, 128],
  '5a': [832, 256, 160, 320, 32, 128, 128],
  '5b': [832, 384, 192, 384, 48, 128, 128],
};

/** Our name, the files' name, the kernel's shape as it lies there. */
type Layer = readonly [name: string, file: string, shape: readonly number[]];

function layers(): Layer[] {
  const list: Layer[] = [
    ['conv1', 'conv1/7x7_s2', [64, 7, 7, 3]],
    ['conv2/reduce', 'conv2/3x3_reduce', [64, 1, 1, 64]],
    ['conv2', 'conv2/3x3', [192, 3, 3, 64]],
  ];
  for (const [module, [input, one, reduce3, three, reduce5, five, pool]] of Object.entries(MODULES)) {
    const add = (part: string, out: number, size: number, from: number) =>
      list.push([`inception_${module}/${part}`, `inception_${module}/${part}`, [out, size, size, from]]);
    add('1x1', one, 1, input);
    add('3x3_reduce', reduce3, 1, input);
    add('3x3', three, 3, reduce3);
    add('5x5_reduce', reduce5, 1, input);
    add('5x5', five, 5, reduce5);
    add('pool_proj', pool, 1, input);
  }
  list.push(['logits', 'loss3/classifier', [1000, 1024]]);
  return list;
}

/** [out, height, width, in] to TF.js' [height, width, in, out], or [out, in] to [in, out]; BGR to RGB where asked. */
function outputsLast(data: Float32Array, [out, ...rest]: readonly number[], flipInput: boolean): NamedWeights[string] {
  const inner = sizeOf(rest);
  const channels = rest[rest.length - 1];
  const result = new Float32Array(data.length);
  for (let i = 0; i < inner; i++) {
    const channel = i % channels;
    const to = flipInput ? i - channel + channels - 1 - channel : i;
    for (let o = 0; o < out; o++) result[to * out + o] = data[o * inner + i];
  }
  return { data: result, shape: [...rest, out] };
}

function readAll(files: Map<string, Uint8Array>, file: string, count: number): Float32Array {
  const bytes = files.get(file);
  if (bytes?.length !== 4 * count) {
    throw damagedFile(file, ` ${4 * count} 字节`, bytes ? ` ${bytes.length} 字节` : '不到这个文件');
  }
  return readFloats(file, bytes, 0, count);
}

/**
 * 解码 GoogLeNet（float32，没有压缩）：`conv1/kernel` `[7, 7, 3, 64]`、`inception_3a/1x1/kernel` `[1, 1, 192, 64]` …
 * `logits/kernel` `[1024, 1000]`，以及各自的 `bias`。
 *
 * @param files 文件名到内容，如 `fetchNetworkFiles('googlenet')` 所给
 * @returns TF.js 排列的权值；conv1 已由 BGR 翻成 RGB
 * @throws CourseError 缺文件，文件短缺、过长，或者里面有不是数的值
 */
export function decodeGoogLeNet(files: Map<string, Uint8Array>): NamedWeights {
  const weights: NamedWeights = {};
  for (const [name, file, shape] of layers()) {
    const kernel = readAll(files, googlenetFile(`${file}_filter.bin`), sizeOf(shape));
    weights[`${name}/kernel`] = outputsLast(kernel, shape, name === 'conv1');
    const bias = readAll(files, googlenetFile(`${file}_bias.bin`), shape[0]);
    weights[`${name}/bias`] = { data: bias, shape: [shape[0]] };
  }
  return weights;
}

/** The cache is flat: the folders of the repository become part of the name. */
export const googlenetFile = (path: string): string => `bvlc_googlenet.${path.replace('/', '.')}`;
