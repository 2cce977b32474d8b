import { CourseError } from '../../../base/errors';
import { damagedFile, type NamedWeights, readFloats, sizeOf } from './weights';

/**
 * BVLC AlexNet in full precision: float32 arrays one behind the other, cut into files of equal size without regard to
 * them. Kernels [height, width, in, out]; of the layers in two groups each group by itself. The arrays behind these
 * (the fully connected layers) are left alone.
 */
const ORDER: readonly (readonly [name: string, shape: readonly number[]])[] = [
  ['conv5/1', [3, 3, 192, 128]],
  ['conv4/1', [3, 3, 192, 192]],
  ['conv2/1', [5, 5, 48, 128]],
  ['conv1/kernel', [11, 11, 3, 96]],
  ['conv1/bias', [96]],
  ['conv2/2', [5, 5, 48, 128]],
  ['conv2/bias', [256]],
  ['conv3/kernel', [3, 3, 256, 384]],
  ['conv3/bias', [384]],
  ['conv4/2', [3, 3, 192, 192]],
  ['conv4/bias', [384]],
  ['conv5/2', [3, 3, 192, 128]],
  ['an integer that no layer uses', []],
  ['conv5/bias', [256]],
];

/** Two groups' kernels as one: [.., in, out / 2] twice to [.., in, out]. */
function joined(first: NamedWeights[string], second: NamedWeights[string]): NamedWeights[string] {
  const half = first.shape[3];
  const data = new Float32Array(2 * first.data.length);
  for (let i = 0; i < first.data.length / half; i++) {
    data.set(first.data.subarray(i * half, (i + 1) * half), 2 * i * half);
    data.set(second.data.subarray(i * half, (i + 1) * half), (2 * i + 1) * half);
  }
  return { data, shape: [...first.shape.slice(0, 3), 2 * half] };
}

/**
 * 把完整精度的 AlexNet 2012 切成一个个数组：`conv1/kernel` … `conv5/bias`，形状与 `decodeAlexNetTrunk` 的相同。
 *
 * 通道的次序（BGR 或 RGB）、两组的先后照文件里的样子，还没有核对：见 `proveAlexNet`。
 *
 * @param files 文件名到内容，按文件的次序
 * @throws CourseError 太短，或者里面有不是数的值
 */
export function decodeAlexNetFull(files: Map<string, Uint8Array>): NamedWeights {
  const bytes = Buffer.concat([...files.values()]);
  const [name = 'AlexNet 2012'] = files.keys();
  const needed = 4 * ORDER.reduce((sum, [, shape]) => sum + sizeOf(shape), 0);
  if (bytes.length < needed) throw damagedFile(name, `至少 ${needed} 字节`, ` ${bytes.length} 字节`);
  const cut: NamedWeights = {};
  let offset = 0;
  for (const [array, shape] of ORDER) {
    const count = sizeOf(shape);
    if (shape.length > 0) cut[array] = { data: readFloats(name, bytes, offset, count), shape: [...shape] };
    offset += 4 * count;
  }
  for (const layer of ['conv2', 'conv4', 'conv5']) {
    cut[`${layer}/kernel`] = joined(cut[`${layer}/1`], cut[`${layer}/2`]);
    delete cut[`${layer}/1`];
    delete cut[`${layer}/2`];
  }
  return cut;
}

export interface Proof {
  /** 次序与压缩版相同、可以代替它的权值。 */
  readonly weights: NamedWeights;
  /** 第一层 96 个卷积核与压缩版的相关系数里最低的一个。 */
  readonly lowest: number;
  /** 文件里的通道次序。 */
  readonly order: 'BGR' | 'RGB';
}

interface Order {
  /** The input channels the other way round: BGR for RGB. */
  readonly flip?: boolean;
  /** Second half before the first. */
  readonly inputs?: boolean;
  readonly outputs?: boolean;
}

/** In which orders a layer of two groups can have been written down. */
const ORDERS: Readonly<Record<string, readonly Order[]>> = {
  conv1: [{}, { flip: true }, { outputs: true }, { flip: true, outputs: true }],
  conv3: [{}, { inputs: true }, { outputs: true }, { inputs: true, outputs: true }],
  grouped: [{}, { outputs: true }],
};

const halvesSwapped = (n: number, i: number) => (i + n / 2) % n;

function reordered({ data, shape }: NamedWeights[string], order: Order): Float32Array {
  const [inputs, outputs] = shape.length === 1 ? [1, shape[0]] : shape.slice(2);
  const result = new Float32Array(data.length);
  for (let row = 0; row < data.length / outputs; row++) {
    const channel = row % inputs;
    let from = channel;
    if (order.flip) from = inputs - 1 - channel;
    if (order.inputs) from = halvesSwapped(inputs, channel);
    const start = (row - channel + from) * outputs;
    for (let o = 0; o < outputs; o++) {
      result[row * outputs + o] = data[start + (order.outputs ? halvesSwapped(outputs, o) : o)];
    }
  }
  return result;
}

/** Pearson's correlation and the ratio of the lengths, of every `stride`th number from `start` on. */
function compare(a: Float32Array, b: Float32Array, start = 0, stride = 1) {
  let [n, sa, sb, aa, bb, ab] = [0, 0, 0, 0, 0, 0];
  for (let i = start; i < a.length; i += stride, n++) {
    sa += a[i];
    sb += b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
    ab += a[i] * b[i];
  }
  const correlation = (ab - (sa * sb) / n) / Math.sqrt((aa - (sa * sa) / n) * (bb - (sb * sb) / n));
  return { correlation: Number.isFinite(correlation) ? correlation : 0, ratio: Math.sqrt(aa / bb) };
}

/** Quantising deeper layers is coarser than conv1; but arrays that do not belong together are near 0. */
const SAME_LAYER = 0.5;
const SAME_KERNEL = 0.9;

/**
 * 证明完整精度的权值就是压缩版的原件（proof against the quantised weights）。
 *
 * 第一层的 96 个卷积核逐个比较，相关系数都要不低于 0.9；其余各层整层比较，不低于 0.5；每一层的长度（范数）之比在
 * 0.5 与 2 之间。通道是 BGR 还是 RGB、两组谁在前，由哪一种次序最像压缩版来定。
 *
 * @throws CourseError 有一层不像
 */
export function proveAlexNet(full: NamedWeights, quantised: NamedWeights): Proof {
  const weights: NamedWeights = {};
  let order: Proof['order'] = 'RGB';
  for (const [name, reference] of Object.entries(quantised)) {
    const [layer, part] = name.split('/');
    const tries = ((part === 'kernel' && ORDERS[layer]) || ORDERS.grouped).map((order) => {
      const data = reordered(full[name], order);
      return { order, data, ...compare(data, reference.data) };
    });
    const best = tries.reduce((a, b) => (b.correlation > a.correlation ? b : a));
    if (!(best.correlation >= SAME_LAYER && best.ratio > 0.5 && best.ratio < 2)) {
      throw new CourseError(`${name} 与压缩版的相关系数是 ${best.correlation.toFixed(2)}，长度之比 ${best.ratio.toFixed(2)}`); // prettier-ignore
    }
    if (best.order.flip) order = 'BGR';
    weights[name] = { data: best.data, shape: reference.shape };
  }
  const [ours, theirs] = [weights, quantised].map((set) => set['conv1/kernel'].data);
  const kernels = Array.from({ length: 96 }, (_, o) => compare(ours, theirs, o, 96).correlation);
  const lowest = Math.min(...kernels);
  if (lowest < SAME_KERNEL) {
    const unlike = kernels.filter((r) => r < SAME_KERNEL).length;
    throw new CourseError(`conv1 的 96 个卷积核里有 ${unlike} 个不像压缩版的（相关系数最低 ${lowest.toFixed(2)}）`);
  }
  return { weights, lowest, order };
}
