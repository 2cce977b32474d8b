import { tf } from '../tf/backend';
import type { ClassLabel } from './classes';
import { kindOf } from '../base/check';
import { CourseError, unknownName } from '../base/errors';
import type { OutputKind } from './output';
import type { Roles } from './networks/architecture';
import { CompiledForward } from '../tf/compiled';
import { preprocessing, type Scaling } from './preprocessing';
import { type ReceptiveField, type ReceptiveFields, receptiveFields, squareField } from './receptive-field';

export type { OutputKind, ReceptiveField, ReceptiveFields, Roles };

/** 一层的说明（layer）。 */
export interface LayerInfo {
  /** 层名，用它指明要看哪一层。 */
  readonly name: string;
  /** 哪一种层：Convolution、Relu、MaxPooling……（自己的网络是 Keras 的叫法）。 */
  readonly kind: string;
  /** 输出的形状，不带批次轴：[高, 宽, 通道] 或 [单元]。 */
  readonly shape: readonly number[];
  /** 权值与偏置的个数。 */
  readonly parameters: number;
  /** 感受野；看到整幅图、不能用一个窗口说清、行与列不同（见 receptiveFields）时没有。 */
  readonly receptiveField?: ReceptiveField;
  /** 沿行与沿列的感受野，不要求相同。 */
  readonly receptiveFields?: ReceptiveFields;
}

/** 一个可以拆开看的图像网络（image model）。图像一律是 RGB、float32、[0, 1]；预处理在网络内部完成。 */
export interface ImageModel {
  readonly id: string;
  readonly title: string;
  /** 输入的大小 [高, 宽]，像素。 */
  readonly inputSize: readonly [number, number];
  readonly classes: readonly ClassLabel[];
  readonly layers: readonly LayerInfo[];
  readonly roles: Roles;
  /** 输出是什么（what the outputs mean）：'softmax'、'sigmoid'、'logits' 或 'none'。 */
  readonly output: OutputKind;
  /** 对网络来说是“零”的颜色，RGB，[0, 1]。 */
  readonly mean: readonly [number, number, number];
  /** 这个网络代替了哪一个取不到的网络；没有代替谁时不写。 */
  readonly substituteFor?: string;
  /** 关于这一份还要知道什么，例如权值是压缩过的；一条一句。 */
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

/** What every layer is, in the network's order. */
function describe(network: tf.LayersModel): LayerInfo[] {
  const fields = receptiveFields(network);
  return network.layers.map((layer) => {
    const both = fields.get(layer.name);
    return {
      name: layer.name,
      kind: layer.getClassName(),
      shape: (layer.outputShape as number[]).slice(1),
      parameters: layer.countParams(),
      receptiveField: both && squareField(both),
      receptiveFields: both,
    };
  });
}

/** The network cut off after some layers; building it creates no tensor, the layers are shared. */
function cutter(network: tf.LayersModel): (layers: readonly string[]) => tf.LayersModel {
  const parts = new Map<string, tf.LayersModel>();
  return (layers) => {
    const key = layers.join('|');
    let part = parts.get(key);
    if (!part) {
      const outputs = layers.map((name) => network.getLayer(name).output as tf.SymbolicTensor);
      parts.set(key, (part = tf.model({ inputs: network.inputs, outputs })));
    }
    return part;
  };
}

function checkInput(images: tf.Tensor, title: string, height: number, width: number): void {
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
    `${title} 的输入应为 [${height}, ${width}, 3]（或一批 [n, ${height}, ${width}, 3]），得到 [${images.shape.join(', ')}]；` +
      `请用 await loadImage(来源, { size: ${height === width ? height : `[${height}, ${width}]`} }) 读入图片`,
  );
}

function withoutScores({ id, title, noScores }: ModelDescription, last: string): CourseError {
  const head =
    id === 'alexnet-2012' ? `要全连接头，请用 loadModel('alexnet-2012', { head: true }) 下载它（约 12.5 MB）；` : '';
  return new CourseError(
    noScores ??
      `${title} 在这里只有卷积部分（到 ${last} 为止），没有类别得分。${head}` +
        `要类别，请用 loadModel('googlenet') 或随课程附带的 loadModel('efficientnet-lite0')。`,
  );
}

/** Checks a layer's name; without one it is that of the scores. */
const layerNames =
  (description: ModelDescription, names: readonly string[]) =>
  (name = description.roles.logits): string => {
    if (name === undefined) throw withoutScores(description, names[names.length - 1]);
    if (!names.includes(name)) throw unknownName('层', name, names);
    return name;
  };

/** A layer asked for twice is copied: TF.js would fill in its second place with nothing. */
function distinct(wanted: readonly string[], run: (layers: readonly string[]) => tf.Tensor[]): tf.Tensor[] {
  const once = [...new Set(wanted)];
  const outputs = run(once);
  return wanted.map((name, i) => {
    const output = outputs[once.indexOf(name)];
    return wanted.indexOf(name) === i ? output : tf.clone(output);
  });
}

/** One image goes through as a batch of one. */
function batched(images: tf.Tensor, run: (batch: tf.Tensor4D) => tf.Tensor): tf.Tensor {
  if (images.rank === 4) return run(images as tf.Tensor4D);
  return tf.tidy(() => tf.squeeze(run(tf.expandDims(images, 0) as tf.Tensor4D), [0]));
}

const compile = (network: tf.LayersModel, prepare: (images: tf.Tensor) => tf.Tensor) => {
  const upTo = cutter(network);
  return new CompiledForward(network, (images, wanted) =>
    tf.tidy(() => [upTo(wanted).apply(prepare(images)) as tf.Tensor | tf.Tensor[]].flat()),
  );
};

/** Lets in images that fit, and nothing once the network is gone. */
function entranceOf(network: tf.LayersModel, title: string, height: number, width: number) {
  const [firstWeight] = network.weights as unknown as { val?: tf.Tensor }[];
  const entrance = {
    closed: false,
    check(images: tf.Tensor): void {
      if (entrance.closed || firstWeight?.val?.isDisposed)
        throw new CourseError(`${title} 已被释放（dispose），不能再用；请重新载入这个网络。`);
      checkInput(images, title, height, width);
    },
  };
  return entrance;
}

/** Wraps a network: from here on callers see RGB in [0, 1] and layer names, nothing else. */
export function imageModel(network: tf.LayersModel, description: ModelDescription): ImageModel {
  descriptions.set(network, description);
  const { title, roles, ownsNetwork = true } = description;
  const [, height, width, channels] = network.inputs[0].shape as [null, number, number, number];
  const { mean, prepare, dispose } = preprocessing(description.preprocess, channels);
  const layers = describe(network);
  const layerName = layerNames(description, layers.map((l) => l.name)); // prettier-ignore
  const compiled = compile(network, prepare);
  const entrance = entranceOf(network, title, height, width);

  const forward = (images: tf.Tensor4D, wanted: readonly string[]): tf.Tensor[] => {
    entrance.check(images);
    // A name that is missing means the scores to layerName, nothing here.
    wanted.forEach((name) => layerName(name ?? String(name)));
    return tf.tidy(() => distinct(wanted, (layers) => compiled.run(images, layers)));
  };

  return {
    ...description,
    notes: description.notes ?? [],
    inputSize: [height, width],
    layers,
    output: description.output ?? (roles.logits ? 'logits' : 'none'),
    mean,
    network,
    forward,
    layerName,
    activations(images, layer) {
      const name = layerName(layer);
      entrance.check(images);
      return batched(images, (batch) => forward(batch, [name])[0]);
    },
    dispose() {
      if (entrance.closed) return;
      entrance.closed = true;
      dispose();
      compiled.dispose();
      if (ownsNetwork) network.dispose();
    },
  };
}
