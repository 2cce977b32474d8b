import { tf } from '../tf/backend';
import type { ClassLabel } from './classes';
import { checkCounts, kindOf } from '../base/check';
import { CourseError, unknownName } from '../base/errors';
import { checkImage } from '../image/check';
import { type OutputKind, probabilitiesOf } from './output';
import type { Roles } from './networks/architecture';
import { assertModel } from './given';
import { CompiledForward } from '../tf/compiled';
import { type ReceptiveField, receptiveFields } from './receptive-field';

export type { OutputKind, ReceptiveField, Roles };

export interface LayerInfo {
  readonly name: string;
  /** Class of the layer: Convolution, Relu, MaxPooling … (Keras names for a network of your own). */
  readonly kind: string;
  /** Output shape without the batch axis: [height, width, channels] or [units]. */
  readonly shape: readonly number[];
  /** Number of weights and biases. */
  readonly parameters: number;
  readonly receptiveField?: ReceptiveField;
}

/** 一个可以拆开看的图像网络（image model）。图像一律是 RGB、float32、[0, 1]；预处理在网络内部完成。 */
export interface ImageModel {
  readonly id: string;
  readonly title: string;
  /** [height, width], pixels. */
  readonly inputSize: readonly [number, number];
  readonly classes: readonly ClassLabel[];
  readonly layers: readonly LayerInfo[];
  readonly roles: Roles;
  /** 输出是什么（what the outputs mean）：'softmax'、'sigmoid'、'logits' 或 'none'。 */
  readonly output: OutputKind;
  /** The colour that is "zero" to the network, RGB in [0, 1]. */
  readonly mean: readonly [number, number, number];
  /** Set when this network stands in for another one that could not be reached. */
  readonly substituteFor?: string;
  /** What else is worth knowing about this copy, e.g. that its weights are compressed; one line each. */
  readonly notes: readonly string[];
  /** 课程网络的权值的标识，磁盘上的缓存用它；自己的网络是 undefined。 */
  readonly weightsId?: string;
  /** 有些网络的得分是一层特征图的平均再经过 ReLU：这里是 ReLU 之前的那一层。 */
  readonly scoreMap?: string;
  /** 层本身；它们的输入是预处理过的图像。 */
  readonly network: tf.LayersModel;

  /**
   * 某一层的激活值（activations）。
   * @param images `[h, w, 3]` 或 `[n, h, w, 3]`，RGB，[0, 1]；单幅图的结果不带批次轴。不检查取值：扰动与最优化会越过 [0, 1]
   * @param layer 层名，缺省为 logits（softmax 之前的类别得分）
   * @returns 新张量，由调用者 dispose
   */
  activations(images: tf.Tensor, layer?: string): tf.Tensor;

  /** 可微分的前向传播（differentiable forward pass）：`[n, h, w, 3]` 进，每个层名出一个带批次轴的张量。 */
  forward(images: tf.Tensor4D, layers: readonly string[]): tf.Tensor[];

  /** 检查层名；不写是 logits 层，没有就报错，说明怎样得到。 */
  layerName(name?: string): string;

  dispose(): void;
}

/** Network input = (255 x - mean) * scale, x RGB in [0, 1]; the numbers in the order of the network's channels. */
export interface Scaling {
  readonly mean: readonly [number, number, number];
  readonly scale: number | readonly [number, number, number];
  readonly order?: 'RGB' | 'BGR';
}

export interface ModelDescription {
  readonly id: string;
  readonly title: string;
  readonly classes: readonly ClassLabel[];
  readonly roles: Roles;
  readonly preprocess: Scaling;
  /** Default: 'logits' where the roles name scores, otherwise 'none'. */
  readonly output?: OutputKind;
  /** What to say when somebody asks for scores that there are none of. */
  readonly noScores?: string;
  readonly scoreMap?: string;
  readonly weightsId?: string;
  readonly substituteFor?: string;
  readonly notes?: readonly string[];
  /** false: dispose() leaves the network to whoever brought it. Default true. */
  readonly ownsNetwork?: boolean;
}

const descriptions = new WeakMap<tf.LayersModel, ModelDescription>();

/** What a model was made from, as long as its network is the same. */
export const descriptionOf = (model: ImageModel): ModelDescription => descriptions.get(model.network)!;

/** Wraps a network: from here on callers see RGB in [0, 1] and layer names, nothing else. */
export function imageModel(network: tf.LayersModel, description: ModelDescription): ImageModel {
  descriptions.set(network, description);
  const { ownsNetwork = true } = description;
  const { mean, scale, order = 'RGB' } = description.preprocess;
  const [, height, width, channels] = network.inputs[0].shape as [null, number, number, number];
  const scales = typeof scale === 'number' ? [scale, scale, scale] : scale;
  const rgb = (order === 'BGR' ? [...mean].reverse() : [...mean]) as [number, number, number];
  const fields = receptiveFields(network);
  const layers: LayerInfo[] = network.layers.map((layer) => ({
    name: layer.name,
    kind: layer.getClassName(),
    shape: (layer.outputShape as number[]).slice(1),
    parameters: layer.countParams(),
    receptiveField: fields.get(layer.name),
  }));
  const names = layers.map((l) => l.name);
  const offset = tf.keep(tf.tensor1d(mean.map((m, i) => m * scales[i]).slice(0, channels)));
  // One number for all channels stays a number: a broadcast would cost more.
  const factor = typeof scale === 'number' ? 255 * scale : tf.keep(tf.tensor1d(scales.map((s) => 255 * s).slice(0, channels))); // prettier-ignore
  const [firstWeight] = network.weights as unknown as { val?: tf.Tensor }[];
  let gone = false;
  const parts = new Map<string, tf.LayersModel>();

  /** The network cut off after these layers; building it creates no tensor, the layers are shared. */
  function upTo(wanted: readonly string[]): tf.LayersModel {
    const key = wanted.join('|');
    let part = parts.get(key);
    if (!part) {
      const outputs = wanted.map((name) => network.getLayer(name).output as tf.SymbolicTensor);
      parts.set(key, (part = tf.model({ inputs: network.inputs, outputs })));
    }
    return part;
  }

  function layerName(name?: string): string {
    if (name !== undefined) {
      if (!names.includes(name)) throw unknownName('层', name, names);
      return name;
    }
    if (description.roles.logits) return description.roles.logits;
    const head = description.id === 'alexnet-2012';
    throw new CourseError(
      description.noScores ??
        `${description.title} 在这里只有卷积部分（到 ${names[names.length - 1]} 为止），没有类别得分。` +
          (head ? `要全连接头，请用 loadModel('alexnet-2012', { head: true }) 下载它（约 12.5 MB）；` : '') +
          `要类别，请用 loadModel('googlenet') 或随课程附带的 loadModel('efficientnet-lite0')。`,
    );
  }

  function checkAlive(): void {
    if (!gone && !firstWeight?.val?.isDisposed) return;
    throw new CourseError(`${description.title} 已被释放（dispose），不能再用；请重新载入这个网络。`);
  }

  function checkImages(images: tf.Tensor): void {
    checkAlive();
    if (!(images instanceof tf.Tensor)) throw new TypeError(`图像应为张量 [${height}, ${width}, 3]，得到 ${kindOf(images)}；读图片请用 await loadImage(路径)`); // prettier-ignore
    if (images.isDisposed) throw new TypeError('图像已被释放（dispose），请重新读入');
    const [h, w, c] = images.shape.slice(-3);
    if (images.dtype !== 'float32') {
      throw new TypeError(
        `图像张量应为 float32（[0, 1] 的 RGB），得到 ${images.dtype}；整数像素请先除以 255：image.toFloat().div(255)`,
      );
    }
    if ((images.rank === 3 || images.rank === 4) && h === height && w === width && c === 3) return;
    throw new RangeError(
      `${description.title} 的输入应为 [${height}, ${width}, 3]（或一批 [n, ${height}, ${width}, 3]），得到 [${images.shape.join(', ')}]；` +
        `请用 await loadImage(来源, { size: ${height === width ? height : `[${height}, ${width}]`} }) 读入图片`,
    );
  }

  /** RGB as the network takes its channels; grey is what the eye sees as bright (ITU-R BT.601). */
  function inOrder(images: tf.Tensor): tf.Tensor {
    if (channels === 1) return tf.sum(tf.mul(images, tf.tensor1d([0.299, 0.587, 0.114])), -1, true);
    return order === 'BGR' ? tf.reverse(images, -1) : images;
  }

  const compiled = new CompiledForward(network, (images, wanted) =>
    tf.tidy(() => {
      const prepared = tf.sub(tf.mul(inOrder(images), factor), offset);
      return [upTo(wanted).apply(prepared) as tf.Tensor | tf.Tensor[]].flat();
    }),
  );

  const forward = (images: tf.Tensor4D, wanted: readonly string[]): tf.Tensor[] => {
    checkImages(images);
    wanted.forEach(layerName);
    const once = [...new Set(wanted)];
    return tf.tidy(() => {
      const outputs = compiled.run(images, once);
      // A layer asked for twice: TF.js would fill in its second place with nothing.
      return wanted.map((name, i) =>
        wanted.indexOf(name) === i ? outputs[once.indexOf(name)] : tf.clone(outputs[once.indexOf(name)]),
      );
    });
  };

  return {
    ...description,
    notes: description.notes ?? [],
    inputSize: [height, width],
    layers,
    output: description.output ?? (description.roles.logits ? 'logits' : 'none'),
    mean: rgb.map((m) => m / 255) as [number, number, number],
    network,
    forward,
    layerName,
    activations(images, layer) {
      const name = layerName(layer);
      checkImages(images);
      return tf.tidy(() => {
        const batch = (images.rank === 3 ? tf.expandDims(images, 0) : images) as tf.Tensor4D;
        const [output] = forward(batch, [name]);
        return images.rank === 3 ? tf.squeeze(output, [0]) : output;
      });
    },
    dispose() {
      if (gone) return;
      gone = true;
      offset.dispose();
      if (typeof factor !== 'number') factor.dispose();
      parts.clear();
      compiled.dispose();
      if (ownsNetwork) network.dispose();
    },
  };
}

export interface ClassScore {
  readonly index: number;
  readonly en: string;
  readonly zh: string;
  readonly logit: number;
  readonly probability: number;
}

/**
 * 分类（classify）：得分最高的 `count` 个类。
 *
 * @param image `[h, w, 3]`，RGB，[0, 1]，大小为 `model.inputSize`；不会被 dispose
 * @returns 由高到低；`logit` 是 softmax（或 sigmoid）之前的得分，`probability` 在 0 与 1 之间；
 *   独立的标签（`model.output` 为 'sigmoid'）的概率加起来不必是 1
 * @throws RangeError 图像大小或 count 不对；CourseError 网络没有类别得分，或得分里有 NaN
 * @example
 * const [best, second] = await classify(model, image, { count: 2 });
 */
export async function classify(
  model: ImageModel,
  image: tf.Tensor3D,
  { count = 5 }: { count?: number } = {},
): Promise<ClassScore[]> {
  assertModel(model);
  await checkImage(image);
  checkCounts({ count });
  const [logits, probabilities] = tf.tidy(() => {
    const scores = model.activations(image);
    return [scores, probabilitiesOf(scores, model.output)];
  });
  const [l, p] = (await Promise.all([logits.data(), probabilities.data()])) as [Float32Array, Float32Array];
  tf.dispose([logits, probabilities]);
  if (l.some(Number.isNaN)) throw new CourseError(`${model.title} 的得分里有 NaN（不是数）：多半是训练发散了，权值里有 NaN；请减小学习率重新训练，或换一份权值。`); // prettier-ignore
  return Array.from(l, (logit, index) => ({
    index,
    en: model.classes[index].en,
    zh: model.classes[index].zh,
    logit,
    probability: p[index],
  }))
    .sort((a, b) => b.logit - a.logit)
    .slice(0, count);
}
