import { tf } from '../tf/backend';
import type { ImageModel } from '../model/model';
import { given } from '../model/given';

/** 一个卷积核的一个切片（slice），与它读的那个通道。 */
export interface KernelInput {
  /** 上一层的第几个通道。 */
  readonly channel: number;
  /** 这个切片的能量（平方和）占整个核的比例，全部加起来是 1。 */
  readonly share: number;
  /** kh × kw 个权值，按行存放。 */
  readonly values: Float32Array;
}

function kernelOf(model: ImageModel, layer: string, filter: number): tf.Tensor4D {
  const kernel = given(model).network.getLayer(model.layerName(layer)).weights.map((w) => w.read()).find((w) => w.rank === 4); // prettier-ignore
  if (!kernel) throw new RangeError(`${layer} 层没有卷积核`);
  const count = kernel.shape[3]!;
  if (!Number.isInteger(filter) || filter < 0 || filter >= count) {
    throw new RangeError(`${layer} 有 ${count} 个卷积核，filter 应为 0 … ${count - 1} 的整数，得到 ${filter}`);
  }
  return kernel as tf.Tensor4D;
}

/**
 * 一个卷积核读上一层的哪些通道最多（strongest inputs）：它的切片按能量从大到小排。
 *
 * @param layer 层名，如 'conv2'
 * @param options `filter`：第几个核，从 0 数起，默认 0
 * @returns 每个输入通道一项
 * @throws RangeError 层名、filter 不对，或这一层没有卷积核
 * @example
 * const [first] = await kernelInputs(model, 'conv2', { filter: 3 });
 */
export async function kernelInputs(
  model: ImageModel,
  layer: string,
  { filter = 0 }: { filter?: number } = {},
): Promise<KernelInput[]> {
  const kernel = kernelOf(model, layer, filter);
  const [height, width, channels] = kernel.shape;
  const slices = tf.tidy(() => tf.transpose(tf.slice(kernel, [0, 0, 0, filter], [-1, -1, -1, 1]), [2, 0, 1, 3]));
  const all = (await slices.data()) as Float32Array;
  slices.dispose();
  const energy = (values: Float32Array) => values.reduce((sum, v) => sum + v * v, 0);
  const total = energy(all) || 1;
  return Array.from({ length: channels }, (_, channel) => {
    const values = all.slice(channel * height * width, (channel + 1) * height * width);
    return { channel, share: energy(values) / total, values };
  }).sort((a, b) => b.share - a.share || a.channel - b.channel);
}

export interface ExpandedOptions {
  /** 第二层的第几个核，从 0 数起，默认 0。 */
  filter?: number;
  /** 两个卷积层的名字，默认第一个卷积层与 'conv2'。 */
  first?: string;
  /** 第二个卷积层的名字，默认 'conv2'。 */
  second?: string;
  /** 第一层的步幅（stride），像素；AlexNet 是 4（默认）。 */
  stride?: number;
  /** 两层之间的池化：窗口的边长与步幅；AlexNet 是 3 与 2（默认）。 */
  pool?: { readonly size: number; readonly stride: number };
}

/**
 * 把第二个卷积层的一个核展开到像素上（expanded weights）：每个切片的每个权值，乘上它所读的那个第一层卷积核，放到各自的位置，全部加起来。
 * 中间的 ReLU 当作没有，最大池化当作平均，所以是近似；看到的是"如果一切都是线性的，这个核在找什么"。
 *
 * @param options 见 ExpandedOptions
 * @returns `[h, w, 3]`，大小是第二层的感受野（AlexNet：51×51），有正有负，由调用者 dispose
 * @throws RangeError 层名或 filter 不对，第一层读的不是 RGB，或两层不相连
 * @see Voss et al. 2021, "Visualizing Weights", Distill
 * @example
 * const picture = expandedKernel(model, { filter: 3 });
 * dispose(picture);
 */
export function expandedKernel(model: ImageModel, options: ExpandedOptions = {}): tf.Tensor3D {
  const { filter = 0, first = given(model).roles.firstConv, second = 'conv2', stride = 4 } = options;
  const { pool = { size: 3, stride: 2 } } = options;
  const [inner, outer] = [kernelOf(model, first, 0), kernelOf(model, second, filter)];
  if (inner.shape[2] !== 3) throw new RangeError(`${first} 读的不是 RGB 像素，而是 ${inner.shape[2]} 个特征图`);
  if (outer.shape[2] !== inner.shape[3]) {
    throw new RangeError(`${second} 读 ${outer.shape[2]} 个通道，${first} 有 ${inner.shape[3]} 个：它们不相连`);
  }
  const spread = (length: number, step: number, kernel: number) => (length - 1) * step + kernel;
  return tf.tidy(() => {
    const [height, width, channels] = outer.shape;
    const slices = tf.transpose(tf.slice(outer, [0, 0, 0, filter], [-1, -1, -1, 1]), [2, 0, 1, 3]) as tf.Tensor4D;
    // Transposed convolutions put a window at each place of the slices, then a first-layer kernel at each place of that.
    const window = tf.fill([pool.size, pool.size, 1, 1], 1 / pool.size ** 2) as tf.Tensor4D;
    const [rows, columns] = [height, width].map((n) => spread(n, pool.stride, pool.size));
    const between = tf.conv2dTranspose(slices, window, [channels, rows, columns, 1], pool.stride, 'valid');
    const map = tf.transpose(between, [3, 1, 2, 0]) as tf.Tensor4D;
    const [kh, kw] = inner.shape;
    const shape: [number, number, number, number] = [1, spread(rows, stride, kh), spread(columns, stride, kw), 3];
    return tf.squeeze(tf.conv2dTranspose(map, inner, shape, stride, 'valid'), [0]) as tf.Tensor3D;
  });
}
