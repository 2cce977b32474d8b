import { CourseError } from '../base/errors';
import './keras-layers';

/**
 * The description of a Keras network as TensorFlow.js 4 understands it. Keras 3 writes shapes, types, activations and
 * connections in another way; some settings of Keras 2 are unknown to TensorFlow.js, or worse, dropped without a word.
 */

type Json = Record<string, unknown>;
type Config = Json & { name?: string };
interface Layer extends Json {
  class_name: string;
  config: Config;
  name?: string;
  inbound_nodes?: unknown[];
}

/** How to get the same network in a form in which every operation is spelled out. */
export const AS_GRAPH =
  '请把同一个网络转换成图（graph model）再载入：Keras 里先 model.export("saved")，' +
  '再在终端里（pip install tensorflowjs "ydf<0.13"）tensorflowjs_converter --input_format=tf_saved_model --output_format=tfjs_graph_model saved web';

const refuse = (layer: Layer, why: string) =>
  new CourseError(`${layer.class_name} 层（${layer.config?.name ?? layer.name}）${why}。${AS_GRAPH}。`);

/** Layers that act only in training, or on nothing. */
const PASSING = /^Random(?!FourierFeatures)\w+$|^(ActivityRegularization|Identity|AutoContrast|MixUp|CutMix)$/;
const ACTIVATIONS: Json = { silu: 'swish', log_softmax: 'logSoftmax', hard_sigmoid: 'hardSigmoid' };
const KNOWN_ACTIVATIONS =
  'elu hardSigmoid linear relu relu6 selu sigmoid softmax softplus softsign tanh swish mish gelu logSoftmax'.split(' ');

/** The same layer under another name, with these settings and no others. */
const as = (layer: Layer, kind: string, settings: Json): Layer => ({
  ...layer,
  class_name: kind,
  config: { name: layer.config.name, ...settings },
});

function activation(layer: Layer, keras3: boolean): string {
  const given = layer.config.activation as string | Json | null | undefined;
  const { config, class_name: kind } = Object(given) as Json;
  const inside = config && typeof config === 'string' ? config : kind;
  const name = given && typeof given === 'object' ? String(inside).toLowerCase() : String(given ?? 'linear');
  const known = String(ACTIVATIONS[name] ?? name);
  if (keras3 && known === 'hardSigmoid')
    throw refuse(layer, '的 hard_sigmoid 在 Keras 3 里是 relu6(x + 3) / 6，TensorFlow.js 只有 Keras 2 的一种');
  if (!KNOWN_ACTIVATIONS.includes(known)) throw refuse(layer, `的激活函数 ${name} TensorFlow.js 不认识`);
  return known;
}

/** What a number is done to in a "layer" that Keras made of an arithmetic operation. */
function arithmetic(layer: Layer): Layer {
  const operation = String(layer.config.function ?? '').replace(/^.*\./, '').replace(/_/g, ''); // prettier-ignore
  const [node] = (layer.inbound_nodes ?? []) as unknown[][];
  const call = (Array.isArray(node?.[0]) ? node[0] : node) as [string, number, number, Json] | undefined;
  const y = call?.[3]?.y;
  if (!call || typeof y !== 'number') throw refuse(layer, `（${String(layer.config.function)}）TensorFlow.js 不会算`);
  const [scale, offset] = { truediv: [1 / y, 0], divide: [1 / y, 0], multiply: [y, 0], mul: [y, 0], subtract: [1, -y], sub: [1, -y], add: [1, y] }[operation] ?? []; // prettier-ignore
  if (scale === undefined) throw refuse(layer, `（${String(layer.config.function)}）TensorFlow.js 不会算`);
  const inbound = [[[call[0], call[1], call[2], {}]]];
  return { ...as(layer, 'Rescaling', { scale, offset }), inbound_nodes: inbound };
}

function relu(layer: Layer): Layer {
  const { max_value: top, negative_slope: slope, threshold } = layer.config as Record<string, unknown>;
  if (!slope && !threshold) return layer;
  if (!threshold && !top) return as(layer, 'LeakyReLU', { alpha: slope });
  if (!slope && !top) return as(layer, 'ThresholdedReLU', { theta: threshold });
  return as(layer, 'KerasReLU', { max_value: top, negative_slope: slope, threshold });
}

/** One layer whose settings TensorFlow.js would refuse or overlook. */
function mended(layer: Layer): Layer {
  const { class_name: kind, config } = layer;
  if (config.data_format === 'channels_first')
    throw refuse(layer, '的通道在前（channels_first），TensorFlow.js 不会算');
  if (typeof config.groups === 'number' && config.groups > 1 && !/Depthwise|Separable/.test(kind))
    throw refuse(layer, `是分组卷积（groups: ${config.groups}），TensorFlow.js 会忽略分组`);
  if (kind === 'TFOpLambda') return arithmetic(layer);
  const { batch_input_shape, mean, variance } = config;
  if (PASSING.test(kind)) return as(layer, 'Activation', { activation: 'linear', batch_input_shape });
  if (kind === 'ReLU') return relu(layer);
  if (kind === 'LeakyReLU' && config.negative_slope !== undefined)
    return as(layer, kind, { alpha: config.negative_slope });
  if (kind === 'Normalization') {
    if (config.invert) throw refuse(layer, '的 invert 还不支持');
    return as(layer, 'KerasNormalization', { mean, variance, batch_input_shape });
  }
  if (/^Global(Average|Max)Pooling2D$/.test(kind) && config.keepdims)
    return as(layer, 'KerasGlobalPooling', { largest: kind.includes('Max') });
  return layer;
}

const PLAIN = { class_name: 'Zeros', config: {} };

/** Settings that only matter in training go; the weights come from the file. */
function trimmed(config: Config, kind: string): Config {
  const result: Config = {};
  for (const [key, value] of Object.entries(config)) {
    if (/_(regularizer|constraint)$/.test(key) || /^(build_config|quantization_config|module|registered_name|sparse|ragged|optional|synchronized)$/.test(key)) continue; // prettier-ignore
    if (kind === 'SeparableConv2D' && key === 'kernel_initializer') continue;
    if (kind === 'DepthwiseConv2D' && key === 'groups') continue;
    result[key] = /_initializer$/.test(key) ? PLAIN : value;
  }
  const dtype = result.dtype as string | { config?: { name?: string } } | undefined;
  if (dtype !== undefined) result.dtype = 'float32';
  if (result.batch_shape) {
    result.batch_input_shape = result.batch_shape;
    delete result.batch_shape;
  }
  return result;
}

/** Every place of a Keras 3 call that is a tensor: [layer, node, output]. */
function tensorsIn(value: unknown): [string, number, number][] {
  if (Array.isArray(value)) return value.flatMap(tensorsIn);
  if (!value || typeof value !== 'object') return [];
  const { class_name: kind, config } = value as { class_name?: string; config?: { keras_history?: [string, number, number] } }; // prettier-ignore
  if (kind === '__keras_tensor__' && config?.keras_history) return [config.keras_history];
  return Object.values(value).flatMap(tensorsIn);
}

/** [layer, node, output]; TensorFlow.js counts a network's own description as its node 0, Keras 3 does not. */
type Shift = (place: [string, number, number]) => [string, number, number];

function connections(nodes: unknown[], shift: Shift): unknown[] {
  return nodes.map((node) => {
    if (!node || Array.isArray(node)) return node;
    const { args, kwargs } = node as Json;
    return [...tensorsIn(args), ...tensorsIn(kwargs)].map((place) => [...shift(place), {}]);
  });
}

/** ['a', 0, 0] stands for [['a', 0, 0]]. */
const listed = (ends: unknown, shift: Shift) =>
  (Array.isArray(ends) && typeof ends[0] === 'string' ? [ends] : (ends as unknown[])).map((end) => shift(end as never));

function translated(layer: Layer, keras3: boolean, shift: Shift): Layer {
  const nested = layer.config?.layers;
  const inbound = layer.inbound_nodes && connections(layer.inbound_nodes, shift);
  if (Array.isArray(nested))
    return { ...layer, ...(inbound && { inbound_nodes: inbound }), config: network(layer.config, keras3) };
  const plain: Layer = { ...layer, config: trimmed(layer.config ?? {}, layer.class_name) };
  delete plain.module;
  delete plain.registered_name;
  delete plain.build_config;
  if (inbound) plain.inbound_nodes = inbound;
  const result = mended(plain);
  if ('activation' in result.config) result.config.activation = activation(result, keras3);
  return result;
}

function network(config: Config, keras3: boolean): Config {
  const inside = (config.layers as Layer[]).filter((layer) => Array.isArray(layer.config?.layers));
  const names = keras3 ? inside.map((layer) => layer.config.name ?? layer.name) : [];
  const shift: Shift = ([name, node, output]) => [name, names.includes(name) ? node + 1 : node, output];
  const layers = (config.layers as Layer[]).map((layer) => translated(layer, keras3, shift));
  const result: Config = { name: config.name, layers };
  if (config.input_layers) result.input_layers = listed(config.input_layers, shift);
  if (config.output_layers) result.output_layers = listed(config.output_layers, shift);
  return result;
}

/**
 * A saved topology in the form that TensorFlow.js reads.
 *
 * @throws CourseError a layer that TensorFlow.js would compute wrongly, or not at all; the message says what helps
 */
export function readableTopology(topology: object): object {
  const { model_config: inside, keras_version: version } = topology as { model_config?: Layer | string; keras_version?: string }; // prettier-ignore
  const top = (typeof inside === 'string' ? JSON.parse(inside) : inside) as Layer | undefined;
  const model = (top ?? topology) as Layer;
  if (!model.config || !Array.isArray((model.config as Config).layers ?? model.config)) return topology;
  // The oldest Sequential is a bare list of layers.
  const config: Config = Array.isArray(model.config) ? { layers: model.config } : model.config;
  const keras3 = /^[3-9]/.test(version ?? '');
  // Without the settings that are undefined.
  return JSON.parse(
    JSON.stringify({ class_name: model.class_name, config: network(config, keras3), keras_version: version, backend: 'tensorflow' }),
  ) as object; // prettier-ignore
}
