import { tf } from './backend';
import { canRunPrograms, define, forget, isAlive, neededFor, type Program, run } from './programs';
import { isKnown, openWeights, weightsOf } from './known-layers';
import { besideTape, differentiating, isInterpreting, recordedNodes, safely } from './tape';
import { add, since, type Tally, tally } from './tally';
import { trace, type TracedBackend } from './trace';

/**
 * A network's forward pass, and its way back to the image, as programs of TensorFlow's (see programs.ts). The first
 * calls with a certain shape run the ordinary operations, the next writes them down, every later one runs the program,
 * which gives the very same bits. Where that is impossible (other backends, a layer that reads numbers) the ordinary operations remain.
 */

export type Forward = (images: tf.Tensor4D, layers: readonly string[]) => tf.Tensor[];

type Gradients = ReadonlyMap<string, unknown>;

interface Compiled {
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

interface Slot {
  calls: number;
  programs: Compiled[];
  hopeless: boolean;
}

/** Writing down costs as much as three to five calls, and saves a third of each from then on. */
const PLAIN_CALLS = 4;
/** So many shapes and choices of layers one network may keep programs for. */
const MOST = 24;
/** And so many sets of backward rules each. */
const MOST_RULES = 8;

const kernels = new WeakMap<tf.Tensor, readonly string[]>();

/** The kernels recorded so far by the innermost tf.grad, those inside compiled passes included. */
export const recordedKernels = (): string[] =>
  recordedNodes().flatMap((node) => kernels.get(node.outputs[0]) ?? [node.kernelName]);

const backend = () => tf.backend() as unknown as TracedBackend;

interface Engine {
  gradients(f: () => tf.Tensor, xs: tf.Tensor[], dy: null, allowNone: boolean): { grads: (tf.Tensor | undefined)[] };
  runKernelFunc(kernel: {
    forwardFunc: (backend: unknown, save: (tensors: tf.Tensor[]) => void) => tf.Tensor | tf.Tensor[];
    backwardsFunc: (dys: tf.Tensor | tf.Tensor[], saved: tf.Tensor[]) => Record<string, () => tf.Tensor>;
    inputs: Record<string, tf.Tensor>;
  }): tf.Tensor[];
}

const engine = () => tf.engine() as unknown as Engine;

/** A scalar whose gradients with respect to the outputs are the given ones. */
const startingAt = (outputs: readonly tf.Tensor[], dys: readonly tf.Tensor[]): tf.Tensor =>
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

function compileForward(
  plain: Forward,
  images: tf.Tensor4D,
  layers: readonly string[],
  weights: tf.Tensor[],
): Compiled | undefined {
  const input = idOf(images);
  const written = trace(backend(), () => plain(images, layers));
  const outputs = written.result.map((t) => idOf(t).id);
  const forward = define(tf, written, written.calls, [input], outputs, weights);
  if (agree(run(tf, forward, [images]), written.result)) {
    return { forward, kernels: [], gradients: new Map(), tally: { relus: 0, pools: 0, gates: 0 } };
  }
  forget(tf, [forward]);
  return undefined;
}

function compileGradient(
  plain: Forward,
  images: tf.Tensor4D,
  layers: readonly string[],
  weights: tf.Tensor[],
): Compiled | undefined {
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
    const forward = define(tf, written, there, [input], [...outs, ...kept.map(({ id }) => id)], weights);
    const backward = define(tf, written, back, [...seeds, ...kept, ...(keepsImage ? [input] : [])], [result], weights);
    const gradients: Gradients = new Map(names.map((name) => [name, tf.getGradient(name)]));
    const made = run(tf, forward, [images]);
    const [found] = run(tf, backward, [...dys, ...made.slice(outs.length), ...(keepsImage ? [images] : [])]);
    if (agree([...made.slice(0, outs.length), found], [...outputs, gradient])) {
      return { forward, backward, keepsImage, kernels: names, gradients, tally: counted };
    }
    forget(tf, [forward, backward]);
    return undefined;
  } finally {
    Object.assign(tally(), before); // the program will say it at each of its runs
    tf.dispose([...outputs, ...dys]);
  }
}

export class CompiledForward {
  private readonly slots = new Map<string, Slot>();
  /** Somebody trains the weights through this: there every operation must be on the tape. */
  private training = false;

  constructor(
    private readonly network: tf.LayersModel,
    private readonly plain: Forward,
  ) {}

  run(images: tf.Tensor4D, layers: readonly string[]): tf.Tensor[] {
    const gradient = differentiating();
    const asAlways = isInterpreting() || !canRunPrograms(tf) || (gradient && this.training);
    if (asAlways || !isKnown(this.network)) return this.plain(images, layers);
    const slot = this.slotOf(`${gradient ? 'gradient' : 'forward'} ${images.shape.join()} ${layers.join('|')}`);
    slot.calls++;
    if (slot.hopeless || slot.calls <= PLAIN_CALLS) return this.plain(images, layers);
    const compiled = this.programFor(slot, gradient, images, layers);
    if (!compiled) return this.plain(images, layers);
    return gradient
      ? this.differentiable(compiled, images, layers)
      : tf.tidy(() => run(tf, compiled.forward, [images]));
  }

  private slotOf(key: string): Slot {
    const slot = this.slots.get(key) ?? { calls: 0, programs: [], hopeless: false };
    this.slots.delete(key);
    this.slots.set(key, slot);
    if (this.slots.size > MOST) {
      const [[oldest, { programs }]] = this.slots;
      this.slots.delete(oldest);
      programs.forEach(release);
    }
    return slot;
  }

  private programFor(slot: Slot, gradient: boolean, images: tf.Tensor4D, layers: readonly string[]) {
    const dead = slot.programs.filter((p) => ![p.forward, p.backward].every((one) => !one || isAlive(tf, one)));
    dead.forEach(release);
    slot.programs = slot.programs.filter((p) => !dead.includes(p));
    const fits = ({ gradients }: Compiled) => [...gradients].every(([name, config]) => tf.getGradient(name) === config);
    const ready = slot.programs.find(fits);
    if (ready) return ready;
    const compile = gradient ? compileGradient : compileForward;
    let made: Compiled | undefined;
    try {
      besideTape(() => tf.tidy(() => void (made = compile(this.plain, images, layers, weightsOf(this.network)))));
    } catch {
      // The ordinary operations will say what is wrong, if anything is.
    }
    if (made) slot.programs.unshift(made);
    else slot.hopeless = true;
    slot.programs.splice(MOST_RULES).forEach(release);
    return made;
  }

  private differentiable(compiled: Compiled, images: tf.Tensor4D, layers: readonly string[]): tf.Tensor[] {
    const { forward, backward, keepsImage } = compiled;
    const weights = openWeights(this.network);
    const outputs = engine().runKernelFunc({
      forwardFunc: (_, save) => {
        const made = run(tf, forward, [images]);
        const keep = weights.length || keepsImage ? [images] : [];
        save([...made.slice(layers.length), ...keep]);
        return made.slice(0, layers.length);
      },
      backwardsFunc: (dys, saved) => {
        const above = [dys].flat();
        const inputs = [...above, ...(weights.length && !keepsImage ? saved.slice(0, -1) : saved)];
        return {
          images: () => {
            add(compiled.tally);
            return tf.tidy(() => run(tf, backward!, inputs)[0]);
          },
          ...this.weightGradients(weights, saved[saved.length - 1] as tf.Tensor4D, layers, above),
        };
      },
      inputs: { images, ...Object.fromEntries(weights.map((weight, i) => [`weight${i}`, weight])) },
    });
    kernels.set(outputs[0], compiled.kernels);
    return outputs;
  }

  /** Somebody trains after all: the ordinary operations give the gradients, and from now on run from the start. */
  private weightGradients(
    weights: readonly tf.Tensor[],
    images: tf.Tensor4D,
    layers: readonly string[],
    dys: readonly tf.Tensor[],
  ) {
    const one = (weight: tf.Tensor) => () => {
      this.training = true;
      return besideTape(() =>
        tf.tidy(() => {
          const [gradient] = engine().gradients(() => startingAt(this.plain(images, layers), dys), [weight], null, true).grads; // prettier-ignore
          return gradient ?? tf.zerosLike(weight);
        }),
      );
    };
    return Object.fromEntries(weights.map((weight, i) => [`weight${i}`, one(weight)]));
  }

  dispose(): void {
    for (const { programs } of this.slots.values()) programs.forEach(release);
    this.slots.clear();
  }
}

const release = ({ forward, backward }: Compiled): void => forget(tf, backward ? [forward, backward] : [forward]);
