import { tf } from './tf';

/**
 * Operations that wasm has, but slowly, made of its fast ones or written in JavaScript over its memory. On
 * EfficientNet-Lite0 they were half of an input gradient (five times depthToSpace 74 ms, the comparisons of ReLU6 29),
 * with Fourier parameters half of a step of maximisation (a transposed product of 224 x 224 9 ms instead of 0.7, tile 10).
 */

/** Its memory as numbers: four bytes each, one for truth values. */
type Numbers = Float32Array | Int32Array | Uint8Array;

interface WasmBackend {
  makeOutput(shape: readonly number[], dtype: tf.DataType): tf.TensorInfo;
  typedArrayFromHeap(tensor: tf.TensorInfo): Numbers;
}

/** A result and the numbers of everything; the result first: growing the memory detaches views taken before. */
function views(backend: unknown, shape: readonly number[], ...inputs: tf.TensorInfo[]) {
  const wasm = backend as WasmBackend;
  const output = wasm.makeOutput(shape, inputs[0].dtype);
  return { output, to: wasm.typedArrayFromHeap(output), from: inputs.map((t) => wasm.typedArrayFromHeap(t)) };
}

/** [n, h, w, b·b·c] to [n, h·b, w·b, c]: runs of b·c numbers move, in order. */
function depthToSpace(backend: unknown, x: tf.TensorInfo, block: number): tf.TensorInfo {
  const [n, height, width, depth] = x.shape;
  const channels = depth / (block * block);
  const { output, to, from: [data] } = views(backend, [n, height * block, width * block, channels], x); // prettier-ignore
  const run = block * channels;
  let at = 0;
  for (let row = 0; row < n * height; row++) {
    for (let inner = 0; inner < block; inner++) {
      let read = (row * width * block + inner) * run;
      for (let column = 0; column < width; column++, read += depth, at += run) {
        for (let i = 0; i < run; i++) to[at + i] = data[read + i];
      }
    }
  }
  return output;
}

/** Turned round along the first axes, as a kernel is for its gradient: whole blocks move, the last to the front. */
function reverse(backend: unknown, x: tf.TensorInfo, axes: number): tf.TensorInfo {
  const { output, to, from: [data] } = views(backend, x.shape, x); // prettier-ignore
  const block = x.shape.slice(axes).reduce((a, b) => a * b, 1);
  for (let at = 0; at < to.length; at += block) to.set(data.subarray(at, at + block), to.length - block - at);
  return output;
}

/** Repeats along each axis, from the last on: what was repeated so far lies in a row. */
function tile(backend: unknown, x: tf.TensorInfo, reps: readonly number[]): tf.TensorInfo {
  const { output, to, from: [data] } = views(backend, x.shape.map((n, axis) => n * reps[axis]), x); // prettier-ignore
  let done = data;
  let block = 1;
  for (let axis = x.shape.length - 1; axis >= 0; axis--) {
    block *= x.shape[axis];
    if (reps[axis] > 1) done = repeated(done, block, reps[axis]);
    block *= reps[axis];
  }
  to.set(done);
  return output;
}

/** Every block so many times, one after the other. */
function repeated(data: Numbers, block: number, times: number): Numbers {
  const out = new (data.constructor as new (length: number) => Numbers)(data.length * times);
  let at = 0;
  for (let from = 0; from < data.length; from += block) {
    for (let k = 0; k < times; k++) {
      for (let i = 0; i < block; i++) out[at++] = data[from + i];
    }
  }
  return out;
}

type Kernel = tf.KernelConfig['kernelFunc'];

/** A few rows are done sooner than a large matrix is turned. */
const FEW = 8;

/** A product of matrices, transposed beforehand: the fast way takes them as they lie, one by one. */
const product =
  (plain: Kernel, transpose: Kernel): Kernel =>
  (call) => {
    const { a, b } = call.inputs as Record<'a' | 'b', tf.TensorInfo>;
    const { transposeA, transposeB } = call.attrs as { transposeA: boolean; transposeB: boolean };
    const single = [a, b].every(({ shape, dtype }) => dtype === 'float32' && shape.slice(0, -2).every((n) => n === 1));
    const rows = a.shape[a.shape.length - (transposeA ? 1 : 2)];
    if (!single || rows < FEW || !(transposeA || transposeB)) return plain(call);
    const turned: tf.TensorInfo[] = [];
    const turn = (x: tf.TensorInfo, wanted: boolean) => {
      if (!wanted) return x;
      const axes = x.shape.map((_, axis) => axis);
      const perm = [...axes.slice(0, -2), axes.length - 1, axes.length - 2];
      turned.push(transpose({ ...call, inputs: { x }, attrs: { perm } }) as tf.TensorInfo);
      return turned[turned.length - 1];
    };
    const inputs = { a: turn(a, transposeA), b: turn(b, transposeB) };
    const result = plain({ ...call, inputs, attrs: { transposeA: false, transposeB: false } });
    turned.forEach(({ dataId }) => (call.backend as tf.KernelBackend).disposeData(dataId));
    return result;
  };

/** The next number after 6: x <= 6 exactly where this minus x is positive. */
const AFTER_SIX = 6.0000004768371582;

/** dy where 0 < x <= 6, else 0, of operations that wasm has as vectors: it compares one number at a time. */
const relu6Gradient = (dy: tf.Tensor, x: tf.Tensor): tf.Tensor =>
  tf.tidy(() => tf.mul(dy, tf.mul(tf.step(x), tf.step(tf.sub(AFTER_SIX, x)))));

/** Replaces a kernel of wasm by one that may hand over to it. */
function replace(kernelName: string, made: (original: Kernel) => Kernel): void {
  const { kernelFunc, ...rest } = tf.getKernel(kernelName, 'wasm');
  tf.unregisterKernel(kernelName, 'wasm');
  tf.registerKernel({ ...rest, kernelFunc: made(kernelFunc) });
}

/** Replaces them, on wasm alone. */
export function installWasmKernels(): void {
  replace('DepthToSpace', (original) => (call) => {
    const { blockSize, dataFormat } = call.attrs as unknown as { blockSize: number; dataFormat: string };
    const { x } = call.inputs as Record<'x', tf.TensorInfo>;
    if (dataFormat !== 'NHWC' || x.dtype !== 'float32') return original(call);
    return depthToSpace(call.backend, x, blockSize);
  });
  replace('Tile', (original) => (call) => {
    const { x } = call.inputs as Record<'x', tf.TensorInfo>;
    const numeric = x.dtype === 'float32' || x.dtype === 'int32' || x.dtype === 'bool';
    return numeric ? tile(call.backend, x, call.attrs!.reps as number[]) : original(call);
  });
  replace('Reverse', (original) => (call) => {
    const { x } = call.inputs as Record<'x', tf.TensorInfo>;
    const axes = tf.util.parseAxisParam(call.attrs!.dims as number | number[], x.shape);
    const leading = axes.length > 0 && axes.length < x.shape.length && [...axes].sort().every((axis, i) => axis === i);
    return leading && x.dtype === 'float32' ? reverse(call.backend, x, axes.length) : original(call);
  });
  const transpose = tf.getKernel('Transpose', 'wasm').kernelFunc;
  replace('BatchMatMul', (original) => product(original, transpose));
  const composed = tf.getGradient('Relu6');
  tf.unregisterGradient('Relu6');
  tf.registerGradient({
    ...composed, // what it saves too: another backend's gradient may read it
    gradFunc: (dy, saved, attributes) =>
      tf.getBackend() === 'wasm' && saved[0].dtype === 'float32'
        ? { x: () => relu6Gradient(dy as tf.Tensor, saved[0]) }
        : composed.gradFunc(dy, saved, attributes),
  });
}
