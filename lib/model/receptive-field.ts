import type { tf } from '../tf/backend';
import { type Axis, windowOf } from './window';

/** 感受野（receptive field）：单元 i 看到输入的像素 offset + stride·i … offset + stride·i + size − 1（可越过边界）。 */
export interface ReceptiveField {
  readonly size: number;
  readonly stride: number;
  readonly offset: number;
}

/** The same along one axis. */
type Extent = ReceptiveField;

/** Several paths into one unit (concat, add): the unit sees the union of what they see. */
function union(extents: readonly (Extent | undefined)[]): Extent | undefined {
  const [first, ...others] = extents;
  if (!first || others.some((e) => e?.stride !== first.stride)) return undefined;
  const all = extents as readonly Extent[];
  const offset = Math.min(...all.map((e) => e.offset));
  const end = Math.max(...all.map((e) => e.offset + e.size));
  return { size: end - offset, stride: first.stride, offset };
}

const shapesOf = (shapes: unknown): number[][] =>
  (Array.isArray((shapes as unknown[])[0]) ? shapes : [shapes]) as number[][];

/** The nodes of a layer that belong to this network: a layer may be in others too, and may be used twice in one. */
function nodesOf(network: tf.LayersModel, layer: tf.layers.Layer) {
  const { containerNodes } = network as unknown as { containerNodes: ReadonlySet<string> };
  return layer.inboundNodes.filter((_, i) => containerNodes.has(`${layer.name}_ib-${i}`));
}

/** What each layer's units see along one axis. */
function extents(network: tf.LayersModel, axis: Axis): Map<string, Extent> {
  const found = new Map<string, Extent>();
  for (const layer of network.layers) {
    const nodes = nodesOf(network, layer);
    // A shared layer has several outputs under one name: none of their fields would be the layer's.
    if (nodes.length !== 1) continue;
    const [node] = nodes;
    if (!node.inboundLayers.length) {
      found.set(layer.name, { size: 1, stride: 1, offset: 0 });
      continue;
    }
    const inputs = shapesOf(node.inputShapes);
    const [output] = shapesOf(node.outputShapes);
    // Maps of different sizes are spread over one another (broadcast): a unit then sees more than its own place.
    if (inputs.some((shape) => shape.length !== 4 || shape[axis] !== inputs[0][axis])) continue;
    const seen = union(node.inboundLayers.map((from) => found.get(from.name)));
    const w = windowOf(layer, axis, inputs[0][axis], output[axis]);
    if (!w || !seen) continue;
    found.set(layer.name, {
      size: seen.size + (w.size - 1) * seen.stride,
      stride: seen.stride * w.stride,
      offset: seen.offset - w.before * seen.stride,
    });
  }
  return found;
}

/**
 * 每一层的感受野，按层名。不在表中的：看到整幅图的（全连接层、全局池化及其后），行与列不相同的（1 × 7 的核），
 * 以及不能用一个窗口说清的（放大、转置卷积、共用的层、不认识的层）：宁可没有，也不给错的。
 */
export function receptiveFields(network: tf.LayersModel): Map<string, ReceptiveField> {
  const [rows, cols] = [extents(network, 1), extents(network, 2)];
  const same = (a: Extent, b: Extent | undefined) =>
    a.size === b?.size && a.stride === b.stride && a.offset === b.offset;
  return new Map([...rows].filter(([name, extent]) => same(extent, cols.get(name))));
}
