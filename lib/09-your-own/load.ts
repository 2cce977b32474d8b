import { tf } from '../tf/backend';
import { CourseError } from '../base/errors';
import type { ImageModel } from '../model/model';
import { fromLayersModel, type OwnModelOptions } from './from-layers';
import { layersOfGraph, type LoadedGraph } from './from-graph';
import { AS_GRAPH, readableTopology } from './keras-json';
import { HOW, type Source, sourceOf } from './sources';
import { disposeWhole, layersModel } from './weights';

async function artifactsOf(source: Source): Promise<tf.io.ModelArtifacts> {
  const saved = await source.json();
  if (!saved.modelTopology || !saved.weightsManifest) {
    throw new CourseError(`${source.title} 不是保存的网络：里面没有 modelTopology 和 weightsManifest。${HOW}。`);
  }
  const groups = saved.weightsManifest;
  const pieces: Uint8Array[] = [];
  for (const file of groups.flatMap(({ paths }) => paths)) pieces.push(await source.bytes(file));
  const specs = groups.flatMap(({ weights }) => weights as tf.io.WeightsManifestEntry[]);
  const data = Buffer.concat(pieces);
  checkLength(source, specs, data.length);
  return {
    format: saved.format,
    modelTopology: saved.modelTopology as object,
    signature: saved.signature as tf.io.ModelArtifacts['signature'],
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

/** What TensorFlow.js says, in one sentence that helps. */
function explained(source: Source, error: Error): CourseError {
  if (error instanceof CourseError) return new CourseError(`${source.title} 不能载入：${error.message}`);
  const unknown = /Unknown (?:layer|Operation)\W+(\w+)/i.exec(error.message)?.[1];
  const what = unknown
    ? `TensorFlow.js 不认识 ${unknown}。自己写的层先用 tf.serialization.registerClass 登记；Keras 自带的，`
    : `${error.message}。若网络来自 Keras，`;
  return new CourseError(`${source.title} 不能载入：${what}${AS_GRAPH}。`, { cause: error });
}

/** In one go, so that a load that fails takes the weights that it has read with it. */
function graphModel(artifacts: tf.io.ModelArtifacts): LoadedGraph {
  let graph!: LoadedGraph;
  tf.tidy(() => {
    graph = tf.loadGraphModelSync({ load: () => artifacts });
    for (const weight of Object.values(graph.weights).flat()) tf.keep(weight);
  });
  return graph;
}

async function built<T>(source: Source, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explained(source, error as Error);
  }
}

/**
 * 载入你自己的网络（load your own network）：`tf.LayersModel` 或 `tf.GraphModel` 的文件夹或网址，哪一种自动识别。
 * Keras 2、Keras 3 转换出来的都行；.h5、.keras、.pt、.onnx 要先转换，报错时给出命令。
 *
 * @param source 文件夹、其中的 model.json，或它们的网址；可以写 `file://…`、`~/…`；相对路径从笔记本所在的文件夹算起
 * @param options 同 fromLayersModel：`preprocess` 训练时用的像素范围；`classes` 类别名；`inputSize` 只在网络没有写明时需要
 * @returns 与 loadModel 相同的 ImageModel；`dispose()` 连网络一起释放
 * @throws CourseError 读不出、文件不全、不是网络；RangeError 输入、输出、类别数不对
 * @example
 * const layers = [tf.layers.conv2d({ inputShape: [32, 32, 3], filters: 4, kernelSize: 3 }), tf.layers.flatten()];
 * const trained = tf.sequential({ layers });
 * await saveOwnModel(trained, '我的网络');
 * const own = await loadOwnModel('我的网络', { preprocess: '[0, 1]' });
 * dispose(own, trained);
 */
export async function loadOwnModel(source: string, options: OwnModelOptions = {}): Promise<ImageModel> {
  const from = sourceOf(source);
  const artifacts = await artifactsOf(from);
  const title = from.name || 'own';
  if (!isGraph(artifacts)) {
    const network = await built(from, async () =>
      layersModel({ ...artifacts, modelTopology: readableTopology(artifacts.modelTopology as object) }),
    );
    const whole = { dispose: () => disposeWhole(network) };
    return owning(() => fromLayersModel(network, { title, ...options }), [whole]);
  }
  const graph = await built(from, async () => graphModel(artifacts));
  const { head, ...rest } = options;
  return owning(async (keep) => fromLayersModel(keep(await layersOfGraph(graph, options.inputSize, head)), { title, ...rest }), [graph]); // prettier-ignore
}

/** A model that goes together with what was loaded for it, also when it turns out not to fit. */
async function owning(
  make: (keep: (network: tf.LayersModel) => tf.LayersModel) => ImageModel | Promise<ImageModel>,
  loaded: { dispose(): unknown }[],
): Promise<ImageModel> {
  const keep = (network: tf.LayersModel) => {
    loaded.push(network);
    return network;
  };
  const release = () => loaded.splice(0).forEach((part) => part.dispose());
  try {
    const model = await make(keep);
    return {
      ...model,
      dispose() {
        model.dispose();
        release();
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}
