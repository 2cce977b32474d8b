import { tf } from './backend';
import { define, forget, neededFor, type Program, run } from './programs';
import { recordedNodes, safely } from './tape';
import { since, type Tally, tally } from './tally';
import { trace, type TracedBackend } from './trace';

/**
 * Writes one pass of a network down as a program, and the way back to the image as a second one, and keeps them only
 * if they give what the ordinary operations give.
 */

export type Forward = (images: tf.Tensor4D, layers: readonly string[]) => tf.Tensor[];

type Gradients = ReadonlyMap<string, unknown>;

export interface Compiled {
  readonly forward: Program;
  /** From the gradients of the layers and what the forward pass has kept to the gradient of the image. */
  readonly backward?: Program;
  /** Whether the backward program wants the image too. */
  readonly keepsImage?: boolean;
  /** The kernels on the tape, and the gradients that TF.js had for them when they were written down. */
  readonly kernels: readonly string[];
  readonly gradients: Gradients;
  readonly tally: Tally;
}

/** What is written down: these layers for these images; `weights` are handed to the program at each of its runs. */
export interface Pass {
  readonly plain: Forward;
  readonly images: tf.Tensor4D;
  readonly layers: readonly string[];
  readonly weights: tf.Tensor[];
}

const backend = () => tf.backend() as unknown as TracedBackend;

interface Engine {
  gradients(f: () => tf.Tensor, xs: tf.Tensor[], dy: null, allowNone: boolean): { grads: (tf.Tensor | undefined)[] };
  runKernelFunc(kernel: {
    forwardFunc: (backend: unknown, save: (tensors: tf.Tensor[]) => void) => tf.Tensor | tf.Tensor[];
    backwardsFunc: (dys: tf.Tensor | tf.Tensor[], saved: tf.Tensor[]) => Record<string, () => tf.Tensor>;
    inputs: Record<string, tf.Tensor>;
  }): tf.Tensor[];
}

export const engine = () => tf.engine() as unknown as Engine;

/** A scalar whose gradients with respect to the outputs are the given ones. */
export const startingAt = (outputs: readonly tf.Tensor[], dys: readonly tf.Tensor[]): tf.Tensor =>
  engine().runKernelFunc({
    forwardFunc: () => tf.scalar(0),
    backwardsFunc: () => Object.fromEntries(dys.map((dy, i) => [i, () => tf.clone(dy)])),
    inputs: Object.fromEntries(outputs.entries()),
  }) as unknown as tf.Tensor;

/** Numbers of both signs, the same ones every time. */
const probe = ({ size, shape }: tf.Tensor): tf.Tensor => tf.tensor(Float32Array.from({ length: size }, (_, i) => Math.sin(12.9898 * (i + 1)) ), shape); // prettier-ignore

/** Rounding may differ (fused operations), nothing else. */
function agree(found: readonly tf.Tensor[], expected: readonly tf.Tensor[]): boolean {
  return expected.every((reference, k) => {
    // eslint-disable-next-line no-restricted-syntax -- once for each program, on the native backend
    const [a, b] = [found[k], reference].map((t) => t.dataSync<'float32'>());
    let [worst, largest] = [0, 0];
    b.forEach((value, i) => {
      worst = Math.max(worst, Math.abs(a[i] - value));
      largest = Math.max(largest, Math.abs(value));
    });
    return a.length === b.length && worst <= 1e-5 * largest;
  });
}

const idOf = (t: tf.Tensor): { id: number; dtype: number } => {
  const [id] = backend().getInputTensorIds([t]);
  return { id, dtype: backend().tensorMap.get(t.dataId).dtype };
};

export function compileForward({ plain, images, layers, weights }: Pass): Compiled | undefined {
  const input = idOf(images);
  const written = trace(backend(), () => plain(images, layers));
  const outputs = written.result.map((t) => idOf(t).id);
  const forward = define(written, written.calls, [input], outputs, weights);
  if (agree(run(forward, [images]), written.result)) {
    return { forward, kernels: [], gradients: new Map(), tally: { relus: 0, pools: 0, gates: 0 } };
  }
  forget([forward]);
  return undefined;
}

export function compileGradient({ plain, images, layers, weights }: Pass): Compiled | undefined {
  const input = idOf(images);
  const before = { ...tally() };
  let outputs: tf.Tensor[] = [];
  let dys: tf.Tensor[] = [];
  try {
    const written = trace(backend(), (calls) => {
      let names: string[] = [];
      let middle = 0;
      const forward = () => {
        outputs = plain(images, layers).map((t) => tf.keep(t));
        dys = outputs.map((t) => tf.keep(probe(t)));
        names = [...new Set(recordedNodes().map(({ kernelName }) => kernelName))];
        middle = calls.length;
        return startingAt(outputs, dys);
      };
      const [gradient] = safely(() => engine().gradients(forward, [images], null, true)).grads;
      return { names, middle, gradient, seeds: dys.map(idOf) };
    });
    const counted = since(before);
    const { names, middle, gradient, seeds } = written.result;
    if (!gradient) return undefined;
    const result = idOf(gradient).id;
    const [there, back] = [written.calls.slice(0, middle), written.calls.slice(middle)];
    const types = new Map(there.flatMap((call) => call.outputs.map(({ id, dtype }) => [id, dtype])));
    const used = new Set(neededFor(back, [result]).flatMap((call) => call.inputs));
    const keepsImage = used.has(input.id);
    const kept = [...used].filter((id) => types.has(id)).map((id) => ({ id, dtype: types.get(id)! }));
    const outs = outputs.map((t) => idOf(t).id);
    const forward = define(written, there, [input], [...outs, ...kept.map(({ id }) => id)], weights);
    const backward = define(written, back, [...seeds, ...kept, ...(keepsImage ? [input] : [])], [result], weights);
    const gradients: Gradients = new Map(names.map((name) => [name, tf.getGradient(name)]));
    const made = run(forward, [images]);
    const [found] = run(backward, [...dys, ...made.slice(outs.length), ...(keepsImage ? [images] : [])]);
    if (agree([...made.slice(0, outs.length), found], [...outputs, gradient])) {
      return { forward, backward, keepsImage, kernels: names, gradients, tally: counted };
    }
    forget([forward, backward]);
    return undefined;
  } finally {
    Object.assign(tally(), before); // the program will say it at each of its runs
    tf.dispose([...outputs, ...dys]);
  }
}
