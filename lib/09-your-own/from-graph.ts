import { tf } from '../tf/backend';
import { GraphLayer, type GraphNode, type Named } from './graph-layer';

/**
 * A tf.GraphModel is a list of operations, not of layers. Here every operation that computes something from the
 * image becomes a layer of its own, which runs just this operation of the graph: from then on the network is one
 * like the others, with activations, gradients, receptive fields and kernels to look at.
 */

interface Executor {
  readonly graph: { readonly nodes: Readonly<Record<string, GraphNode>> };
  readonly weightMap: Readonly<Record<string, readonly tf.Tensor[]>>;
}

const executorOf = (graph: tf.GraphModel) => (graph as unknown as { executor: Executor }).executor;
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
function visibleShapes(graph: tf.GraphModel, input: string, size: readonly [number, number], nodes: GraphNode[]) {
  const shapes = new Map<string, number[]>();
  const names = nodes.filter(({ op }) => !ALIASES.includes(op)).map(({ name }) => name);
  tf.tidy(() => {
    const images = tf.fill([2, ...size, 3], 0.5);
    const results = [graph.execute({ [input]: images }, names)].flat();
    results.forEach((result, i) => {
      if (result.dtype === 'float32' && result.shape[0] === 2) shapes.set(names[i], result.shape.slice(1));
    });
  });
  return shapes;
}

function inputSizeOf(graph: tf.GraphModel, wanted?: readonly [number, number]): [number, number] {
  const { inputs, outputs } = graph;
  if (inputs.length !== 1 || outputs.length !== 1) {
    throw new RangeError(
      `网络应有一个输入和一个输出，得到 ${inputs.length} 个输入、${outputs.length} 个输出；请在转换时只导出其中一路。`,
    );
  }
  const shape = inputs[0].shape ?? [];
  const [, height, width, channels] = shape;
  if (shape.length !== 4 || channels !== 3) {
    throw new RangeError(`网络的输入应为 [批, 高, 宽, 3] 的彩色图像，得到 [${shape.join(', ')}]。`);
  }
  if (height > 0 && width > 0) return [height, width];
  if (wanted) return [wanted[0], wanted[1]];
  throw new RangeError('这个 GraphModel 没有固定输入的大小；请写明 inputSize: [高, 宽]。');
}

/** Names of layers may not repeat what TF.js reserves; the graph's own names otherwise. */
const layerName = (name: string) => name.replace(/^_+/, '');

/**
 * 把 `tf.GraphModel` 变成由层组成的网络：图里每个对图像做计算的操作各是一层（operation by operation）。
 *
 * @param graph 一个输入 [批, 高, 宽, 3]、一个输出的图；之后每次计算还要用到它，不要 dispose
 * @param inputSize 只在图里没有写明大小时需要
 * @returns 权值是复制的，归调用者 dispose
 * @throws RangeError 输入或输出的个数、形状不对，或图里有课程不会算的操作
 */
export function layersOfGraph(graph: tf.GraphModel, inputSize?: readonly [number, number]): tf.LayersModel {
  const size = inputSizeOf(graph, inputSize);
  const { graph: parts, weightMap } = executorOf(graph);
  const input = parts.nodes[plain(graph.inputs[0].name)];
  const output = parts.nodes[plain(graph.outputs[0].name)];
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
  return assemble({ graph, size, input, output, nodes, shapes, weightMap });
}

interface Parts {
  graph: tf.GraphModel;
  size: [number, number];
  input: GraphNode;
  output: GraphNode;
  nodes: GraphNode[];
  shapes: Map<string, number[]>;
  weightMap: Executor['weightMap'];
}

function assemble({ graph, size, input, output, nodes, shapes, weightMap }: Parts): tf.LayersModel {
  const image = tf.input({ shape: [...size, 3], name: layerName(input.name) });
  const made = new Map<string, tf.SymbolicTensor>([[input.name, image]]);

  /** The layers that a node reads, looking through aliases and book-keeping. */
  const sources = (node: GraphNode): string[] => {
    const direct = node.inputs.filter(({ name }) => !(name in weightMap)).flatMap((from) =>
      made.has(from.name) ? [from.name] : sources(from),
    ); // prettier-ignore
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
    const layer = new GraphLayer({ name: layerName(node.name), node, shape: shapes.get(node.name)!, constants, run });
    const inputs = from.map((name) => made.get(name)!);
    made.set(node.name, layer.apply(inputs.length === 1 ? inputs[0] : inputs) as tf.SymbolicTensor);
  }
  const last = made.get(output.name) ?? made.get(sources(output)[0])!;
  return tf.model({ inputs: image, outputs: last, name: 'graph' });
}

const isWeight = (value?: readonly tf.Tensor[]) => value?.[0]?.dtype === 'float32' && value[0].rank > 0;
