import { cpus } from 'node:os';
import { tf } from './tf';
import { type PoolingAttributes, scatterToMaxima } from './max-pool-switches';

/**
 * The gradient of max pooling on TensorFlow's CPU. Its MaxPoolGrad looks for every maximum anew, without knowing the
 * maxima: 15 ms for SqueezeNet's first pool. The set-up compiles an operation of ours into the binding (0.8 ms, see
 * scripts/setup/native/max-pool-grad.cc); a binding that came ready-made lacks it, and a loop here does the same (9 ms).
 */

interface NodeBackend {
  readonly isUsingGpuDevice: boolean;
  readonly binding: { TF_ATTR_INT: number };
  readSync(dataId: object): Float32Array;
  write(values: Float32Array, shape: number[], dtype: tf.DataType): object;
  executeSingleOutput(op: string, attributes: object[], inputs: tf.TensorInfo[]): tf.TensorInfo;
}

/** input, output (the maxima) and dy -> dx. */
type PoolGradient = (
  backend: NodeBackend,
  tensors: [input: tf.TensorInfo, output: tf.TensorInfo, dy: tf.TensorInfo],
  info: tf.backend_util.Conv2DInfo,
) => tf.TensorInfo;

const compiled: PoolGradient = (backend, tensors, info) => {
  const pairs = {
    window: [info.effectiveFilterHeight, info.effectiveFilterWidth],
    strides: [info.strideHeight, info.strideWidth],
    before: [info.padInfo.top, info.padInfo.left],
  };
  const type = backend.binding.TF_ATTR_INT;
  const attributes = Object.entries(pairs).map(([name, value]) => ({ name, type, value }));
  return backend.executeSingleOutput('ConvscopeMaxPoolGrad', attributes, tensors);
};

const interpreted: PoolGradient = (backend, tensors, info) => {
  const [x, y, above] = tensors.map((t) => backend.readSync(t.dataId));
  const dx = new Float32Array(x.length);
  scatterToMaxima(x, y, above, dx, info);
  const { shape, dtype } = tensors[0];
  return { dataId: backend.write(dx, shape, dtype), shape, dtype };
};

/** TensorFlow works on as many images at once as there are processors, the loop above on one, three times as fast. */
const manyImages = (images: number) => images > 3 * Math.ceil(images / cpus().length);

/** Whether the binding knows the operation: one pixel tells. */
export function isCompiledIn(): boolean {
  const one = tf.ones([1, 1, 1, 1]) as tf.Tensor4D;
  const info = tf.backend_util.computePool2DInfo(one.shape, 1, 1, 1, 'valid');
  try {
    const dx = compiled(tf.backend() as unknown as NodeBackend, [one, one, one], info);
    tf.engine().makeTensorFromTensorInfo(dx).dispose();
    return true;
  } catch {
    return false;
  } finally {
    one.dispose();
  }
}

export function installNativeMaxPoolGrad(): void {
  if ((tf.backend() as unknown as NodeBackend).isUsingGpuDevice) return;
  const gradient = isCompiledIn() ? compiled : interpreted;
  const original = tf.getKernel('MaxPoolGrad', 'tensorflow');
  tf.unregisterKernel('MaxPoolGrad', 'tensorflow');
  tf.registerKernel({
    ...original,
    kernelFunc: (call) => {
      const { dy, input, output } = call.inputs as Record<'dy' | 'input' | 'output', tf.TensorInfo>;
      const shape = input.shape as [number, number, number, number];
      if (gradient === interpreted && manyImages(shape[0])) return original.kernelFunc(call);
      const { filterSize, strides, pad, dimRoundingMode } = call.attrs as unknown as PoolingAttributes;
      const info = tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
      return gradient(call.backend as unknown as NodeBackend, [input, output, dy], info);
    },
  });
}
