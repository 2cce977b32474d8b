import { startBackend, tf } from '../../tf/backend';
import { type ClassLabel, imageNetClasses } from '../classes';
import { type FetchOptions, fetchNetworkFiles } from '../weights/download';
import { networkFilesPresent } from '../weights/present';
import { type FullPrecision, fullPrecisionAlexNet } from '../weights/full-precision';
import { unknownName } from '../../base/errors';
import { type ImageModel, imageModel } from '../model';
import { alexnet, buildAlexNet } from './alexnet';
import { alexnet2012, alexnet2012WithHead, buildAlexNet2012 } from './alexnet-2012';
import type { Architecture } from './architecture';
import { buildEfficientNetLite0, efficientnetLite0 } from './efficientnet-lite0';
import type { EmbeddedId } from '../weights/embedded-catalogue';
import { readEmbeddedNetwork } from '../weights/formats/embedded';
import type { NamedWeights } from '../weights/formats/weights';
import { decodeSqueezeNet } from '../weights/formats/deep-compression';
import { decodeGoogLeNet } from '../weights/formats/googlenet';
import { decodeAlexNetHead, decodeAlexNetTrunk } from '../weights/formats/quantized-cnn';
import { buildGoogLeNet, googlenet } from './googlenet';
import { buildSqueezeNet, squeezenet } from './squeezenet';

export interface LoadOptions extends FetchOptions {
  /** 只对 alexnet-2012：true 连全连接层一起下载（12.5 MB）；false 即使本机有也不用。 */
  head?: boolean;
  /** 只对 alexnet-2012：false 即使取得到全精度的卷积层，也用压缩的。 */
  full?: boolean;
}

interface Loaded {
  readonly network: tf.LayersModel;
  readonly architecture: Architecture;
  /** Changes whenever the weights under this id do: caches on disk carry it. */
  readonly weightsId: string;
  readonly notes?: readonly string[];
  /** Where they are not ImageNet's 1000. */
  readonly classes?: readonly ClassLabel[];
}

async function loadGoogLeNet(options: LoadOptions): Promise<Loaded> {
  const network = buildGoogLeNet(decodeGoogLeNet(await fetchNetworkFiles('googlenet', options)));
  return { network, architecture: googlenet, weightsId: '1' };
}

async function loadSqueezeNet(options: LoadOptions): Promise<Loaded> {
  const files = await fetchNetworkFiles('squeezenet', options);
  const network = buildSqueezeNet(decodeSqueezeNet([...files.values()][0]));
  return { network, architecture: squeezenet, weightsId: '1' };
}

const COMPRESSED =
  '权重是压缩版（product quantization）：每个滤波器由一本码书里的几段拼成，conv1 的 96 个核一共只有 128 种颜色，所以比原来的粗糙。';
const NO_HEAD =
  '只有卷积部分（conv1 … pool5），没有全连接头，因而没有类别得分；需要时用 loadModel("alexnet-2012", { head: true }) 下载（约 12.5 MB）。';

async function loadAlexNet2012({ head, full, ...options }: LoadOptions): Promise<Loaded> {
  const quantised = decodeAlexNetTrunk(await fetchNetworkFiles('alexnet-2012', options));
  const { weights: exact, note }: FullPrecision = full === false ? {} : await fullPrecisionAlexNet(quantised, options);
  const wanted = head ?? networkFilesPresent('alexnet-2012-head').present;
  const notes = [...(note ? [note] : []), ...(exact ? [] : [COMPRESSED]), ...(wanted ? [] : [NO_HEAD])];
  if (exact && wanted) notes.push('全连接层仍是压缩版。');
  const weights = exact ?? quantised;
  const top = wanted ? decodeAlexNetHead(await fetchNetworkFiles('alexnet-2012-head', options)) : {};
  const architecture = wanted ? alexnet2012WithHead : alexnet2012;
  return {
    network: buildAlexNet2012({ ...weights, ...top }),
    architecture: exact ? { ...architecture, title: 'AlexNet 2012（BVLC）' } : architecture,
    weightsId: exact ? 'full-1' : '1',
    notes,
  };
}

/** One of data/models. */
const embedded =
  (id: EmbeddedId, build: (weights: NamedWeights) => tf.LayersModel, architecture: Architecture, weightsId = '1') =>
  async (): Promise<Loaded> => ({ network: build(readEmbeddedNetwork(id)), architecture, weightsId });

const LOADERS = {
  // 2: until then another network went by this id.
  alexnet: embedded('alexnet', buildAlexNet, alexnet, '2'),
  'efficientnet-lite0': embedded('efficientnet-lite0', buildEfficientNetLite0, efficientnetLite0),
  googlenet: loadGoogLeNet,
  squeezenet: loadSqueezeNet,
  'alexnet-2012': loadAlexNet2012,
} satisfies Record<string, (options: LoadOptions) => Promise<Loaded>>;

export type NetworkId = keyof typeof LOADERS;
export const NETWORK_IDS = Object.keys(LOADERS) as NetworkId[];

/**
 * 载入一个网络（load a network）。随课程附带的两个从 data/models 读；其余的权重依次取自缓存、CONVSCOPE_MODELS、
 * 学校镜像、网络，逐个校验。
 *
 * @param id 随课程附带的 "alexnet"（没有类别得分）、"efficientnet-lite0"；要下载的 "googlenet"、"squeezenet"、"alexnet-2012"（压缩版；
 *   完整精度的取得到、又通过核对时用它）
 * @param options `onProgress` 下载进度；`offline` 为 true 时不碰网络；`head`、`full` 见 LoadOptions
 * @returns 新的 ImageModel，由调用者 dispose；不会悄悄换成别的网络
 * @throws RangeError 名字不认识；CourseError 权重取不到或损坏（说明原因与下一步）
 * @example
 * const network = await loadModel('alexnet');
 * const filters = filterImages(network);
 * dispose(filters, network);
 */
export async function loadModel(id: NetworkId, options: LoadOptions = {}): Promise<ImageModel> {
  if (!NETWORK_IDS.includes(id)) throw unknownName('网络', id, NETWORK_IDS);
  await startBackend();
  const { network, architecture, ...copy } = await LOADERS[id](options);
  return imageModel(network, { ...architecture, classes: imageNetClasses(), ...copy });
}
