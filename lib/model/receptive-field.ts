import type { PhotoBox } from '../image/photo-box';
import type { tf } from '../tf/backend';
import { type Axis, windowOf } from './window';

/** 感受野（receptive field），沿一个方向：单元 i 看到输入的像素 offset + stride·i … offset + stride·i + size − 1（可越过边界）。 */
export interface ReceptiveField {
  /** 看到几个像素。 */
  readonly size: number;
  /** 相邻两个单元相距几个像素。 */
  readonly stride: number;
  /** 单元 0 从哪个像素看起；负数表示从边界之外。 */
  readonly offset: number;
}

/** 沿行（竖直）与沿列（水平）的感受野；输入的长与宽一奇一偶、1 × 7 的核会使两者不同。 */
export type ReceptiveFields = readonly [rows: ReceptiveField, columns: ReceptiveField];

/** Several paths into one unit (concat, add): the unit sees the union of what they see. */
function union(extents: readonly (ReceptiveField | undefined)[]): ReceptiveField | undefined {
  const [first, ...others] = extents;
  if (!first || others.some((e) => e?.stride !== first.stride)) return undefined;
  const all = extents as readonly ReceptiveField[];
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
function extents(network: tf.LayersModel, axis: Axis): Map<string, ReceptiveField> {
  const found = new Map<string, ReceptiveField>();
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
 * 每一层的感受野，按层名。不在表中的：看到整幅图的（全连接层、全局池化及其后），以及不能用一个窗口说清的
 * （放大、转置卷积、共用的层、不认识的层）：宁可没有，也不给错的。
 */
export function receptiveFields(network: tf.LayersModel): Map<string, ReceptiveFields> {
  const columns = extents(network, 2);
  const both = [...extents(network, 1)].filter(([name]) => columns.has(name));
  return new Map(both.map(([name, rows]) => [name, [rows, columns.get(name)!]]));
}

/** 行与列相同时的那一个。 */
export const squareField = ([rows, columns]: ReceptiveFields): ReceptiveField | undefined =>
  rows.size === columns.size && rows.stride === columns.stride && rows.offset === columns.offset ? rows : undefined;

/** 位置 [行, 列] 上的单元看到的方框，输入的像素；可越过边界。 */
export function fieldBox([rows, columns]: ReceptiveFields, [row, column]: readonly [number, number]): PhotoBox {
  return {
    x: columns.offset + columns.stride * column,
    y: rows.offset + rows.stride * row,
    width: columns.size,
    height: rows.size,
  };
}
