import type { tf } from '../../tf/backend';
import { type Axis, LEAST, windowOf } from '../../model/window';
import type { Reach } from './geometry';

/**
 * A network as a chain of steps. A step cuts windows out of its input once, runs one layer with a kernel (or the
 * parallel branches of a fire, an inception module or a residual block) on them, and then layers that work on each place by itself.
 * Networks that are no such chain have no plan and take the plain path.
 */

type Layer = tf.layers.Layer;

export interface Branch {
  readonly rows: Reach;
  readonly cols: Reach;
  /** One of them may have a kernel; the others work place by place. None: only padding. */
  readonly layers: readonly Layer[];
  /** Index of the one with the kernel; those before it compute what it reads. */
  readonly kernel: number;
  /** What the kernel sees outside the map, where that is not what the step's windows hold there. */
  readonly padValue?: number;
}

export interface Step {
  /** Name of the layer whose output this step reads. */
  readonly input: string;
  /** The widest branch. */
  readonly rows: Reach;
  readonly cols: Reach;
  /** What lies outside the map: 0 for convolutions, less than anything for a max pool. */
  readonly padValue: number;
  readonly branches: readonly Branch[];
  /** Joins the branches, where there are several: one behind the other, or their sum. */
  readonly join?: Layer;
  readonly then: readonly Layer[];
}

export interface Chain {
  readonly steps: readonly Step[];
  /** Name of the last layer of the steps, input of the head. */
  readonly features: string;
  /** Everything after the steps, on whole maps; the global mean is kept up to date instead of recomputed. */
  readonly head: readonly Layer[];
  readonly globalMean: boolean;
}

const POINTWISE = ['Relu', 'Relu6', 'LocalResponseNormalization'];
const POOLS = ['MaxPooling', 'SameMaxPooling'];
const KERNEL = ['Convolution', 'DepthwiseConvolution', ...POOLS, 'ZeroPadding2D'];

/** How a layer with a kernel reads axis 1 (rows) or 2 (columns). */
function reachOf(layer: Layer, axis: Axis): Reach {
  const input = (layer.inboundNodes[0].inputShapes[0] as number[])[axis];
  const output = (layer.outputShape as number[])[axis];
  return { ...windowOf(layer, axis, input, output)!, input, output };
}

const isPointwise = (layer: Layer) => {
  if (POINTWISE.includes(layer.getClassName())) return true;
  if (layer.getClassName() !== 'Convolution') return false;
  const [rows, cols] = [reachOf(layer, 1), reachOf(layer, 2)];
  return rows.size === 1 && cols.size === 1 && rows.stride === 1;
};

/** The layers that lead to `output`, with who reads whom; undefined for what no chain can express. */
function readersOf(network: tf.LayersModel, output: string): Map<string, Layer[]> | undefined {
  const readers = new Map<string, Layer[]>();
  const seen = new Set<Layer>();
  const visit = (layer: Layer): boolean => {
    if (seen.has(layer)) return true;
    seen.add(layer);
    if (layer.inboundNodes.length !== 1) return false; // a shared layer
    return layer.inboundNodes[0].inboundLayers.every((from) => {
      readers.set(from.name, [...(readers.get(from.name) ?? []), layer]);
      return visit(from);
    });
  };
  return visit(network.getLayer(output)) && network.inputs.length === 1 ? readers : undefined;
}

const JOINS = ['Concatenate', 'Add'];

/** A map handed on as it is: the way around the layers of a residual block. */
function identity(join: Layer, input: string): Branch {
  const from = join.inboundNodes[0].inboundLayers.findIndex(({ name }) => name === input);
  const along = (axis: Axis): Reach => {
    const length = (join.inboundNodes[0].inputShapes[from] as number[])[axis];
    return { size: 1, stride: 1, before: 0, input: length, output: length };
  };
  return { rows: along(1), cols: along(2), layers: [], kernel: 0 };
}

/** One branch from the fork to the layer that joins; at most one of its layers may have a kernel. */
function branchOf(
  input: string,
  first: Layer,
  readers: Map<string, Layer[]>,
): { branch: Branch; join: Layer } | undefined {
  if (JOINS.includes(first.getClassName())) return { branch: identity(first, input), join: first };
  const layers = [first];
  for (;;) {
    const next = readers.get(layers[layers.length - 1].name) ?? [];
    if (next.length !== 1) return undefined;
    if (JOINS.includes(next[0].getClassName())) break;
    layers.push(next[0]);
  }
  const join = readers.get(layers[layers.length - 1].name)![0];
  const kernels = layers.filter((layer) => !isPointwise(layer));
  const kind = kernels[0]?.getClassName();
  if (kernels.length > 1 || (kind && !['Convolution', 'DepthwiseConvolution', 'SameMaxPooling'].includes(kind))) {
    return undefined;
  }
  const kernel = kernels.length ? layers.indexOf(kernels[0]) : 0;
  const padValue = kind === 'SameMaxPooling' ? LEAST : kernel > 0 ? 0 : undefined;
  return {
    branch: { rows: reachOf(layers[kernel], 1), cols: reachOf(layers[kernel], 2), layers, kernel, padValue },
    join,
  };
}

const widest = (reaches: Reach[]) => reaches.reduce((a, b) => (b.size > a.size ? b : a));

/** A fire, an inception module, a residual block: branches of equal stride from one layer to one that joins them. */
function fork(input: string, firsts: Layer[], readers: Map<string, Layer[]>): Step | undefined {
  const found = firsts.flatMap((first) => branchOf(input, first, readers) ?? []);
  if (found.length < firsts.length || found.some(({ join }) => join !== found[0].join)) return undefined;
  const { join } = found[0];
  // The concatenation takes its inputs in its own order.
  const order = join.inboundNodes[0].inboundLayers;
  const endsAt = (name: string) => found.find(({ branch }) => (branch.layers.at(-1)?.name ?? input) === name);
  const branches = order.flatMap(({ name }) => endsAt(name)?.branch ?? []);
  if (branches.length < order.length || order.length !== found.length) return undefined;
  const rows = widest(branches.map((b) => b.rows));
  const cols = widest(branches.map((b) => b.cols));
  const fits = (r: Reach, wide: Reach) =>
    r.stride === wide.stride && r.before <= wide.before && r.size - r.before <= wide.size - wide.before;
  if (!branches.every((b) => fits(b.rows, rows) && fits(b.cols, cols))) return undefined;
  return { input, rows, cols, padValue: 0, branches, join, then: [] };
}

function single(input: string, layer: Layer): Step {
  const kind = layer.getClassName();
  const padding = kind === 'ZeroPadding2D';
  const [rows, cols] = [reachOf(layer, 1), reachOf(layer, 2)];
  const branch = { rows, cols, layers: padding ? [] : [layer], kernel: 0 };
  return { input, rows, cols, padValue: POOLS.includes(kind) ? LEAST : 0, branches: [branch], then: [] };
}

/** 把网络读成一条链（chain），到 `output` 为止；顺序网络、fire 与 inception 模块、残差块可以，其余返回 undefined。 */
export function chainOf(network: tf.LayersModel, output: string): Chain | undefined {
  const readers = readersOf(network, output);
  const start = network.layers.find((l) => l.getClassName() === 'InputLayer');
  if (!readers || !start || network.layers.some((l) => JSON.stringify(l.outputShape).slice(5).includes('null'))) {
    return undefined;
  }
  const steps: Step[] = [];
  let last = start;
  while (last.name !== output) {
    const next = readers.get(last.name) ?? [];
    const previous = steps[steps.length - 1];
    if (next.length > 1) {
      const step = fork(last.name, next, readers);
      if (!step) return undefined;
      steps.push(step);
      last = step.join!;
    } else if (previous && isPointwise(next[0])) {
      steps[steps.length - 1] = { ...previous, then: [...previous.then, next[0]] };
      last = next[0];
    } else if (KERNEL.includes(next[0].getClassName())) {
      steps.push(single(last.name, next[0]));
      last = next[0];
    } else break;
  }
  const features = last.name;
  const head: Layer[] = [];
  while (last.name !== output) {
    const next = readers.get(last.name) ?? [];
    if (next.length !== 1 || next[0].inboundNodes[0].inboundLayers.length !== 1) return undefined;
    head.push((last = next[0]));
  }
  // A map that goes on behind the steps (a layer that we do not know) would be computed as a whole: no gain.
  if (!steps.length || head.some((layer) => (layer.outputShape as number[]).length === 4)) return undefined;
  return { steps, features, head, globalMean: head[0]?.getClassName() === 'GlobalAveragePooling2D' };
}
