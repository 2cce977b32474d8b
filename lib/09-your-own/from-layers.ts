import { tf } from '../tf/backend';
import type { ClassLabel } from '../model/classes';
import { prepareForGradients } from './gradient-calls';
import { type ImageModel, imageModel, type Roles } from '../model/model';
import type { Preprocess as Scaling } from '../model/networks/architecture';

/** 预处理（preprocessing）：网络的输入 = (255·x − mean)·scale，x 是 [0, 1] 的 RGB；scale 是一个数，或 R、G、B 各一个。 */
export type Preprocess = '[0, 1]' | '[-1, 1]' | '0-255' | Scaling;

export interface OwnModelOptions {
  /** [height, width] in pixels; read off the network, given only to be checked against it. */
  inputSize?: readonly [number, number];
  /** What the network was trained on, default '[0, 1]'. `mean` in 0 … 255, RGB. */
  preprocess?: Preprocess;
  /** Names of the classes, in the order of the outputs. */
  classes?: readonly (string | ClassLabel)[];
  /** Roles that the chapters use; what is left out is guessed from the layers. */
  roles?: Partial<Roles>;
  id?: string;
  title?: string;
}

const SCALES: Record<string, Scaling> = {
  '[0, 1]': { mean: [0, 0, 0], scale: 1 / 255 },
  '[-1, 1]': { mean: [127.5, 127.5, 127.5], scale: 1 / 127.5 },
  '0-255': { mean: [0, 0, 0], scale: 1 },
};

const shapeOf = (layer: tf.layers.Layer) => layer.outputShape as (number | null)[];
const hasSpace = (layer: tf.layers.Layer) => shapeOf(layer).length === 4;
const isConv = (layer: tf.layers.Layer) => hasSpace(layer) && layer.weights.some((w) => w.shape.length === 4);

function checkInput(network: tf.LayersModel): void {
  if (!(network instanceof tf.LayersModel)) {
    throw new TypeError(
      'fromLayersModel 要的是 tf.LayersModel（tf.sequential、tf.model 或 tf.loadLayersModel 的结果）；得到别的东西。',
    );
  }
  if (network.inputs.length !== 1 || network.outputs.length !== 1) {
    throw new RangeError(
      `网络应有一个输入和一个输出，得到 ${network.inputs.length} 个输入、${network.outputs.length} 个输出；请用 tf.model({ inputs, outputs }) 取出其中一路。`,
    );
  }
  const shape = network.inputs[0].shape;
  if (shape.length !== 4 || shape[3] !== 3) {
    const grey =
      shape.length === 4 && shape[3] === 1 ? '；灰度网络可以在前面加一层把 RGB 变成灰度的 1×1 卷积（filters: 1）' : '';
    throw new RangeError(`网络的输入应为 [批, 高, 宽, 3] 的彩色图像，得到 [${shape.join(', ')}]${grey}。`);
  }
}

/** Receptive fields and the chapters' pictures need a fixed size. */
function checkSize(network: tf.LayersModel, wanted: OwnModelOptions['inputSize']): void {
  const [, height, width] = network.inputs[0].shape;
  if (wanted && (wanted[0] !== height || wanted[1] !== width)) {
    throw new RangeError(`网络的输入是 ${height}×${width}，与 inputSize ${wanted.join('×')} 不符；请去掉 inputSize。`);
  }
  if (height && width) return;
  throw new RangeError(
    '网络没有固定输入的大小（[批, ?, ?, 3]）；请在第一层写明 inputShape: [高, 宽, 3]，重建之后再载入权值。',
  );
}

interface Scored {
  readonly network: tf.LayersModel;
  readonly logits: string;
  readonly note?: string;
  /** The layer that was put beside the last one; its weights are ours. */
  readonly twin?: tf.layers.Layer;
}

/**
 * Gradients and maximisation want scores BEFORE the softmax. When the last layer applies it, a twin of that layer
 * without it is put beside it: same weights (copied), linear output.
 */
function withLogits(network: tf.LayersModel): Scored {
  const last = network.layers[network.layers.length - 1];
  const kind = last.getClassName();
  const activation = (last as unknown as { activation?: { getClassName(): string } }).activation?.getClassName();
  const previous = last.inboundNodes[0].inboundLayers[0];
  if (kind === 'Softmax' || (kind === 'Activation' && activation === 'softmax')) {
    return { network, logits: previous.name, note: `得分取自 softmax 之前的 ${previous.name} 层。` };
  }
  if (activation !== 'softmax') return { network, logits: last.name };
  const twin = tf.layers.dense({
    name: `${last.name}/logits`,
    units: shapeOf(last)[1] as number,
    useBias: last.weights.length > 1,
    trainable: false,
  });
  const scores = twin.apply(previous.output as tf.SymbolicTensor) as tf.SymbolicTensor;
  twin.setWeights(last.getWeights());
  return {
    network: tf.model({ inputs: network.inputs, outputs: scores }),
    logits: twin.name,
    twin,
    note: `${last.name} 自带 softmax；得分取自它之前的值（${twin.name}）。`,
  };
}

function guessRoles(network: tf.LayersModel, logits: string, given: Partial<Roles>): Roles {
  const convs = network.layers.filter(isConv).map((l) => l.name);
  if (!convs.length) throw new RangeError('网络里没有卷积层：课程的方法看的是卷积网络的特征图。');
  const pools = network.layers.filter((l) => hasSpace(l) && /Pool/.test(l.getClassName())).map((l) => l.name);
  const spatial = network.layers.filter((l) => hasSpace(l) && l.getClassName() !== 'InputLayer').map((l) => l.name);
  const before = network.getLayer(logits).inboundNodes[0].inboundLayers[0];
  const stage = (i: number) => spatial[Math.round((i * (spatial.length - 1)) / 4)];
  return {
    firstConv: convs[0],
    lastConv: convs[convs.length - 1],
    lastPool: pools[pools.length - 1] ?? convs[convs.length - 1],
    features: before?.name ?? convs[convs.length - 1],
    logits,
    stages: [stage(0), stage(1), stage(2), stage(3), stage(4)],
    ...given,
  };
}

function labels(classes: OwnModelOptions['classes'], count: number): ClassLabel[] {
  if (classes && classes.length !== count) {
    throw new RangeError(`网络有 ${count} 个输出，classes 却有 ${classes.length} 个名字；请一一对应。`);
  }
  return Array.from({ length: count }, (_, index) => {
    const given = classes?.[index] ?? `第 ${index} 类`;
    return typeof given === 'string' ? { index, wnid: '', en: given, zh: given } : given;
  });
}

/**
 * 把你自己的网络变成课程的网络（your own network）：之后每一章的函数都能用在它上面。
 *
 * @param network 一个输入 [批, 高, 宽, 3]、一个输出 [批, 类别数] 的 `tf.LayersModel`；仍归你所有，`dispose()` 不会动它
 * @param options `preprocess` 训练时用的像素范围（最容易弄错的一项）；`classes` 类别名；`roles` 各章用到的层，可以不写
 * @returns 与 loadModel 相同的 ImageModel
 * @throws TypeError 不是 LayersModel；RangeError 输入、输出、类别数或角色的层名不对
 */
export function fromLayersModel(network: tf.LayersModel, options: OwnModelOptions = {}): ImageModel {
  const { preprocess = '[0, 1]', classes, roles = {}, id = 'own', title = network?.name ?? id, inputSize } = options;
  checkInput(network);
  checkSize(network, inputSize);
  const scaling = typeof preprocess === 'string' ? SCALES[preprocess] : preprocess;
  if (!scaling)
    throw new RangeError(
      `preprocess 应为 ${Object.keys(SCALES)
        .map((s) => `"${s}"`)
        .join('、')} 或 { mean, scale }，得到 ${JSON.stringify(preprocess)}`,
    );
  prepareForGradients(network);
  const scored = withLogits(network);
  const outputs = shapeOf(scored.network.getLayer(scored.logits));
  if (outputs.length !== 2)
    throw new RangeError(`网络的输出应为 [批, 类别数]，得到 [${outputs.join(', ')}]；请加上全局平均池化或全连接层。`);
  const model = imageModel(scored.network, {
    id,
    title,
    classes: labels(classes, outputs[1] as number),
    roles: guessRoles(scored.network, scored.logits, roles),
    preprocess: scaling,
    notes: scored.note ? [scored.note] : [],
    ownsNetwork: false,
  });
  for (const name of [
    model.roles.firstConv,
    model.roles.lastConv,
    model.roles.lastPool,
    model.roles.features,
    ...model.roles.stages,
  ])
    model.layerName(name);
  return {
    ...model,
    dispose() {
      model.dispose();
      scored.twin?.weights.forEach((weight) => weight.dispose());
    },
  };
}
