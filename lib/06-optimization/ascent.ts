import { tf } from '../tf/backend';
import type { ImageModel } from '../model/model';
import type { BoundObjective } from './objectives';
import type { Parametrization } from './parametrization';
import { type RandomGenerator, randomGenerator } from '../base/random';
import type { Penalty } from './penalties';
import type { Projection } from './projections';
import type { Step } from './steps';
import type { Transform } from './transforms';
import { fitTo } from './warp';
import { safely } from '../tf/tape';

/**
 * The state of an optimisation on the device, and the two halves of a step: `evaluate` (value and gradient at the
 * image) and `advance` (the step itself). Neither waits for a number from the device: values are collected as
 * tensors and read together by `read`.
 */

export interface Problem {
  readonly model: ImageModel;
  readonly target: BoundObjective;
  readonly penalties: readonly Penalty[];
  readonly projections: readonly Projection[];
  readonly transforms: readonly Transform[];
  readonly parametrization: Parametrization;
  readonly rule: Step;
  readonly seed: number;
}

/** What one evaluation yields: objective, sum of penalties, their difference. */
export type Reading = readonly [value: number, penalty: number, total: number];

/** An evaluation whose numbers are still on the device, and the image that it was of. */
interface Unread {
  readonly reading: tf.Tensor;
  readonly image: tf.Tensor3D;
}

/** The random numbers of step k depend on seed and k alone, so that a resumed run draws the same ones. */
const stepRandom = (seed: number, step: number): RandomGenerator =>
  randomGenerator(Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(step + 1, 0xc2b2ae35));

export class Ascent {
  private readonly mean: tf.Tensor1D;
  private gradient?: tf.Tensor3D;
  private penaltyGradient?: tf.Tensor;
  private pending: Unread[] = [];
  private bestTotal: number;
  private bestImage: tf.Tensor3D;
  private current: tf.Tensor3D;

  /** Takes over `parameters`, `memory` and `best`. */
  constructor(
    readonly problem: Problem,
    public parameters: tf.Tensor,
    public memory: tf.Tensor[] = [],
    best?: { image: tf.Tensor3D; total: number },
  ) {
    this.mean = tf.tensor1d([...problem.model.mean]);
    this.current = tf.tidy(() => tf.clone(problem.parametrization.toImage(parameters)));
    this.bestImage = best?.image ?? tf.clone(this.current);
    this.bestTotal = best?.total ?? -Infinity;
  }

  get image(): tf.Tensor3D {
    return this.current;
  }

  /** The best image of those whose numbers have been read. */
  get best(): tf.Tensor3D {
    return this.bestImage;
  }

  /** Objective of an image, through the step's random transforms: one forward pass for all its layers. */
  private objective(image: tf.Tensor3D, step: number): tf.Scalar {
    const { model, target, transforms, seed } = this.problem;
    const random = stepRandom(seed, step);
    const moved = transforms.reduce((x, transform) => transform(x, random), image);
    const batch = tf.expandDims(fitTo(moved, model.inputSize), 0) as tf.Tensor4D;
    const outputs = model.forward(batch, target.layers);
    return target.value((layer) => outputs[target.layers.indexOf(layer)]);
  }

  private penalty(image: tf.Tensor3D): tf.Scalar {
    return tf.addN(this.problem.penalties.map((p) => p(image, { mean: this.mean }))) as tf.Scalar;
  }

  /** Value (and gradient, unless this is the last evaluation) at the current image after `step` steps. */
  evaluate(step: number, withGradient: boolean): void {
    this.dropGradients();
    const kept = tf.tidy(() => {
      const at = this.current;
      const differentiate = (f: (x: tf.Tensor3D) => tf.Scalar) =>
        withGradient
          ? (safely(() => tf.valueAndGrad(f as (x: tf.Tensor) => tf.Scalar)(at)) as {
              value: tf.Scalar;
              grad?: tf.Tensor3D;
            })
          : { value: f(at), grad: undefined };
      const gain = differentiate((x) => this.objective(x, step));
      const cost = this.problem.penalties.length ? differentiate((x) => this.penalty(x)) : { value: tf.scalar(0) };
      return {
        reading: tf.stack([gain.value, cost.value, tf.sub(gain.value, cost.value)]),
        image: tf.clone(at),
        gradient: gain.grad,
        penaltyGradient: (cost as { grad?: tf.Tensor }).grad,
      };
    });
    this.gradient = kept.gradient;
    this.penaltyGradient = kept.penaltyGradient;
    this.pending.push({ reading: kept.reading, image: kept.image });
  }

  /** One step along the gradient of the last evaluation; `step` counts the steps before it. */
  advance(step: number): void {
    const { parametrization, projections, rule } = this.problem;
    const gradient = this.gradient!;
    const next = tf.tidy(() => {
      const uphill = this.penaltyGradient ? tf.sub(gradient, this.penaltyGradient) : gradient;
      const { update, memory = [] } = rule(this.pulledBack(uphill), { step, memory: this.memory });
      let parameters = tf.add(this.parameters, update);
      if (parametrization.direct) {
        const context = { step: step + 1, gradient, mean: this.mean };
        // Bounds come first (an image has no other values) and last (projections may leave them by a rounding).
        let image = tf.clipByValue(parameters, 0, 1) as tf.Tensor3D;
        for (const project of projections) image = project(image, context);
        parameters = projections.length ? tf.clipByValue(image, 0, 1) : image;
      }
      return { parameters, memory: [...memory], image: tf.clone(parametrization.toImage(parameters)) };
    });
    tf.dispose([this.parameters, this.current, ...this.memory]);
    this.parameters = next.parameters;
    this.memory = next.memory;
    this.current = next.image;
  }

  /** Gradient with respect to the image -> with respect to the parameters. */
  private pulledBack(gradient: tf.Tensor): tf.Tensor {
    const { direct, toImage } = this.problem.parametrization;
    if (direct) return gradient;
    return safely(() => tf.grad((p) => tf.sum(tf.mul(toImage(p), gradient)))(this.parameters));
  }

  /** The largest |gradient| of the last evaluation: 0 means that the objective does not react to the image. */
  async slope(): Promise<number> {
    const largest = tf.tidy(() => tf.max(tf.abs(this.gradient!)));
    try {
      return (await largest.data())[0];
    } finally {
      largest.dispose();
    }
  }

  get unread(): number {
    return this.pending.length;
  }

  /** The numbers of all evaluations since the last reading, in one round trip; the best of their images is kept. */
  async read(): Promise<Reading[]> {
    if (!this.pending.length) return [];
    const stacked = tf.stack(this.pending.map(({ reading }) => reading));
    try {
      const readings = (await stacked.array()) as unknown as Reading[];
      for (const [i, [, , total]] of readings.entries()) this.offer(this.pending[i], total);
      this.pending = [];
      return readings;
    } finally {
      stacked.dispose();
    }
  }

  /** Takes over what it is offered. */
  private offer({ reading, image }: Unread, total: number): void {
    reading.dispose();
    const [kept, dropped] = total > this.bestTotal ? [image, this.bestImage] : [this.bestImage, image];
    dropped.dispose();
    this.bestImage = kept;
    this.bestTotal = Math.max(total, this.bestTotal);
  }

  private dropGradients(): void {
    tf.dispose([this.gradient, this.penaltyGradient].filter(Boolean) as tf.Tensor[]);
    this.gradient = this.penaltyGradient = undefined;
  }

  /** Everything but what the result takes over: the last and the best image. */
  release(): void {
    this.dropGradients();
    const unread = this.pending.flatMap(({ reading, image }) => [reading, image]);
    tf.dispose([this.mean, this.parameters, ...this.memory, ...unread]);
    this.pending = [];
  }

  dispose(): void {
    this.release();
    tf.dispose([this.current, this.bestImage]);
  }
}
