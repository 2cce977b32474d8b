import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { tf } from '../tf/backend';
import { CourseError } from '../base/errors';
import type { ImageModel } from '../model/model';
import { fromLayersModel, type OwnModelOptions } from './from-layers';
import { layersOfGraph } from './from-graph';

/** What a saved network consists of, wherever it lies. */
interface Source {
  /** Where it lies, and how its folder is called. */
  readonly title: string;
  readonly name: string;
  json(): Promise<Saved>;
  bytes(file: string): Promise<Uint8Array>;
}

interface Saved {
  readonly format?: string;
  readonly modelTopology?: { readonly node?: unknown; readonly model_config?: unknown; readonly config?: unknown };
  readonly signature?: tf.io.ModelArtifacts['signature'];
  readonly weightsManifest?: readonly { readonly paths: string[]; readonly weights: tf.io.WeightsManifestEntry[] }[];
}

const HOW =
  'TensorFlow.js 保存的网络是一个文件夹：model.json 和它旁边的 .bin（tensorflowjs_converter 或 model.save 的结果）';

const isAddress = (text: string) => /^https?:\/\//i.test(text);

async function reading<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? '没有这个文件' : code === 'EISDIR' ? '它是文件夹' : message;
    throw new CourseError(`读不出 ${what}：${reason}。${HOW}。`, { cause: error });
  }
}

async function fetched(address: string): Promise<Response> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`服务器回答 ${response.status} ${response.statusText}`);
  return response;
}

function onTheWeb(address: string): Source {
  const top = /\.json(\?|$)/.test(address) ? address : `${address.replace(/\/$/, '')}/model.json`;
  return {
    title: top,
    name: decodeURIComponent(new URL('.', top).pathname.split('/').at(-2) ?? ''),
    json: () => reading(top, async () => (await fetched(top)).json() as Promise<Saved>),
    bytes(file) {
      const from = new URL(file, top).href;
      return reading(from, async () => new Uint8Array(await (await fetched(from)).arrayBuffer()));
    },
  };
}

function inFolder(place: string): Source {
  const full = path.resolve(place);
  const top = full.endsWith('.json') ? full : path.join(full, 'model.json');
  return {
    title: top,
    name: path.basename(path.dirname(top)),
    json: () => reading(top, async () => JSON.parse(await fs.readFile(top, 'utf8')) as Saved),
    bytes(file) {
      const from = path.join(path.dirname(top), file);
      return reading(from, () => fs.readFile(from));
    },
  };
}

async function artifactsOf(source: Source): Promise<tf.io.ModelArtifacts> {
  const saved = await source.json();
  if (!saved.modelTopology || !saved.weightsManifest) {
    throw new CourseError(`${source.title} 不是保存的网络：里面没有 modelTopology 和 weightsManifest。${HOW}。`);
  }
  const groups = saved.weightsManifest;
  const pieces: Uint8Array[] = [];
  for (const file of groups.flatMap(({ paths }) => paths)) pieces.push(await source.bytes(file));
  const specs = groups.flatMap(({ weights }) => weights);
  const data = Buffer.concat(pieces);
  checkLength(source, specs, data.length);
  return {
    format: saved.format,
    modelTopology: saved.modelTopology as object,
    signature: saved.signature,
    weightSpecs: specs,
    weightData: data.buffer.slice(data.byteOffset, data.byteOffset + data.length) as ArrayBuffer,
  };
}

const BYTES: Readonly<Record<string, number>> = { float32: 4, int32: 4, bool: 1, complex64: 8, float16: 2, uint8: 1, uint16: 2 }; // prettier-ignore

/** A file that was cut off would give a network that computes nonsense. */
function checkLength(source: Source, specs: tf.io.WeightsManifestEntry[], got: number): void {
  if (specs.some(({ dtype }) => !(dtype in BYTES))) return; // strings carry their own lengths
  const size = ({ shape, dtype, quantization }: tf.io.WeightsManifestEntry) =>
    shape.reduce((product, n) => product * n, 1) * BYTES[quantization?.dtype ?? dtype];
  const expected = specs.reduce((sum, spec) => sum + size(spec), 0);
  if (expected === got) return;
  throw new CourseError(
    `${source.title} 旁边的权值文件共 ${got} 字节，应为 ${expected} 字节：文件不全或混了别的网络，请重新复制整个文件夹。`,
  );
}

const isGraph = ({ format, modelTopology }: tf.io.ModelArtifacts) =>
  format === 'graph-model' || (format === undefined && 'node' in (modelTopology as object));

async function built<T>(source: Source, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new CourseError(
      `${source.title} 不能载入：${(error as Error).message}。自己写的层要先用 tf.serialization.registerClass 登记；Python 的 .h5、.pt 文件要先转换。`,
      { cause: error },
    );
  }
}

/**
 * 载入你自己的网络（load your own network）：`tf.LayersModel` 或 `tf.GraphModel` 的文件夹或网址，哪一种自动识别。
 *
 * @param source 文件夹、其中的 model.json，或它们的网址；相对路径从笔记本所在的文件夹算起
 * @param options 同 fromLayersModel：`preprocess` 训练时用的像素范围；`classes` 类别名；`inputSize` 只在网络没有写明时需要
 * @returns 与 loadModel 相同的 ImageModel；`dispose()` 连网络一起释放
 * @throws CourseError 读不出、文件不全、不是网络；RangeError 输入、输出、类别数不对
 */
export async function loadOwnModel(source: string, options: OwnModelOptions = {}): Promise<ImageModel> {
  if (typeof source !== 'string' || !source) {
    throw new TypeError(`网络的来源应为文件夹或网址，得到 ${String(source)}。${HOW}。`);
  }
  const from = isAddress(source) ? onTheWeb(source) : inFolder(source);
  const artifacts = await artifactsOf(from);
  const handler = { load: async () => artifacts };
  const title = from.name || 'own';
  if (!isGraph(artifacts)) {
    const network = await built(from, () => tf.loadLayersModel(handler));
    return owning(() => fromLayersModel(network, { title, ...options }), [network]);
  }
  const graph = await built(from, () => tf.loadGraphModel(handler));
  return owning(
    (keep) => fromLayersModel(keep(layersOfGraph(graph, options.inputSize)), { title, ...options }),
    [graph],
  );
}

/** A model that goes together with what was loaded for it, also when it turns out not to fit. */
function owning(
  make: (keep: (network: tf.LayersModel) => tf.LayersModel) => ImageModel,
  loaded: { dispose(): unknown }[],
): ImageModel {
  const keep = (network: tf.LayersModel) => {
    loaded.push(network);
    return network;
  };
  try {
    const model = make(keep);
    return {
      ...model,
      dispose() {
        model.dispose();
        loaded.forEach((part) => part.dispose());
      },
    };
  } catch (error) {
    loaded.forEach((part) => part.dispose());
    throw error;
  }
}
