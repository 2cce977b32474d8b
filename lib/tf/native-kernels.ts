import { tf } from './tf';
import { shared } from '../base/state';
import { installNativeMaxPoolGrad } from './native-max-pool-grad';

/**
 * TensorFlow's own ReluGrad and Relu6Grad instead of the chain (step, cast, multiply) that TF.js composes:
 * on SqueezeNet the composition alone costs 40-80 ms of each input gradient.
 */

interface NodeBackend {
  binding: { TF_ATTR_TYPE: number; TF_ATTR_STRING: number; TF_FLOAT: number };
  executeSingleOutput(op: string, attributes: object[], inputs: tf.Tensor[]): tf.TensorInfo;
}

const KERNEL = 'ConvscopeNative';

export const isNative = () => tf.getBackend() === 'tensorflow';

/** Runs one TensorFlow operation (float32 in and out) as an ordinary kernel, so that tidy and the tape see it. */
export function nativeOp(op: string, inputs: tf.Tensor[], strings: Record<string, string> = {}): tf.Tensor {
  const named = Object.fromEntries(inputs.map((t, i) => [`input${i}`, t]));
  return tf.engine().runKernel(KERNEL, named, { op, strings: strings as unknown as string });
}

export function installNativeKernels(): void {
  shared('native-kernels', () => {
    tf.registerKernel({
      kernelName: KERNEL,
      backendName: 'tensorflow',
      kernelFunc: ({ inputs, backend, attrs }) => {
        const native = backend as NodeBackend;
        const { op, strings } = attrs as unknown as { op: string; strings: Record<string, string> };
        const attributes: object[] = [{ name: 'T', type: native.binding.TF_ATTR_TYPE, value: native.binding.TF_FLOAT }];
        for (const [name, value] of Object.entries(strings)) {
          attributes.push({ name, type: native.binding.TF_ATTR_STRING, value });
        }
        return native.executeSingleOutput(op, attributes, Object.values(inputs) as tf.Tensor[]);
      },
    });
    for (const relu of ['Relu', 'Relu6']) {
      const composed = tf.getGradient(relu);
      tf.unregisterGradient(relu);
      tf.registerGradient({
        kernelName: relu,
        // Its own output says as much as its input, and in a program the input then need not exist (see fuse.ts).
        inputsToSave: ['x'],
        outputsToSave: [true],
        gradFunc: (dy, saved, attributes) =>
          isNative()
            ? { x: () => nativeOp(`${relu}Grad`, [dy as tf.Tensor, saved[1]]) }
            : composed.gradFunc(dy, saved, attributes),
      });
    }
    installNativeMaxPoolGrad();
    return true;
  });
}
