import { unknownName } from '../base/errors';
import { tf } from '../tf/backend';
import type { OutputKind } from '../model/output';
import { LogOdds, LogProbability, TwoClasses } from './derived-layers';
import { borrowed } from '../tf/borrowed';
import { GraphLayer } from './graph-layer';

/**
 * What a network's outputs mean, found out by walking back from the last layer: through what only reshapes or passes on,
 * to the softmax or the sigmoid, wherever it stands. The scores are what comes in there.
 */

type Symbolic = tf.SymbolicTensor;
type Configured = { activation?: { getClassName(): string } };

export interface Head {
  readonly output: OutputKind;
  /** Row of scores [batch, classes]; of 'none': the network's own output. */
  readonly scores: Symbolic;
  readonly note?: string;
}

const PASSING =
  /^(Dropout|SpatialDropout[12]D|GaussianNoise|GaussianDropout|AlphaDropout|ActivityRegularization|Flatten|Reshape|Permute|Masking)$/;
const PASSING_OPS = /^(Reshape|Squeeze|ExpandDims|Identity)$/;
const DROPPED = /Dropout|Noise|Regularization|Masking/;
const LINEAR_OPS = /^(MatMul|_FusedMatMul|Conv2D|_FusedConv2D|BiasAdd|Add|AddV2)$/;

const layerOf = (tensor: Symbolic) => tensor.sourceLayer as tf.layers.Layer;
const inputsOf = (layer: tf.layers.Layer) =>
  (layer.inboundNodes[0] as unknown as { inputTensors: Symbolic[] }).inputTensors;
const isOne = (sizes: readonly (number | null)[]) => sizes.every((n) => n === 1);
/** Without places: [batch, 1, ..., 1, classes]. */
const isRow = (tensor: Symbolic) => isOne(tensor.shape.slice(1, -1));

/** What is done to the numbers at the end of this layer; undefined: something that is no activation. */
function activationOf(layer: tf.layers.Layer): string | undefined {
  if (layer instanceof GraphLayer) {
    const { op, fused } = layer;
    if (op === 'Softmax') return 'softmax';
    if (op === 'LogSoftmax') return 'logSoftmax';
    if (op === 'Sigmoid') return 'sigmoid';
    if (fused) return fused.toLowerCase();
    return LINEAR_OPS.test(op) && inputsOf(layer).length === 1 ? 'linear' : undefined;
  }
  if (layer.getClassName() === 'Softmax') return 'softmax';
  const { activation } = layer as unknown as Configured;
  if (activation) return activation.getClassName();
  return layer.weights.some((w) => w.shape.length > 1) ? 'linear' : undefined;
}

/** Only an activation: what comes in is what it acts on. */
const isSeparate = (layer: tf.layers.Layer) =>
  layer instanceof GraphLayer ? !layer.fused : ['Softmax', 'Activation'].includes(layer.getClassName());

function passesOn(layer: tf.layers.Layer): boolean {
  if (layer instanceof GraphLayer) return PASSING_OPS.test(layer.op) || (layer.op === 'Mean' && isRow(inputsOf(layer)[0]) && inputsOf(layer)[0].shape.length === 4); // prettier-ignore
  const kind = layer.getClassName();
  if (kind === 'Activation' && activationOf(layer) === 'linear') return true;
  return PASSING.test(kind) || (/^Global\w+Pooling2D$/.test(kind) && isRow(inputsOf(layer)[0]));
}

/** Averages of probabilities are probabilities, but no softmax of anything: 'softmax' or 'sigmoid' all the same. */
function averaged(layer: tf.layers.Layer): OutputKind | undefined {
  const kind = layer instanceof GraphLayer ? layer.op : layer.getClassName();
  if (!/^(Average|GlobalAveragePooling2D|KerasGlobalPooling|Mean)$/.test(kind)) return undefined;
  const kinds = new Set(inputsOf(layer).map((input) => {
    const { last } = walk(input);
    const activation = activationOf(layerOf(last));
    if (activation === 'softmax' || activation === 'sigmoid') return activation;
    return averaged(layerOf(last));
  })); // prettier-ignore
  return kinds.size === 1 ? [...kinds][0] : undefined;
}

/** Back through what passes on; `passed` lies behind `last`, the nearest to the output first. */
function walk(output: Symbolic): { last: Symbolic; passed: tf.layers.Layer[] } {
  const passed: tf.layers.Layer[] = [];
  let last = output;
  while (layerOf(last).inboundNodes.length && inputsOf(layerOf(last)).length === 1 && passesOn(layerOf(last))) {
    passed.push(layerOf(last));
    [last] = inputsOf(layerOf(last));
  }
  return { last, passed };
}

let linear: unknown;
/** The layer's numbers before its activation; its weights are shared. */
function beforeActivation(layer: tf.layers.Layer): Symbolic {
  if (isSeparate(layer)) return inputsOf(layer)[0];
  const twin = borrowed(layer, `${layer.name}/logits`);
  linear ??= (tf.layers.activation({ activation: 'linear', name: 'linear' }) as unknown as Configured).activation;
  (twin as unknown as { activation: unknown }).activation = linear;
  const inputs = inputsOf(layer);
  return twin.apply(inputs.length === 1 ? inputs[0] : inputs) as Symbolic;
}

/** The layers that were walked through again, behind the scores: only those that change the shape. */
function again(scores: Symbolic, passed: readonly tf.layers.Layer[]): Symbolic {
  return [...passed].reverse().reduce((tensor, layer) => {
    if (!(layer instanceof GraphLayer) && (DROPPED.test(layer.getClassName()) || layer.getClassName() === 'Activation'))
      return tensor;
    return borrowed(layer, `${layer.name}/logits`).apply(tensor) as Symbolic;
  }, scores);
}

/** [batch, classes], or undefined where the tensor still has places. */
function row(tensor: Symbolic): Symbolic | undefined {
  if (tensor.shape.length === 2) return tensor;
  if (tensor.shape.length < 2 || !isRow(tensor)) return undefined;
  return tf.layers.flatten({ name: `${layerOf(tensor).name}/row` }).apply(tensor) as Symbolic;
}

const put = (layer: tf.layers.Layer, tensor: Symbolic) => layer.apply(tensor) as Symbolic;

interface Found {
  readonly output: OutputKind;
  readonly scores: Symbolic;
  readonly note?: string;
}

/** What is said about the outputs; the last two ask for the user's word. */
const NOTES = {
  separate: (_: string, before: string) => `得分取自 softmax 之前的 ${before} 层。`,
  within: (name: string, before: string) => `${name} 自带 softmax；得分取自它之前的值（${before}）。`,
  sigmoid: (name: string) => `${name} 的 sigmoid 使每个输出各是一个概率；得分取自 sigmoid 之前。`,
  hardSigmoid: (name: string) =>
    `${name} 的 hard-sigmoid 使每个输出各是一个概率；得分是概率的对数比，概率恰为 0 或 1 处梯度为 0。`,
  mean: (name: string, ratio: string) => `${name} 把几组概率平均；得分是平均概率的对数${ratio}。`,
  logits: (name: string, count: number) =>
    `最后一层 ${name} 没有激活函数，${count} 个输出当作 softmax 之前的得分；若是回归或嵌入，请写 output: 'none'，若是各自独立的标签，请写 output: 'sigmoid'。`,
  none: (name: string, count: number) =>
    `最后一层 ${name} 的 ${count} 个输出看不出是类别：没有类别概率（回归或嵌入）。若是类别，请写明 output: 'softmax'、'sigmoid' 或 'logits'。`,
};

function find(output: Symbolic): Found {
  const { last, passed } = walk(output);
  const layer = layerOf(last);
  const activation = activationOf(layer);
  const [name, count] = [layer.name, output.shape[output.shape.length - 1] ?? 0];
  const whole = isRow(last) || passed.length === 0;
  if (whole && (activation === 'softmax' || activation === 'logSoftmax')) {
    const before = beforeActivation(layer);
    const note = NOTES[isSeparate(layer) ? 'separate' : 'within'](name, layerOf(before).name);
    return { output: 'softmax', scores: again(before, passed), note };
  }
  const derived = { name: `${name}/logits` };
  if (activation === 'sigmoid')
    return { output: 'sigmoid', scores: again(beforeActivation(layer), passed), note: NOTES.sigmoid(name) };
  if (activation === 'hardSigmoid')
    return { output: 'sigmoid', scores: put(new LogOdds(derived), output), note: NOTES.hardSigmoid(name) };
  const mean = averaged(layer);
  if (mean) {
    const [scores, ratio] = mean === 'softmax' ? [new LogProbability(derived), ''] : [new LogOdds(derived), '比'];
    return { output: mean, scores: put(scores, output), note: NOTES.mean(name, ratio) };
  }
  const pooled = /^(GlobalAveragePooling2D|Mean)$/.test(layer instanceof GraphLayer ? layer.op : layer.getClassName());
  const source = pooled ? activationOf(layerOf(walk(inputsOf(layer)[0]).last)) : activation;
  const named = /embed|feature|regress|bottleneck|encod/i.test(name);
  const kind = source === 'linear' && count > 1 && !named ? 'logits' : 'none';
  return { output: kind, scores: output, note: NOTES[kind](name, count) };
}

const KINDS: readonly OutputKind[] = ['softmax', 'sigmoid', 'logits', 'none'];

/** Numbers that may be negative, or above 1, are no probabilities; their logarithm would be no number. */
function checkProbabilities(output: Symbolic, found: Found): void {
  const activation = found.output === 'logits' ? 'linear' : activationOf(layerOf(walk(output).last));
  if (activation === undefined || /softmax|sigmoid/i.test(activation)) return;
  throw new RangeError(`output: 'softmax' 的意思是输出已经是概率，网络的最后一层 ${layerOf(output).name} 却是 ${activation}；若输出是 softmax 之前的得分，请写 output: 'logits'。`); // prettier-ignore
}

/** What the user says against what was found: the same kind keeps the scores that were found. */
function asWanted(output: Symbolic, found: Found, wanted: OutputKind): Found {
  if (!KINDS.includes(wanted)) throw unknownName('输出的含义（output）', wanted, KINDS);
  const { name } = layerOf(output);
  if (wanted === found.output && wanted !== 'none')
    return { ...found, note: wanted === 'logits' ? undefined : found.note };
  if (wanted === 'softmax') {
    checkProbabilities(output, found);
    return { output: wanted, scores: put(new LogProbability({ name: `${name}/log` }), output) };
  }
  if (wanted === 'sigmoid' && found.output === 'softmax')
    return { output: wanted, scores: put(new LogOdds({ name: `${name}/log` }), output) };
  const activated = found.output === 'softmax' || found.output === 'sigmoid';
  return { output: wanted, scores: wanted === 'logits' && activated ? found.scores : output };
}

/** Finds out what the outputs mean, or takes the user's word for it. */
export function headOf(output: Symbolic, wanted?: OutputKind): Head {
  const found = find(output);
  const { output: kind, scores, note } = wanted ? asWanted(output, found, wanted) : found;
  if (kind === 'none') return { output: kind, scores, note };
  const flat = row(scores);
  if (!flat) return { output: kind, scores };
  if (kind !== 'sigmoid' && flat.shape[1] === 1) {
    throw new RangeError(`网络只有一个输出（${layerOf(output).name}），一个数的 softmax 恒为 1；两类的网络请写 output: 'sigmoid'（输出当作 sigmoid 之前的得分），回归请写 output: 'none'。`); // prettier-ignore
  }
  if (kind !== 'sigmoid' || flat.shape[1] !== 1) return { output: kind, scores: flat, note };
  const two = put(new TwoClasses({ name: `${layerOf(flat).name}/two` }), flat);
  return {
    output: kind,
    scores: two,
    note: `一个 sigmoid 就是两类：第 1 类的概率是它的输出 p，第 0 类是 1 − p；得分是 ±z，z = ln(p / (1 − p))（${two.sourceLayer.name}）。`,
  };
}
