import { CourseError } from '../../../base/errors';
import { readCodeFile, readFloatFile } from './quantized-cnn-files';
import { damagedFile, fromCaffeKernel, type NamedWeights } from './weights';

/** AlexNet's files are named after the layer's number in the network, counted with ReLU, LRN and pooling layers. */
const PREFIX = 'bvlc_alexnet_aCaF';

/** The three files of one layer, checked against each other and against the layer's shape. */
function readLayer(files: Map<string, Uint8Array>, number: string, outputs: number, kernel: readonly number[]) {
  const name = (kind: string, extension: string) => `${PREFIX}.${kind}.${number}.${extension}`;
  const get = (file: string) => {
    const bytes = files.get(file);
    if (!bytes) {
      throw new CourseError(`缺少 AlexNet 的权值文件 ${file}；得到 ${files.size} 个文件。请再运行 npm start 取得它。`);
    }
    return bytes;
  };
  const [centroidFile, codeFile, biasFile] = [name('ctrdLst', 'bin'), name('asmtLst', 'cbn'), name('biasVec', 'bin')];
  const centroids = readFloatFile(centroidFile, get(centroidFile));
  const assignments = readCodeFile(codeFile, get(codeFile));
  const bias = readFloatFile(biasFile, get(biasFile));

  const [groups, entries, length] = centroids.shape;
  if (centroids.shape.length !== 3) throw damagedFile(centroidFile, '三维', ` [${centroids.shape}]`);
  const expectShape = (file: string, expected: number[], got: number[]) => {
    if (String(expected) !== String(got)) throw damagedFile(file, `形状 [${expected}]`, ` [${got}]`);
  };
  expectShape(codeFile, [outputs, ...kernel, groups], assignments.shape);
  expectShape(biasFile, [outputs], bias.shape);
  const highest = assignments.codes.reduce((a, b) => Math.max(a, b), 0);
  if (highest >= entries) throw damagedFile(codeFile, `码小于 ${entries}`, ` ${highest}`);
  return { centroidFile, centroids: centroids.values, codes: assignments.codes, bias, groups, entries, length };
}

type ConvLayer = readonly [name: string, number: string, outputs: number, inputs: number, size: number];

/** Names, numbers in the file names, outputs, inputs per group, kernel size: Krizhevsky's two groups in conv2, 4, 5. */
const TRUNK: readonly ConvLayer[] = [
  ['conv1', '01', 96, 3, 11],
  ['conv2', '05', 256, 48, 5],
  ['conv3', '09', 384, 256, 3],
  ['conv4', '11', 384, 192, 3],
  ['conv5', '13', 256, 192, 3],
];

function decodeConv(files: Map<string, Uint8Array>, [name, number, outputs, inputs, size]: ConvLayer) {
  const layer = readLayer(files, number, outputs, [size, size]);
  const { centroids, codes, groups, entries, length } = layer;
  if (groups !== Math.ceil(inputs / length)) {
    throw damagedFile(layer.centroidFile, ` ${inputs} 个输入通道的分组`, ` ${groups} 组，每组 ${length} 个`);
  }
  const area = size * size;
  const kernel = new Float32Array(outputs * inputs * area);
  for (let o = 0; o < outputs; o++) {
    for (let c = 0; c < inputs; c++) {
      const group = Math.floor(c / length);
      const inGroup = c % length;
      for (let at = 0; at < area; at++) {
        const code = codes[(o * area + at) * groups + group];
        kernel[(o * inputs + c) * area + at] = centroids[(group * entries + code) * length + inGroup];
      }
    }
  }
  // Channels that fill up the last group belong to nothing and are stored as zeros.
  for (let i = 0; i < centroids.length; i++) {
    const channel = Math.floor(i / (entries * length)) * length + (i % length);
    if (channel >= inputs && centroids[i] !== 0)
      throw damagedFile(layer.centroidFile, '多余通道为 0', ` ${centroids[i]}`);
  }
  const flipInput = name === 'conv1';
  return { kernel: fromCaffeKernel(kernel, [outputs, inputs, size, size], { flipInput }), bias: layer.bias };
}

/** Dense kernel [in, out]; `order` maps Caffe's input number to the row in TF.js' order. */
function decodeDense(
  files: Map<string, Uint8Array>,
  number: string,
  inputs: number,
  outputs: number,
  order = (i: number) => i,
) {
  const layer = readLayer(files, number, outputs, []);
  const { centroids, codes, groups, entries, length } = layer;
  if (groups * length !== inputs) {
    throw damagedFile(layer.centroidFile, ` ${inputs} 个输入的分组`, ` ${groups} 组，每组 ${length} 个`);
  }
  const data = new Float32Array(inputs * outputs);
  for (let group = 0; group < groups; group++) {
    for (let d = 0; d < length; d++) {
      const row = order(group * length + d) * outputs;
      const base = group * entries * length + d;
      for (let o = 0; o < outputs; o++) data[row + o] = centroids[base + codes[o * groups + group] * length];
    }
  }
  return { kernel: { data, shape: [inputs, outputs] }, bias: layer.bias };
}

/**
 * 解码 AlexNet 的躯干 conv1–conv5（trunk）：`conv1/kernel` `[11, 11, 3, 96]`、`conv1/bias` … `conv5/bias`。
 *
 * @param files 文件名到内容，如 `fetchNetworkFiles('alexnet-2012')` 所给
 * @returns TF.js 排列的权值；conv2、conv4、conv5 的核只有一半输入通道（两组, groups = 2）；conv1 已由 BGR 翻成 RGB
 * @throws CourseError 缺文件，文件短缺、过长或内部不一致
 */
export function decodeAlexNetTrunk(files: Map<string, Uint8Array>): NamedWeights {
  const weights: NamedWeights = {};
  for (const layer of TRUNK) {
    const { kernel, bias } = decodeConv(files, layer);
    weights[`${layer[0]}/kernel`] = kernel;
    weights[`${layer[0]}/bias`] = { data: bias.values, shape: bias.shape };
  }
  return weights;
}

/**
 * 解码 AlexNet 的分类头 fc6–fc8（head）：`fc6/kernel` `[9216, 4096]`、`fc6/bias` … `fc8/bias`。
 *
 * fc6 的行已经从 Caffe 的展平次序（c, h, w）换成 TF.js 的（h, w, c），pool5 `[6, 6, 256]` 直接展平就能用。
 *
 * @throws CourseError 缺文件，文件短缺、过长或内部不一致
 */
export function decodeAlexNetHead(files: Map<string, Uint8Array>): NamedWeights {
  const [side, channels] = [6, 256];
  const area = side * side;
  const flattened = (i: number) => (i % area) * channels + Math.floor(i / area);
  const weights: NamedWeights = {};
  const put = (name: string, { kernel, bias }: ReturnType<typeof decodeDense>) => {
    weights[`${name}/kernel`] = kernel;
    weights[`${name}/bias`] = { data: bias.values, shape: bias.shape };
  };
  put('fc6', decodeDense(files, '16', area * channels, 4096, flattened));
  put('fc7', decodeDense(files, '19', 4096, 4096));
  put('fc8', decodeDense(files, '22', 4096, 1000));
  return weights;
}
