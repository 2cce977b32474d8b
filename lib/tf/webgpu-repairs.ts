import { tf } from './tf';
import { shared } from '../base/state';
import { repairStridedSlice } from './strided-slice-repair';
import { installWebgpuMaxPoolGrad } from './webgpu-max-pool-grad';
import { limitSpareMemory } from './webgpu-memory';

/** What the WebGPU backend computes otherwise than the others, or not at all, in Node and in a page. */

type Kernel = NonNullable<ReturnType<typeof tf.getKernel>>;

interface Backend {
  disposeData(id: object): void;
}

/** Puts another function in the place of a kernel; it gets the package's own to call. */
function wrap(name: string, change: (own: Kernel['kernelFunc']) => Kernel['kernelFunc']): void {
  const original = tf.getKernel(name, 'webgpu');
  tf.unregisterKernel(name, 'webgpu');
  tf.registerKernel({ ...original, kernelFunc: change(original.kernelFunc) });
}

/** Reverse counts four axes at most (the kernels of our convolutions' gradients have five): one after the other, then. */
const reverse =
  (own: Kernel['kernelFunc']): Kernel['kernelFunc'] =>
  ({ inputs, attrs, backend }) => {
    const { x } = inputs as { x: tf.TensorInfo };
    const { shape, dtype } = x;
    const axes = [attrs!.dims as number | number[]].flat().map((axis) => (axis + shape.length) % shape.length);
    if (shape.length <= 4 || axes.length === 0) return own({ inputs, attrs, backend });
    const size = (from: number, to: number) => shape.slice(from, to).reduce((a, b) => a * b, 1);
    let { dataId } = x;
    for (const axis of axes) {
      const flat = { dataId, dtype, shape: [size(0, axis), shape[axis], size(axis + 1, shape.length)] };
      const turned = own({ inputs: { x: flat }, attrs: { dims: [1] }, backend }) as tf.TensorInfo;
      if (dataId !== x.dataId) (backend as Backend).disposeData(dataId);
      dataId = turned.dataId;
    }
    return { dataId, dtype, shape };
  };

export function installWebgpuRepairs(): void {
  shared('webgpu-repairs', () => {
    installWebgpuMaxPoolGrad();
    wrap('Reverse', reverse);
    repairStridedSlice('webgpu');
    limitSpareMemory();
    return true;
  });
}
