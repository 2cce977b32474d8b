import { tf } from '../tf/backend';
import { GraphLayer, type GraphNode, type Named } from './graph-layer';
import { withoutLeftovers } from './weights';

/**
 * A tf.GraphModel is a list of operations, not of layers. Here every operation that computes something from the
 * image becomes a layer of its own, which runs just this operation of the graph: from then on the network is one
 * like the others, with activations, gradients, receptive fields and kernels to look at.
 */

interface Executor {
  readonly graph: { readonly nodes: Readonly<Record<string, GraphNode>> };
  readonly weightMap: Readonly<Record<string, readonly tf.Tensor[]>>;
}

/** As `load.ts` loads it. */
export type LoadedGraph = tf.GraphModel<tf.io.IOHandlerSync>;

const executorOf = (graph: LoadedGraph) => (graph as unknown as { executor: Executor }).executor;
const plain = (name: string) => name.split(':')[0];

/** Operations that only pass on what they get. */
const ALIASES = ['Identity', 'StopGradient', 'PreventGradient'];
/** Everything between the image and the output, in the order of computation. */
function orderedNodes(input: GraphNode, output: GraphNode, constant: (node: GraphNode) => boolean): GraphNode[] {
  const order: GraphNode[] = [];
  const seen = new Set([input.name]);
  const visit = (node: GraphNode) => {
    if (seen.has(node.name) || constant(node)) return;
    seen.add(node.name);
    node.inputs.forEach(visit);
    order.push(node);
  };
  visit(output);
  return order;
}

/** Runs the graph once on two grey images: what gives two float results is a layer, the rest is book-keeping. */
function visibleShapes(graph: LoadedGraph, input: string, size: readonly [number, number, number], nodes: GraphNode[]) {
  const shapes = new Map<string, number[]>();
  const names = nodes.filter(({ op }) => !ALIASES.includes(op)).map(({ name }) => name);
  tf.tidy(() => {
    const images = tf.fill([2, ...size], 0.5);
    const results = [graph.execute({ [input]: images }, names)].flat();
    results.forEach((result, i) => {
      if (result.dtype === 'float32' && result.shape[0] === 2) shapes.set(names[i], result.shape.slice(1));
    });
  });
  return shapes;
}

function inputSizeOf(graph: LoadedGraph, wanted?: readonly [number, number]): [number, number, number] {
  const { inputs } = graph;
  if (inputs.length !== 1) {
    throw new RangeError(
      `网络应有一个输入，得到 ${inputs.length} 个：${inputs.map(({ name }) => name).join('、')}；请在转换时只导出用图像的一路。`,
    );
  }
  const shape = inputs[0].shape ?? [];
  const [, height, width, channels] = shape;
  if (shape.length !== 4 || (channels !== 3 && channels !== 1)) {
    const first = shape.length === 4 && shape[1] <= 3 ? '；通道在前（channels_first）的网络请在转换时改成通道在后（onnx2tf 会自己改）' : ''; // prettier-ignore
    throw new RangeError(`网络的输入应为 [批, 高, 宽, 3] 的彩色图像（或 [批, 高, 宽, 1]），得到 [${shape.join(', ')}]${first}。`); // prettier-ignore
  }
  if (wanted && ((height > 0 && wanted[0] !== height) || (width > 0 && wanted[1] !== width))) {
    throw new RangeError(`网络的输入是 ${height}×${width}，与 inputSize ${wanted.join('×')} 不符；请去掉 inputSize。`);
  }
  if (wanted) return [wanted[0], wanted[1], channels];
  if (height > 0 && width > 0) return [height, width, channels];
  throw new RangeError('这个 GraphModel 没有固定输入的大小；请写明 inputSize: [高, 宽]。');
}

/** Which output is meant, where there are several. */
function outputOf(graph: LoadedGraph, head: number | string | undefined): string {
  const names = graph.outputs.map(({ name }) => name);
  const index = typeof head === 'string' ? names.findIndex((name) => name === head || plain(name) === head) : (head ?? (names.length === 1 ? 0 : -1)); // prettier-ignore
  if (Number.isInteger(index) && index >= 0 && index < names.length) return plain(names[index]);
  const list = names.map((name, i) => `${i}（${name}）`).join('、');
  throw new RangeError(`网络有 ${names.length} 个输出：${list}；请用 head 选一个，例如 head: 0${head === undefined ? '' : `；得到 ${JSON.stringify(head)}`}。`); // prettier-ignore
}

/** By what the first operations multiply the pixels; 1 for a sum. */
async function scalings(nodes: readonly GraphNode[], weightMap: Executor['weightMap']): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  // preprocessing stands at the very beginning
  for (const { name, op, inputs } of nodes.slice(0, 8)) {
    if (!/^(Mul|RealDiv|Sub|Add|AddV2)$/.test(op)) continue;
    const [constant] = inputs.flatMap((from) => weightMap[from.name]?.[0] ?? []);
    if (!constant || constant.size > 3) continue;
    const [first] = await constant.data();
    found.set(name, op === 'Mul' ? first : op === 'RealDiv' ? 1 / first : 1);
  }
  return found;
}

/** Names of layers may not repeat what TF.js reserves; the graph's own names otherwise. */
const layerName = (name: string) => name.replace(/^_+/, '');

/**
 * 把 `tf.GraphModel` 变成由层组成的网络：图里每个对图像做计算的操作各是一层（operation by operation）。
 *
 * @param graph 一个输入 [批, 高, 宽, 3]、一个输出的图；之后每次计算还要用到它，不要 dispose
 * @param inputSize 只在图里没有写明大小时需要
 * @param head 有几个输出时用哪一个：编号或名字
 * @returns 权值是复制的，归调用者 dispose
 * @throws RangeError 输入或输出的个数、形状不对，或图里有课程不会算的操作
 */
export async function layersOfGraph(
  graph: LoadedGraph,
  inputSize?: readonly [number, number],
  head?: number | string,
): Promise<tf.LayersModel> {
  const size = inputSizeOf(graph, inputSize);
  const { graph: parts, weightMap } = executorOf(graph);
  const input = parts.nodes[plain(graph.inputs[0].name)];
  const output = parts.nodes[outputOf(graph, head)];
  const nodes = orderedNodes(input, output, (node) => node.name in weightMap);
  let shapes: Map<string, number[]>;
  try {
    shapes = visibleShapes(graph, input.name, size, nodes);
  } catch (error) {
    const kinds = [...new Set(nodes.map(({ op }) => op))].join('、');
    throw new RangeError(
      `这个 GraphModel 不能逐步计算：${(error as Error).message}。图里的操作：${kinds}；带循环或条件的图不能用。`,
      { cause: error },
    );
  }
  const scaling = await scalings(nodes, weightMap);
  return withoutLeftovers(() => assemble({ graph, size, input, output, nodes, shapes, weightMap, scaling }));
}

interface Parts {
  graph: LoadedGraph;
  size: [number, number, number];
  scaling: Map<string, number>;
  input: GraphNode;
  output: GraphNode;
  nodes: GraphNode[];
  shapes: Map<string, number[]>;
  weightMap: Executor['weightMap'];
}

function assemble({ graph, size, input, output, nodes, shapes, weightMap, scaling }: Parts): tf.LayersModel {
  const image = tf.input({ shape: size, name: layerName(input.name) });
  const made = new Map<string, tf.SymbolicTensor>([[input.name, image]]);

  /** The layers that a node reads, looking through aliases and book-keeping. */
  const sources = (node: GraphNode): string[] => {
    const direct = node.inputs
      .filter(({ name }) => !(name in weightMap))
      .flatMap((from) => (made.has(from.name) ? [from.name] : sources(from)));
    return [...new Set(direct)];
  };

  for (const node of nodes.filter(({ name }) => shapes.has(name))) {
    const from = sources(node);
    if (from.length === 0) continue;
    const constants = Object.fromEntries(
      node.inputs.filter(({ name }) => isWeight(weightMap[name])).map(({ name }) => [name, weightMap[name][0]]),
    );
    const run = (inputs: tf.Tensor[], weights: Named) =>
      graph.execute(
        { ...weights, ...Object.fromEntries(from.map((name, i) => [name, inputs[i]])) },
        node.name,
      ) as tf.Tensor;
    const shape = shapes.get(node.name)!;
    const layer = new GraphLayer({ name: layerName(node.name), node, shape, constants, scaling: scaling.get(node.name), run }); // prettier-ignore
    const inputs = from.map((name) => made.get(name)!);
    made.set(node.name, layer.apply(inputs.length === 1 ? inputs[0] : inputs) as tf.SymbolicTensor);
  }
  const last = made.get(output.name) ?? made.get(sources(output)[0])!;
  return tf.model({ inputs: image, outputs: last, name: 'graph' });
}

const isWeight = (value?: readonly tf.Tensor[]) => value?.[0]?.dtype === 'float32' && value[0].rank > 0;
