import { tf } from '../tf/backend';

/** The numbers of a saved network, put into the layers that its description has made. */

interface Variable {
  readonly originalName: string;
  readonly shape: tf.Shape;
  readonly val: tf.Variable;
  write(value: tf.Tensor): void;
}

const tail = (name: string, count: number) => name.split('/').slice(-count).join('/');

/** Under which names a weight may go: Keras 3 puts the networks' names before it, TF 2.2 the cell's name into it. */
function keysOf(name: string): string[] {
  const parts = name.split('/');
  const short = [...parts.slice(0, -2), parts[parts.length - 1]].join('/');
  const depthwise = tail(name, 2).replace(/\/kernel$/, '/depthwise_kernel');
  return [...new Set([name, short, tail(name, 3), tail(name, 2), depthwise])];
}

/** Learned while adapting, of no use afterwards. */
const UNUSED = /\/(count|seed_generator_state|num_batches_tracked)$/;

/** @throws Error a weight without a place, a place without a weight, or another shape */
function assign(network: tf.LayersModel, named: Readonly<Record<string, tf.Tensor>>): void {
  const open = new Map<string, Variable[]>();
  for (const weight of network.weights as unknown as Variable[]) {
    open.set(weight.originalName, [...(open.get(weight.originalName) ?? []), weight]);
  }
  for (const [name, value] of Object.entries(named)) {
    const key = keysOf(name).find((k) => open.get(k)?.length);
    if (!key) {
      if (UNUSED.test(name)) continue;
      throw new Error(`权值 ${name} 在网络的描述里没有位置`);
    }
    const variable = open.get(key)!.shift()!;
    if (!tf.util.arraysEqual(variable.shape as number[], value.shape)) {
      throw new Error(`权值 ${name} 是 [${value.shape.join(', ')}]，网络里却是 [${variable.shape.join(', ')}]`);
    }
    variable.write(value);
  }
  const missing = [...open.values()].flat().map(({ originalName }) => originalName);
  if (missing.length)
    throw new Error(`权值文件里没有 ${missing.slice(0, 5).join('、')}${missing.length > 5 ? ' 等' : ''}`);
}

const variables = () => tf.engine().registeredVariables as Record<string, tf.Variable>;

/** Runs something that creates weights; when it throws, the weights it has made by then go with it. */
export function withoutLeftovers<T>(work: () => T): T {
  const before = new Set(Object.values(variables()));
  const clear = () => {
    for (const variable of Object.values(variables())) if (!before.has(variable)) variable.dispose();
  };
  try {
    return work();
  } catch (error) {
    clear();
    throw error;
  }
}

/** A tf.LayersModel from its description and its numbers; nothing is left behind when they do not fit. */
export async function layersModel(artifacts: tf.io.ModelArtifacts): Promise<tf.LayersModel> {
  // Building is done when the call comes back: what has been made by then belongs to it.
  const before = new Set(Object.values(variables()));
  const building = tf.models.modelFromJSON({ modelTopology: artifacts.modelTopology } as never);
  const made = Object.values(variables()).filter((variable) => !before.has(variable));
  try {
    const network = await building;
    // Decoded in a scope: of two weights with the same name the first would be left.
    tf.tidy(() => assign(network, tf.io.decodeWeights(artifacts.weightData as ArrayBuffer, artifacts.weightSpecs!)));
    return network;
  } catch (error) {
    made.forEach((variable) => variable.dispose());
    throw error;
  }
}

/** Takes a network's weights with it: TF.js counts a network inside another one once too often, and leaves them. */
export function disposeWhole(network: tf.LayersModel): void {
  const weights = (network.weights as unknown as Variable[]).map(({ val }) => val);
  network.dispose();
  tf.dispose(weights.filter((weight) => !weight.isDisposed));
}
