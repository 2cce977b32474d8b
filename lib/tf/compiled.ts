import { tf } from './backend';
import { type Compiled, compileForward, compileGradient, engine, type Forward, startingAt } from './compile';
import { canRunPrograms, forget, isAlive, run } from './programs';
import { isKnown, openWeights, weightsOf } from './known-layers';
import { besideTape, differentiating, isInterpreting, recordedNodes } from './tape';
import { add } from './tally';

/**
 * A network's forward pass, and its way back to the image, as programs of TensorFlow's (see programs.ts). The first
 * calls with a certain shape run the ordinary operations, the next writes them down, every later one runs the program,
 * which gives the very same bits. Where that is impossible (other backends, a layer that reads numbers) the ordinary operations remain.
 */

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
    const asAlways = isInterpreting() || !canRunPrograms() || (gradient && this.training);
    if (asAlways || !isKnown(this.network)) return this.plain(images, layers);
    const slot = this.slotOf(`${gradient ? 'gradient' : 'forward'} ${images.shape.join()} ${layers.join('|')}`);
    slot.calls++;
    if (slot.hopeless || slot.calls <= PLAIN_CALLS) return this.plain(images, layers);
    const compiled = this.programFor(slot, gradient, images, layers);
    if (!compiled) return this.plain(images, layers);
    return gradient ? this.differentiable(compiled, images, layers) : tf.tidy(() => run(compiled.forward, [images]));
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
    const dead = slot.programs.filter((p) => ![p.forward, p.backward].every((one) => !one || isAlive(one)));
    dead.forEach(release);
    slot.programs = slot.programs.filter((p) => !dead.includes(p));
    const fits = ({ gradients }: Compiled) => [...gradients].every(([name, config]) => tf.getGradient(name) === config);
    const ready = slot.programs.find(fits);
    if (ready) return ready;
    const compile = gradient ? compileGradient : compileForward;
    let made: Compiled | undefined;
    try {
      besideTape(() =>
        tf.tidy(() => void (made = compile({ plain: this.plain, images, layers, weights: weightsOf(this.network) }))),
      );
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
        const made = run(forward, [images]);
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
            return tf.tidy(() => run(backward!, inputs)[0]);
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

const release = ({ forward, backward }: Compiled): void => forget(backward ? [forward, backward] : [forward]);
