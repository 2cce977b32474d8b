import { tf } from '../tf/backend';
import { borrowed } from '../tf/borrowed';

/**
 * A network of networks as ONE graph. Every use of a layer becomes a layer with one input and one place of its own;
 * the layers of a network inside are called after it, `base/conv1`.
 *
 * The new layers are views of the old ones (the old layer is their prototype): same code, same weights, another place in
 * another graph. Nothing is copied, so training the old network trains the new one, and the old one is left as it was.
 */

type Symbolic = tf.SymbolicTensor;

interface Node {
  readonly outboundLayer: tf.layers.Layer;
  readonly inputTensors: readonly Symbolic[];
  readonly outputTensors: readonly Symbolic[];
  readonly callArgs?: unknown;
}

interface Container {
  readonly name: string;
  readonly layers: readonly tf.layers.Layer[];
  readonly inputs: readonly Symbolic[];
  readonly outputs: readonly Symbolic[];
  readonly nodesByDepth: Readonly<Record<string, readonly Node[]>>;
}

const isContainer = (layer: tf.layers.Layer) => layer instanceof tf.LayersModel;

/** A Sequential keeps its graph in a model inside. */
function containerOf(layer: tf.layers.Layer): Container {
  const sequential = layer as unknown as { model?: Container; build(): void };
  if (!(layer instanceof tf.Sequential)) return layer as unknown as Container;
  if (!sequential.model) sequential.build();
  return { ...sequential.model!, name: layer.name, layers: layer.layers, nodesByDepth: sequential.model!.nodesByDepth };
}

/** Where the layers of a network lie whose first part TF.js has already taken apart (a Sequential that begins with one). */
function owners(container: Container, prefix: string, map = new Map<tf.layers.Layer, string>()) {
  for (const layer of container.layers) {
    if (!isContainer(layer)) continue;
    const inside = containerOf(layer);
    const path = `${prefix}${inside.name}/`;
    for (const inner of inside.layers) if (!map.has(inner)) map.set(inner, path);
    owners(inside, path, map);
  }
  return map;
}

/** A name that is not taken: a layer's second use is called `relu.2`. */
function freeName(taken: Set<string>, wanted: string): string {
  let name = wanted;
  for (let i = 2; taken.has(name); i++) name = `${wanted}.${i}`;
  taken.add(name);
  return name;
}

function rebuild(container: Container, inputs: readonly Symbolic[], prefix: string, taken: Set<string>): Symbolic[] {
  const made = new Map<number, Symbolic>();
  container.inputs.forEach((input, i) => made.set(input.id, inputs[i]));
  const paths = owners(container, prefix);
  const depths = Object.keys(container.nodesByDepth).map(Number).sort((a, b) => b - a); // prettier-ignore
  for (const node of depths.flatMap((depth) => container.nodesByDepth[depth])) {
    const layer = node.outboundLayer;
    if (node.outputTensors.every(({ id }) => made.has(id))) continue; // the inputs
    const from = node.inputTensors.map(({ id }) => made.get(id)!);
    let results: Symbolic[];
    if (isContainer(layer)) {
      const path = `${paths.get(layer) ?? prefix}${layer.name}`;
      results = rebuild(containerOf(layer), from, `${freeName(taken, path)}/`, taken);
    } else {
      const view = borrowed(layer, freeName(taken, `${paths.get(layer) ?? prefix}${layer.name}`));
      results = [view.apply(from.length === 1 ? from[0] : from, (node.callArgs ?? {}) as never)].flat() as Symbolic[];
    }
    node.outputTensors.forEach(({ id }, i) => made.set(id, results[i]));
  }
  return container.outputs.map(({ id }) => made.get(id)!);
}

/**
 * The whole network in one graph, from an image of this size to the output chosen.
 *
 * @param head which of the outputs
 */
export function flattened(
  network: tf.LayersModel,
  shape: readonly [number, number, number],
  head = 0,
): { readonly image: Symbolic; readonly output: Symbolic } {
  const container = containerOf(network);
  const name = network.inputs[0].sourceLayer.name;
  const image = tf.input({ shape: [...shape], name });
  return { image, output: rebuild(container, [image], '', new Set([name]))[head] };
}
