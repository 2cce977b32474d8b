import { tf } from '../tf/backend';

/** 感受野（receptive field）：单元 i 看到输入的像素 offset + stride·i … offset + stride·i + size − 1（可越过边界）。 */
export interface ReceptiveField {
  readonly size: number;
  readonly stride: number;
  readonly offset: number;
}

type Window = { size: number; stride: number; before: number };
type Configured = { strides?: number[]; poolSize?: number[]; kernelSize?: number[]; padding?: string | number[][] };

const total = (length: number, out: number, w: { size: number; stride: number }) =>
  Math.max(0, (out - 1) * w.stride + w.size - length);

/** The window that one output unit reads of this layer's input; undefined for layers that read everything. */
function windowOf(layer: tf.layers.Layer, inHeight: number, outHeight: number): Window | undefined {
  const own = layer as unknown as {
    size?: number[];
    stride?: number;
    pad?: string;
    window?: number;
    config?: { size?: number[]; stride?: number };
  };
  const same = (size: number, stride: number) => ({
    size,
    stride,
    before: Math.floor(total(inHeight, outHeight, { size, stride }) / 2),
  });
  const pointwise: Window = { size: 1, stride: 1, before: 0 };
  switch (layer.getClassName()) {
    case 'Convolution': {
      const [size, stride] = [own.size![0], own.stride!];
      return own.pad === 'same' ? same(size, stride) : { size, stride, before: 0 };
    }
    case 'DepthwiseConvolution':
      return same(own.config!.size![0], own.config!.stride!);
    case 'MaxPooling':
      return { size: own.window!, stride: own.stride!, before: 0 };
    case 'SameMaxPooling':
      return same(own.window!, own.stride!);
    case 'Conv2D':
    case 'DepthwiseConv2D':
    case 'SeparableConv2D':
    case 'MaxPooling2D':
    case 'AveragePooling2D':
    case 'GraphConv2D':
    case 'GraphDepthwiseConv2D':
    case 'GraphMaxPooling2D':
    case 'GraphAveragePooling2D': {
      const { strides = [1], poolSize, kernelSize, padding } = layer as unknown as Configured;
      const [size, stride] = [(poolSize ?? kernelSize ?? [1])[0], strides[0]];
      return padding === 'same' ? same(size, stride) : { size, stride, before: 0 };
    }
    case 'ZeroPadding2D':
      return { ...pointwise, before: (layer as unknown as { padding: number[][] }).padding[0][0] };
    case 'Flatten':
    case 'Dense':
    case 'GlobalAveragePooling2D':
    case 'GlobalMaxPooling2D':
    case 'Reshape':
    case 'Permute':
    case 'GraphOperation':
      return undefined;
    default:
      return pointwise;
  }
}

/** Several paths into one unit (concat, add): the unit sees the union of what they see. */
function union(fields: ReceptiveField[]): ReceptiveField | undefined {
  if (!fields.length || fields.some((f) => f.stride !== fields[0].stride)) return undefined;
  const offset = Math.min(...fields.map((f) => f.offset));
  const end = Math.max(...fields.map((f) => f.offset + f.size));
  return { size: end - offset, stride: fields[0].stride, offset };
}

/** 每一层的感受野，按层名；全连接层、全局池化及其后的层看到整幅图，不在表中。 */
export function receptiveFields(network: tf.LayersModel): Map<string, ReceptiveField> {
  const fields = new Map<string, ReceptiveField>();
  for (const layer of network.layers) {
    const node = layer.inboundNodes[0];
    if (!node?.inboundLayers.length) {
      fields.set(layer.name, { size: 1, stride: 1, offset: 0 });
      continue;
    }
    const inputs = node.inboundLayers.map((from) => fields.get(from.name));
    const inShape = node.inputShapes[0] as number[];
    const outShape = node.outputShapes as unknown as number[][];
    const shape = (Array.isArray(outShape[0]) ? outShape[0] : outShape) as number[];
    const w = windowOf(layer, inShape[1], shape[1]);
    const seen = inputs.every(Boolean) ? union(inputs as ReceptiveField[]) : undefined;
    if (!w || !seen) continue;
    fields.set(layer.name, {
      size: seen.size + (w.size - 1) * seen.stride,
      stride: seen.stride * w.stride,
      offset: seen.offset - w.before * seen.stride,
    });
  }
  return fields;
}
