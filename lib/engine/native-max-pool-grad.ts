import { cpus } from 'node:os';
import type * as Tf from '@tensorflow/tfjs';
import { type PoolingAttributes, scatterToMaxima } from './max-pool-switches';

/**
 * The gradient of max pooling on TensorFlow's CPU. Its MaxPoolGrad looks for every maximum anew, without knowing the
 * maxima and with one thread per image: 15 ms for SqueezeNet's first pool. Reading the tensors and searching for the
 * known maxima takes a third of that.
 */

interface NodeBackend {
  readonly isUsingGpuDevice: boolean;
  readSync(dataId: object): Float32Array;
  write(values: Float32Array, shape: number[], dtype: Tf.DataType): object;
}

const THREADS = cpus().length;

export function installNativeMaxPoolGrad(tf: typeof Tf): void {
  if ((tf.backend() as unknown as NodeBackend).isUsingGpuDevice) return;
  const original = tf.getKernel('MaxPoolGrad', 'tensorflow');
  tf.unregisterKernel('MaxPoolGrad', 'tensorflow');
  tf.registerKernel({
    ...original,
    kernelFunc: (call) => {
      const { dy, input, output } = call.inputs as Record<'dy' | 'input' | 'output', Tf.TensorInfo>;
      const shape = input.shape as [number, number, number, number];
      // TensorFlow works on as many images at once as there are processors, this loop on one.
      if (shape[0] > 3 * Math.ceil(shape[0] / THREADS)) return original.kernelFunc(call);
      const { filterSize, strides, pad, dimRoundingMode } = call.attrs as unknown as PoolingAttributes;
      const info = tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
      const backend = call.backend as unknown as NodeBackend;
      const [x, y, above] = [input, output, dy].map((t) => backend.readSync(t.dataId));
      const dx = new Float32Array(x.length);
      scatterToMaxima(x, y, above, dx, info);
      return { dataId: backend.write(dx, shape, input.dtype), shape, dtype: input.dtype };
    },
  });
}
