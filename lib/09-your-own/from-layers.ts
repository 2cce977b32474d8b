import { tf } from '../tf/backend';
import type { ClassLabel } from '../model/classes';
import { unknownName } from '../base/errors';
import { prepareForGradients } from './gradient-calls';
import { type ImageModel, imageModel, type OutputKind, type Roles } from '../model/model';
import { flattened } from './flatten';
import { type Head, headOf } from './outputs';
import { type Preprocess, preprocessFor } from './preprocess';
import { guessRoles } from './roles';

export type { Preprocess };

export interface OwnModelOptions {
  /** [高, 宽]，像素；网络里写明的可以不写，写了就要一致；(?, ?, 3) 的网络在这里定下大小。 */
  inputSize?: readonly [number, number];
  /** 训练时用的像素范围，见 Preprocess；缺省 '[0, 1]'，网络里有 Rescaling 之类的层则是 '0-255'。 */
  preprocess?: Preprocess;
  /** 类别名，按输出的次序；只有一个 sigmoid 的网络写两个名字：输出为 0 的一类在前。 */
  classes?: readonly (string | ClassLabel)[];
  /**
   * 输出是什么，缺省由最后几层看出。'logits'：输出是 softmax 之前的得分（网络里有 softmax 或 sigmoid 时取它之前的）；'sigmoid'：各自独立（没有 sigmoid 层时，输出当作它之前的得分）；
   * 'softmax'：输出已经是概率；'none'：不是类别（回归、嵌入）。
   */
  output?: OutputKind;
  /** 有几个输出时用哪一个：从 0 起的编号，或输出层的名字。 */
  head?: number | string;
  /** 各章用到的层；没写的由网络猜出。 */
  roles?: Partial<Roles>;
  /** 标识，写进结果的 settings；默认 'own'。 */
  id?: string;
  /** 给人看的名字；默认是文件夹或网络自己的名字。 */
  title?: string;
}

function checkInput(network: tf.LayersModel): void {
  if (!(network instanceof tf.LayersModel)) {
    throw new TypeError(
      'fromLayersModel 要的是 tf.LayersModel（tf.sequential、tf.model 或 tf.loadLayersModel 的结果）；得到别的东西。',
    );
  }
  if (!network.inputs?.length || !network.outputs?.length) {
    throw new RangeError('网络还没有建成：第一层要写明 inputShape: [高, 宽, 3]。');
  }
  if (network.inputs.length !== 1) {
    throw new RangeError(
      `网络应有一个输入，得到 ${network.inputs.length} 个；请用 tf.model({ inputs, outputs }) 取出只用图像的一路。`,
    );
  }
  const shape = network.inputs[0].shape;
  if (shape.length === 4 && (shape[3] === 3 || shape[3] === 1)) return;
  const first =
    shape.length === 4 && (shape[1] === 3 || shape[1] === 1)
      ? '；通道在前（channels_first）的网络 TensorFlow.js 不会算，请在转换时改成通道在后'
      : '';
  throw new RangeError(`网络的输入应为 [批, 高, 宽, 3] 的彩色图像（或 [批, 高, 宽, 1] 的灰度图像），得到 [${shape.join(', ')}]${first}。`); // prettier-ignore
}

/** Receptive fields and the chapters' pictures need a fixed size. */
function sizeOf(network: tf.LayersModel, wanted: OwnModelOptions['inputSize']): [number, number] {
  const [, height, width] = network.inputs[0].shape;
  if (wanted && !(wanted.length === 2 && wanted.every((n) => Number.isInteger(n) && n > 0))) {
    throw new RangeError(`inputSize 应为 [高, 宽] 两个正整数，得到 ${JSON.stringify(wanted)}`);
  }
  if (wanted && ((height && wanted[0] !== height) || (width && wanted[1] !== width))) {
    throw new RangeError(`网络的输入是 ${height ?? '?'}×${width ?? '?'}，与 inputSize ${wanted.join('×')} 不符；请去掉 inputSize。`); // prettier-ignore
  }
  if (wanted) return [wanted[0], wanted[1]];
  if (height && width) return [height, width];
  throw new RangeError(
    '网络没有固定输入的大小（[批, ?, ?, 3]）；请写明 inputSize: [高, 宽]，例如 inputSize: [224, 224]。',
  );
}

/**
 * Maps are read as [row, column, channel] everywhere; TensorFlow.js would compute these, and all pictures be wrong.
 * A softmax along another axis than the last it would not compute at all.
 */
function refuseOtherAxes(network: tf.LayersModel): void {
  const along = network.layers.find((l) => {
    const { axis = -1 } = l as { axis?: number };
    return l.getClassName() === 'Softmax' && axis !== -1 && axis !== l.outputShape.length - 1;
  });
  if (along) throw new RangeError(`"${along.name}"层的 softmax 不沿最后一轴，TensorFlow.js 不会算；请在它前面用 Permute 把那一轴换到最后。`); // prettier-ignore
  const layer = network.layers.find((l) => (l as { dataFormat?: string }).dataFormat === 'channelsFirst');
  if (!layer) return;
  throw new RangeError(`"${layer.name}"层的通道在前（channelsFirst）；课程的方法按 [高, 宽, 通道] 看特征图，请在转换或建网络时改成通道在后（channelsLast）。`); // prettier-ignore
}

/** Which output is meant, where there are several. */
function headIndex(network: tf.LayersModel, head: OwnModelOptions['head']): number {
  const names = network.outputs.map((output) => output.sourceLayer.name);
  const index = typeof head === 'string' ? names.indexOf(head) : (head ?? (names.length === 1 ? 0 : -1));
  if (Number.isInteger(index) && index >= 0 && index < names.length) return index;
  const list = names.map((name, i) => `${i}（${name}）`).join('、');
  throw new RangeError(`网络有 ${names.length} 个输出：${list}；请用 head 选一个，例如 head: 0${head === undefined ? '' : `；得到 ${JSON.stringify(head)}`}。`); // prettier-ignore
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

/** What to say when a method asks for classes: there are none, and what works instead. */
const noScores = (title: string, last: string, count: number) =>
  `${title} 的输出（${last}，${count} 个数）不是类别，没有得分和概率，classify、occlusionMap、攻击等用不上。` +
  `看某一层请用 activations(image, 层名)、topPatches、gradCam 与 inputGradient 的 { layer: '${last}', channel: 0 }、maximize 的 neuron、invert；` +
  `若输出其实是类别，请写明 output: 'softmax'、'sigmoid' 或 'logits'。`;

function checkRows({ output, scores }: Head, own: tf.SymbolicTensor, wanted?: OutputKind): void {
  const shape = output === 'none' ? own.shape : scores.shape;
  if (shape.length === 2 || (output === 'none' && wanted === 'none')) return;
  throw new RangeError(`网络的输出应为 [批, 类别数]，得到 [${shape.join(', ')}]；请加上全局平均池化或全连接层。`);
}

/**
 * 把你自己的网络变成课程的网络（your own network）：之后每一章的函数都能用在它上面。
 *
 * 网络里的网络（迁移学习的底座等）摊平成一张图，里面的层叫 `底座名/层名`；用了两次的层第二次叫 `层名.2`。
 * 权值不复制：之后继续训练 `network`，这里的结果也跟着变。
 *
 * @param network 一个输入 [批, 高, 宽, 3]（灰度：[批, 高, 宽, 1]，照片自动变灰）的 `tf.LayersModel`；仍归你所有，`dispose()` 不会动它
 * @param options `preprocess` 训练时用的像素范围（最容易弄错的一项）；`output` 输出是什么，`classes` 类别名；`roles` 各章用到的层，可以不写
 * @returns 与 loadModel 相同的 ImageModel；`output`、`notes` 说明输出怎样理解
 * @throws TypeError 不是 LayersModel；RangeError 输入、输出、类别数或角色的层名不对
 * @example
 * const network = tf.sequential({
 *   layers: [
 *     tf.layers.conv2d({ inputShape: [32, 32, 3], filters: 4, kernelSize: 3, activation: 'relu' }),
 *     tf.layers.globalAveragePooling2d({}),
 *     tf.layers.dense({ units: 2, activation: 'softmax' }),
 *   ],
 * });
 * const own = fromLayersModel(network, { preprocess: '[0, 1]', classes: ['猫', '狗'] });
 * dispose(own, network); // 网络是自己的，自己释放
 */
export function fromLayersModel(network: tf.LayersModel, options: OwnModelOptions = {}): ImageModel {
  const { preprocess, classes, roles = {}, id = 'own', title = network?.name ?? id, inputSize } = options;
  checkInput(network);
  const size = sizeOf(network, inputSize);
  const index = headIndex(network, options.head);
  const channels = network.inputs[0].shape[3] as number;
  const { image, output: own } = flattened(network, [...size, channels], index);
  refuseOtherAxes(tf.model({ inputs: image, outputs: own }));
  const head = headOf(own, options.output);
  checkRows(head, own, options.output);
  const classless = head.output === 'none';
  const flat = tf.model({ inputs: image, outputs: classless ? own : head.scores, name: network.name });
  prepareForGradients(flat);
  const { scaling, note } = preprocessFor(flat, preprocess);
  const last = own.sourceLayer.name;
  const logits = classless ? undefined : head.scores.sourceLayer.name;
  const count = own.shape[own.shape.length - 1] as number;
  const given = classless ? [] : labels(classes, head.scores.shape[1] as number);
  const guessed = guessRoles(flat, { logits, last }, roles);
  for (const name of [guessed.firstConv, guessed.lastConv, guessed.lastPool, guessed.features, ...guessed.stages]) {
    if (!flat.layers.some((layer) => layer.name === name)) throw unknownName('层', name, flat.layers.map((l) => l.name)); // prettier-ignore
  }
  return imageModel(flat, {
    id,
    title,
    classes: given,
    roles: guessed,
    output: head.output,
    noScores: classless ? noScores(title, last, count) : undefined,
    preprocess: scaling,
    notes: [head.note, note].flatMap((line) => line ?? []),
    ownsNetwork: false,
  });
}
