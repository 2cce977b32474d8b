import { tf } from '../../tf/backend';
import type { Convolution } from '../../model/networks/layers';
import type { Branch, Chain, Step } from './chain';
import { type WindowCopier, windowCopier } from './copy';
import { type ChangeRule, coversAll, type Placement, planSteps, sameWindows, type StepPlan } from './geometry';
import { imageWindows, type Occluder, type Patches } from './pixels';
import { type CleanStep, Spread } from './spread';

/** Runs a chain on windows only: what the patches of one block change, layer by layer. */

type Layer = tf.layers.Layer;

/** The values of one layer at the windows of a block. */
export interface Changed {
  readonly values: tf.Tensor4D;
  readonly at: Placement;
}

/** Called with every layer's output; must not dispose it. */
export type Observer = (layer: string, changed: Changed) => void;

/** A layer, perhaps together with the ReLU behind it. */
interface Stage {
  readonly layer: Layer;
  readonly rectifier?: Layer;
}

/** A convolution and its ReLU are one operation, unless somebody wants to see what is in between. */
function stagesOf(layers: readonly Layer[], watched: boolean): Stage[] {
  const joins = (layer: Layer, next?: Layer) =>
    !watched && layer.getClassName() === 'Convolution' && next?.getClassName() === 'Relu';
  return layers.flatMap((layer, i) => {
    if (i > 0 && joins(layers[i - 1], layer)) return [];
    return [{ layer, rectifier: joins(layer, layers[i + 1]) ? layers[i + 1] : undefined }];
  });
}

type Pad = 'same' | 'valid';
type Padded = (x: tf.Tensor4D, pad: 'valid') => tf.Tensor4D;

/** @param padded the cut-out already contains the layer's padding */
function runStage({ layer, rectifier }: Stage, x: tf.Tensor4D, padded: boolean): tf.Tensor4D {
  const own = layer as unknown as { pad: Pad; apart?: Convolution['apart']; convolve?: Padded; pool?: Padded };
  if (own.apart) return own.apart(x, padded ? 'valid' : own.pad, rectifier !== undefined);
  const onWindow = padded && (own.convolve ?? own.pool);
  return onWindow ? onWindow.call(layer, x, 'valid') : (layer.call(x, {}) as tf.Tensor4D);
}

/** The part of the step's cut-out that a branch with a smaller kernel reads. */
function crop(x: tf.Tensor4D, step: Step, branch: Branch, out: Placement): tf.Tensor4D {
  const length = (windows: number, { size, stride }: { size: number; stride: number }) => (windows - 1) * stride + size;
  const rows = length(out.rows.length, branch.rows);
  const cols = length(out.cols.length, branch.cols);
  if (rows === x.shape[1] && cols === x.shape[2]) return x;
  return tf.slice(
    x,
    [0, step.rows.before - branch.rows.before, step.cols.before - branch.cols.before, 0],
    [-1, rows, cols, -1],
  );
}

/** 1 inside the map and 0 outside it, per place of the branch's windows; undefined where no window sticks out. */
function insideMap(step: Step, branch: Branch, plan: StepPlan): tf.Tensor4D | undefined {
  const axis = (from: 'rows' | 'cols') => {
    const { size, stride, before } = branch[from];
    const length = (plan.out[from].length - 1) * stride + size;
    const offset = step[from].before - before;
    return plan.in[from].starts.map((start) =>
      Float32Array.from({ length }, (_, i) => Number(start + offset + i >= 0 && start + offset + i < step[from].input)),
    );
  };
  const [rows, cols] = [axis('rows'), axis('cols')];
  if ([...rows, ...cols].every((places) => places.every((inside) => inside === 1))) return undefined;
  const shape: [number, number, number, number] = [rows.length * cols.length, rows[0].length, cols[0].length, 1];
  const mask = new Float32Array(shape.reduce((a, b) => a * b, 1));
  let at = 0;
  for (const down of rows) for (const across of cols) for (const y of down) for (const x of across) mask[at++] = y * x;
  return tf.tensor4d(mask, shape);
}

/** What lies outside the map becomes the branch's own padding: layers before its kernel have put their bias there. */
function withOwnPadding(x: tf.Tensor4D, mask: tf.Tensor4D | undefined, padValue: number): tf.Tensor4D {
  if (!mask) return x;
  const inside = tf.mul(x, mask) as tf.Tensor4D;
  return padValue === 0 ? inside : tf.add(inside, tf.mul(tf.sub(1, mask), padValue));
}

const same = (a: Placement, b: Placement) => sameWindows(a.rows, b.rows) && sameWindows(a.cols, b.cols);
const everything = (p: Placement, rows: number, cols: number) => coversAll(p.rows, rows) && coversAll(p.cols, cols);

/** Applies layers one after the other and frees each input as soon as it is read: the next layer finds it in cache. */
function applyAll(
  stages: readonly Stage[],
  first: tf.Tensor4D,
  run: (stage: Stage, x: tf.Tensor4D) => tf.Tensor4D,
  seen: (layer: Layer, x: tf.Tensor4D) => void,
): tf.Tensor4D {
  let x = first;
  for (const stage of stages) {
    const y = run(stage, x);
    if (x !== first) x.dispose();
    seen(stage.rectifier ?? stage.layer, (x = y));
  }
  return x;
}

export class WindowRunner {
  private readonly copiers: (WindowCopier | undefined)[];
  private readonly spreads: readonly (Spread | undefined)[];

  /**
   * @param clean per step: its input without a patch, [1, h, w, c], and its convolution's output, where that is spread;
   *   not disposed, not needed afterwards
   * @param rule only a test replaces it, by a wrong one
   */
  constructor(
    private readonly chain: Chain,
    private readonly occluder: Occluder,
    clean: readonly CleanStep[],
    private readonly rule?: ChangeRule,
  ) {
    // The first step reads pixels; padding alone shifts its windows. Neither needs a table.
    this.copiers = chain.steps.map((step, i) =>
      i === 0 || (step.rows.size === 1 && step.rows.stride === 1)
        ? undefined
        : windowCopier(clean[i].input, step.padValue),
    );
    this.spreads = clean.map(({ input, convolved: c }) => c && new Spread(c.layer, input, c.output));
  }

  /** One block of patches through all steps; the values belong to the caller (or to its tidy). */
  run(patches: Patches, observe?: Observer): Changed {
    const { steps } = this.chain;
    // Between a convolution and its rectifier nothing outside the map may be shown.
    const spreads = (index: number, at: Placement) => !observe && (this.spreads[index]?.worth(at) ?? false);
    const plans = planSteps(patches, steps, { rule: this.rule, spreads });
    let state: Changed | undefined;
    steps.forEach((step, i) => {
      const values = tf.tidy(() => this.step(i, step, plans[i], state, patches, observe));
      state?.values.dispose();
      state = { values, at: plans[i].out };
    });
    return state!;
  }

  private step(
    index: number,
    step: Step,
    plan: StepPlan,
    state: Changed | undefined,
    patches: Patches,
    observe?: Observer,
  ): tf.Tensor4D {
    const seen = (layer: Layer, values: tf.Tensor4D) => observe?.(layer.name, { values, at: plan.out });
    const spread = plan.spread && this.spreads[index]!;
    if (spread)
      return applyAll(
        stagesOf(step.then, false),
        spread.run(state!.values, plan.in, plan.out),
        (stage, x) => runStage(stage, x, false),
        seen,
      );
    // Once the change fills the whole map there is nothing to cut: the layer with its own padding.
    const whole =
      state !== undefined &&
      everything(state.at, step.rows.input, step.cols.input) &&
      everything(plan.out, step.rows.output, step.cols.output);
    const input = whole ? state!.values : this.cut(index, step, plan, state, patches);
    const results = step.branches.map((branch) => {
      const own = whole ? input : crop(input, step, branch, plan.out);
      const mask = whole || branch.padValue === undefined ? undefined : insideMap(step, branch, plan);
      const kernel = branch.layers[branch.kernel];
      // with one branch, what follows is part of it
      const layers = step.join ? branch.layers : [...branch.layers, ...step.then];
      return applyAll(
        stagesOf(layers, observe !== undefined),
        own,
        (stage, x) =>
          whole || stage.layer !== kernel
            ? runStage(stage, x, false)
            : runStage(stage, withOwnPadding(x, mask, branch.padValue ?? 0), true),
        // What comes before the kernel is computed at other windows than the step's.
        (layer, x) => layers.indexOf(layer) >= branch.kernel && seen(layer, x),
      );
    });
    const values = step.join ? this.joined(step, results, seen, observe !== undefined) : results[0];
    // A step of padding alone hands its input on: the caller disposes that one, so it needs a handle of its own.
    return values === state?.values ? values.clone() : values;
  }

  private joined(step: Step, parts: tf.Tensor4D[], seen: (l: Layer, x: tf.Tensor4D) => void, watched: boolean) {
    const whole = step.join!.getClassName() === 'Add' ? (tf.addN(parts) as tf.Tensor4D) : tf.concat(parts, 3);
    seen(step.join!, whole);
    return applyAll(stagesOf(step.then, watched), whole, (stage, x) => runStage(stage, x, false), seen);
  }

  private cut(index: number, step: Step, plan: StepPlan, state: Changed | undefined, patches: Patches): tf.Tensor4D {
    if (!state) return imageWindows(this.occluder, patches, plan.in, step.padValue);
    const copier = this.copiers[index];
    if (!copier || same(state.at, plan.in)) return state.values;
    return copier.copy(state.values, state.at, plan.in);
  }

  dispose(): void {
    for (const held of [...this.copiers, ...this.spreads]) held?.dispose();
  }
}
