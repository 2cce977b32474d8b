import type { tf } from './tf';
import type { Attribute, Constant } from './graph-def';

/**
 * Writes down what a piece of code makes TensorFlow do, by looking over the shoulder of the native backend: every
 * operation, every constant. The code runs as always.
 */

export interface Binding {
  readonly TF_STRING: number;
  executeOp(op: string, attributes: Attribute[], inputs: number[], outputs: number): { id: number; dtype: number }[];
  createTensor(shape: readonly number[], dtype: number, values: unknown): number;
  tensorDataSync(id: number): unknown;
  deleteTensor(id: number): void;
}

interface Held {
  id: number;
  readonly dtype: number;
  readonly shape: number[];
  values: unknown;
}

export interface TracedBackend {
  binding: Binding;
  readonly isUsingGpuDevice: boolean;
  readonly tensorMap: { has(id: object): boolean; get(id: object): Held };
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[];
  write(values: unknown, shape: number[], dtype: tf.DataType): object;
  createOutputTensor(metadata: object): tf.Tensor;
}

export interface Call {
  readonly op: string;
  readonly attributes: readonly Attribute[];
  readonly inputs: readonly number[];
  readonly outputs: readonly { id: number; dtype: number }[];
}

export interface Trace<T> {
  readonly result: T;
  /** In the order in which they ran. */
  readonly calls: readonly Call[];
  readonly constants: ReadonlyMap<number, Constant>;
  /** The data behind the numbers of all tensors that went into an operation. */
  readonly sources: ReadonlyMap<number, tf.TensorInfo>;
}

/** The code did something that cannot be written down, such as reading a number from a tensor. */
class Untraceable extends Error {}

/** The backend hands values over when they are first used; those of somebody's tensor must not pass for a constant. */
function handOver({ tensorMap }: TracedBackend, binding: Binding, dataId: object): void {
  const held = tensorMap.get(dataId);
  if (held.values === null) return;
  held.id = binding.createTensor(held.shape, held.dtype, held.values);
  held.values = null;
}

/** The binding, writing down every operation and every constant that goes through it. */
const watched = (binding: Binding, calls: Call[], constants: Map<number, Constant>): Binding =>
  Object.create(binding, {
    executeOp: {
      value: (op: string, attributes: Attribute[], inputs: number[], count: number) => {
        const outputs = binding.executeOp(op, attributes, inputs, count);
        calls.push({ op, attributes, inputs, outputs });
        return outputs;
      },
    },
    createTensor: {
      value: (shape: readonly number[], dtype: number, values: unknown) => {
        if (!ArrayBuffer.isView(values)) throw new Untraceable('strings');
        const id = binding.createTensor(shape, dtype, values);
        const copy = new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
        constants.set(id, { shape: [...shape], dtype, values: copy });
        return id;
      },
    },
    tensorDataSync: {
      value: () => {
        throw new Untraceable('a tensor was read');
      },
    },
  }) as Binding;

/** Runs the code and writes down its operations. Synchronous code only. */
export function trace<T>(backend: TracedBackend, run: (calls: readonly Call[]) => T): Trace<T> {
  const calls: Call[] = [];
  const constants = new Map<number, Constant>();
  const sources = new Map<number, tf.TensorInfo>();
  /** Data that the code itself makes from JavaScript's numbers: constants. */
  const written = new WeakSet<object>();
  const { binding } = backend;
  const own = backend as unknown as Record<string, unknown>;
  const { random } = Math;
  Math.random = () => {
    throw new Untraceable('chance');
  };
  backend.binding = watched(binding, calls, constants);
  own.getInputTensorIds = (tensors: tf.TensorInfo[]) => {
    for (const { dataId } of tensors) if (dataId && !written.has(dataId)) handOver(backend, binding, dataId);
    const ids = (Object.getPrototypeOf(backend) as TracedBackend).getInputTensorIds.call(backend, tensors);
    ids.forEach((id, i) => sources.set(id, tensors[i]));
    return ids;
  };
  own.write = (values: unknown, shape: number[], dtype: tf.DataType) => {
    const dataId = (Object.getPrototypeOf(backend) as TracedBackend).write.call(backend, values, shape, dtype);
    written.add(dataId);
    return dataId;
  };
  try {
    return { result: run(calls), calls, constants, sources };
  } finally {
    Math.random = random;
    backend.binding = binding;
    delete own.getInputTensorIds;
    delete own.write;
  }
}
