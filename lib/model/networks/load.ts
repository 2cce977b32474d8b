import { startBackend, tf } from '../../tf/backend';
import { imageNetClasses } from '../classes';
import { type FetchOptions, fetchNetworkFiles, networkFilesPresent } from '../weights/download';
import { unknownName } from '../../base/errors';
import { type ImageModel, imageModel } from '../model';
import { alexnet, alexnetWithHead, buildAlexNet } from './alexnet';
import type { Architecture } from './architecture';
import { buildEfficientNetLite0, efficientnetLite0 } from './efficientnet-lite0';
import { readEmbeddedEfficientNet } from '../weights/formats/embedded';
import { decodeSqueezeNet } from '../weights/formats/deep-compression';
import { decodeAlexNetHead, decodeAlexNetTrunk } from '../weights/formats/quantized-cnn';
import { buildSqueezeNet, squeezenet } from './squeezenet';

export type NetworkId = 'alexnet' | 'squeezenet' | 'efficientnet-lite0';
export const NETWORK_IDS: readonly NetworkId[] = ['alexnet', 'squeezenet', 'efficientnet-lite0'];

export interface LoadOptions extends FetchOptions {
  /** AlexNet only: true fetches the fully connected layers too (12.5 MB); false leaves them out even when they are there. */
  head?: boolean;
}

interface Loaded {
  readonly network: tf.LayersModel;
  readonly architecture: Architecture;
  readonly notes?: readonly string[];
}

async function loadSqueezeNet(options: LoadOptions): Promise<Loaded> {
  const files = await fetchNetworkFiles('squeezenet', options);
  return { network: buildSqueezeNet(decodeSqueezeNet([...files.values()][0])), architecture: squeezenet };
}

async function loadAlexNet({ head, ...options }: LoadOptions): Promise<Loaded> {
  const trunk = decodeAlexNetTrunk(await fetchNetworkFiles('alexnet', options));
  const wanted = head ?? (await networkFilesPresent('alexnet-head')).present;
  if (wanted) {
    const weights = { ...trunk, ...decodeAlexNetHead(await fetchNetworkFiles('alexnet-head', options)) };
    return { network: buildAlexNet(weights), architecture: alexnetWithHead };
  }
  const notes = [
    '只有卷积部分（conv1 … pool5），没有全连接头，因而没有类别得分；需要时用 loadModel("alexnet", { head: true }) 下载（约 12.5 MB）。',
  ];
  return { network: buildAlexNet(trunk), architecture: alexnet, notes };
}

async function loadEfficientNet(): Promise<Loaded> {
  return { network: buildEfficientNetLite0(readEmbeddedEfficientNet()), architecture: efficientnetLite0 };
}

const LOADERS: Record<NetworkId, (options: LoadOptions) => Promise<Loaded>> = {
  alexnet: loadAlexNet,
  squeezenet: loadSqueezeNet,
  'efficientnet-lite0': loadEfficientNet,
};

/**
 * 载入一个网络（load a network）：权重依次取自缓存、CONVSCOPE_MODELS、学校镜像、网络，逐个校验。
 *
 * @param id "alexnet"、"squeezenet" 或随课程附带的 "efficientnet-lite0"
 * @param options `onProgress` 下载进度；`offline` 为 true 时不碰网络；`head` 见 LoadOptions
 * @returns 新的 ImageModel，由调用者 dispose；不会悄悄换成别的网络
 * @throws RangeError 名字不认识；CourseError 权重取不到或损坏（说明原因与下一步）
 */
export async function loadModel(id: NetworkId, options: LoadOptions = {}): Promise<ImageModel> {
  if (!NETWORK_IDS.includes(id)) throw unknownName('网络', id, NETWORK_IDS);
  await startBackend();
  const { network, architecture, notes } = await LOADERS[id](options);
  return imageModel(network, { ...architecture, classes: imageNetClasses(), weightsId: '1', notes });
}
