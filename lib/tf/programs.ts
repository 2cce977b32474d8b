import { tf } from './tf';
import { shared } from '../base/state';
import { convolutionAttributes, FLOAT, fused, fusedAttributes } from './fuse';
import { graphDef, type GraphNode } from './graph-def';
import type { Call, Trace, TracedBackend } from './trace';

/**
 * Traced operations as one function of TensorFlow's: called by its name like any operation, it runs without JavaScript
 * between its parts, independent ones at once. Needs the operations of ours in scripts/setup/native/functions.cc.
 *
 * Weights are no constants in it: they are handed over at each call, so training them or loading others counts at once.
 */

const KERNEL = 'ConvscopeProgram';

export interface Program {
  readonly name: string;
  readonly outputs: number;
  /**
   * What is handed over behind the inputs. Weights are followed as they change; of several that had the same data when
   * the program was written it cannot say which one was meant, so they must go on having the same.
   */
  readonly captured: readonly (readonly tf.TensorInfo[])[];
}

const backendOf = () => tf.backend() as unknown as TracedBackend;

function strings(backend: TracedBackend, parts: readonly (string | Uint8Array)[]): number {
  const encoded = parts.map((part) => (typeof part === 'string' ? new TextEncoder().encode(part) : part));
  return backend.binding.createTensor([parts.length], backend.binding.TF_STRING, encoded);
}

function command(backend: TracedBackend, op: string, parts: readonly (string | Uint8Array)[]): void {
  const id = strings(backend, parts);
  try {
    backend.binding.executeOp(op, [], [id], 0);
  } finally {
    backend.binding.deleteTensor(id);
  }
}

/** The calls that the outputs depend on, in order. */
export function neededFor(calls: readonly Call[], outputs: readonly number[]): Call[] {
  const wanted = new Set(outputs);
  const needed: Call[] = [];
  for (const call of [...calls].reverse()) {
    if (!call.outputs.some(({ id }) => wanted.has(id))) continue;
    call.inputs.forEach((id) => wanted.add(id));
    needed.unshift(call);
  }
  return needed;
}

type Written = Pick<Trace<unknown>, 'constants' | 'sources'>;

/** A function's graph in the making: its nodes, and where each tensor of the trace is found among them. */
function graphWriter(backend: TracedBackend, { constants, sources }: Written, weights: readonly tf.Tensor[]) {
  const nodes: GraphNode[] = [];
  const places = new Map<number, string>();
  const handedOver: string[] = [];
  const captured: tf.TensorInfo[][] = [];
  const placeholder = (id: number, dtype: number) => {
    const name = `x${handedOver.length}`;
    nodes.push({ name, op: 'Placeholder', placeholder: dtype });
    handedOver.push(`${name}:0`);
    places.set(id, `${name}:0`);
  };
  const placeOf = (id: number): string => {
    if (!places.has(id)) {
      const constant = constants.get(id);
      if (constant) {
        nodes.push({ name: `c${id}`, op: 'Const', constant });
        places.set(id, `c${id}:0`);
      } else {
        const { dataId } = sources.get(id)!;
        placeholder(id, backend.tensorMap.get(dataId).dtype);
        const same = weights.filter((weight) => weight.dataId === dataId);
        captured.push(same.length ? same : [sources.get(id)!]);
      }
    }
    return places.get(id)!;
  };
  return { nodes, places, handedOver, captured, placeholder, placeOf };
}

/**
 * Registers the calls as one function from `inputs` to `outputs` (numbers of tensors in the trace).
 *
 * @param weights the variables that may change from one call to the next
 */
export function define(
  written: Written,
  calls: readonly Call[],
  inputs: readonly { id: number; dtype: number }[],
  outputs: readonly number[],
  weights: readonly tf.Tensor[],
): Program {
  const backend = backendOf();
  const { nodes, places, handedOver, captured, placeholder, placeOf } = graphWriter(backend, written, weights);
  for (const { id, dtype } of inputs) placeholder(id, dtype);
  fused(neededFor(calls, outputs), outputs).forEach(({ op, attributes, inputs: used, outputs: made }, i) => {
    nodes.push({ name: `n${i}`, op, attributes, inputs: used.map(placeOf) });
    made.forEach(({ id }, index) => places.set(id, `n${i}:${index}`));
  });
  // An output of its own for each, also where it is one of the inputs.
  const results = outputs.map((id, i) => {
    const { dtype } = inputs.find((input) => input.id === id) ?? { dtype: undefined };
    if (dtype === undefined) return placeOf(id);
    nodes.push({ name: `y${i}`, op: 'Identity', inputs: [placeOf(id)], attributes: [{ name: 'T', type: 4, value: dtype }] }); // prettier-ignore
    return `y${i}:0`;
  });
  const state = shared('programs', () => ({ count: 0 }));
  const name = `convscope_${state.count++}`;
  command(backend, 'ConvscopeDefineFunction', [name, graphDef(nodes), handedOver.join(), results.join()]);
  return { name, outputs: outputs.length, captured };
}

/** One convolution with its bias, of any sizes: (images, kernel, bias) to maps. */
export function defineConvolution(stride: number, pad: 'same' | 'valid', rectified: boolean): Program {
  const [images, kernel, bias, maps] = [0, 1, 2, 3];
  const attributes = fusedAttributes(convolutionAttributes(stride, pad), rectified ? 'Relu' : undefined);
  const call = {
    op: '_FusedConv2D',
    attributes,
    inputs: [images, kernel, bias],
    outputs: [{ id: maps, dtype: FLOAT }],
  };
  const inputs = call.inputs.map((id) => ({ id, dtype: FLOAT }));
  return define({ constants: new Map(), sources: new Map() }, [call], inputs, [maps], []);
}

/** Whether everything that the program needs from outside is still there. */
export const isAlive = ({ captured }: Program): boolean =>
  captured.every(([one, ...others]) => {
    const { dataId } = one;
    return backendOf().tensorMap.has(dataId) && others.every((other) => other.dataId === dataId);
  });

/** Runs a program. The tape sees one kernel without a gradient. */
export function run(program: Program, inputs: readonly tf.Tensor[]): tf.Tensor[] {
  const named = Object.fromEntries(inputs.map((t, i) => [`input${i}`, t]));
  return tf.engine().runKernel(KERNEL, named, { program: program as unknown as string }) as unknown as tf.Tensor[];
}

export function forget(programs: readonly Program[]): void {
  if (programs.length && tf.getBackend() === 'tensorflow') {
    command(backendOf(), 'ConvscopeForgetFunction', programs.map(({ name }) => name)); // prettier-ignore
  }
}

/** Whether this binding can do it at all; a ready-made one cannot, and on a GPU nobody has tried. */
export function installPrograms(): void {
  shared('program-kernel', () => {
    const native = backendOf();
    if (native.isUsingGpuDevice) return false;
    try {
      command(native, 'ConvscopeForgetFunction', []);
    } catch {
      return false;
    }
    tf.registerKernel({
      kernelName: KERNEL,
      backendName: 'tensorflow',
      kernelFunc: ({ inputs, backend, attrs }) => {
        const traced = backend as TracedBackend;
        const { program } = attrs as unknown as { program: Program };
        const ids = traced.getInputTensorIds([
          ...Object.values(inputs as object),
          ...program.captured.map(([one]) => one),
        ] as tf.Tensor[]);
        const made = traced.binding.executeOp(program.name, [], ids, program.outputs);
        return made.map((metadata) => traced.createOutputTensor(metadata));
      },
    });
    return true;
  });
}

export const canRunPrograms = (): boolean =>
  tf.getBackend() === 'tensorflow' && Boolean(tf.getKernel(KERNEL, 'tensorflow'));
