import type { Affinities } from './affinities';
import type { Repulsion } from './repulsion-exact';

/** Steps of early exaggeration: P is multiplied so that clusters first form tight, then spread. */
const EXAGGERATED_STEPS = 250;
const EXAGGERATION = 12;

/** Grows with the number of points: each p_ij, and with it each pull, is smaller the more points share P. */
export const learningRate = (rows: number) => Math.max(rows / EXAGGERATION / 4, 50);

/** A layout on its way: `step()` moves every point once, `loss()` is KL(P ‖ Q) at the present points. */
export interface TsneLayout {
  step(): void;
  loss(): number;
  points(): [number, number][];
}

/** Σ_j p_ij q (y_i − y_j) of each point: what neighbours in P pull. */
export function attraction(
  { rows, start, to, weight }: Affinities,
  x: Float64Array,
  y: Float64Array,
  fx: Float64Array,
  fy: Float64Array,
): void {
  fx.fill(0);
  fy.fill(0);
  for (let i = 0; i < rows; i++) {
    const xi = x[i];
    const yi = y[i];
    let sx = 0;
    let sy = 0;
    for (let e = start[i]; e < start[i + 1]; e++) {
      const j = to[e];
      const dx = xi - x[j];
      const dy = yi - y[j];
      const pull = weight[e] / (1 + dx * dx + dy * dy);
      sx += pull * dx;
      sy += pull * dy;
      fx[j] -= pull * dx;
      fy[j] -= pull * dy;
    }
    fx[i] += sx;
    fy[i] += sy;
  }
}

/** KL(P ‖ Q) = Σ p log(p / q), over the pairs with p > 0; `z` normalises Q and comes from a repulsion. */
export function divergence(
  { rows, start, to, weight }: Affinities,
  x: Float64Array,
  y: Float64Array,
  z: number,
): number {
  let sum = 0;
  let mass = 0;
  for (let i = 0; i < rows; i++) {
    for (let e = start[i]; e < start[i + 1]; e++) {
      if (weight[e] === 0) continue;
      const dx = x[i] - x[to[e]];
      const dy = y[i] - y[to[e]];
      sum += 2 * weight[e] * Math.log(weight[e] * (1 + dx * dx + dy * dy));
      mass += 2 * weight[e];
    }
  }
  return sum + mass * Math.log(z);
}

/** One coordinate of all points, how it moves, and what moves it. */
interface Axis {
  readonly position: Float64Array;
  readonly velocity: Float64Array;
  readonly gain: Float64Array;
  readonly pull: Float64Array;
  readonly push: Float64Array;
}

/** One step of gradient descent along an axis; `z` normalises the push. */
function move(
  { position, velocity, gain, pull, push }: Axis,
  { z, rate, exaggeration, momentum }: { z: number; rate: number; exaggeration: number; momentum: number },
): void {
  const n = position.length;
  let mean = 0;
  for (let i = 0; i < n; i++) {
    const gradient = 4 * (exaggeration * pull[i] - push[i] / z);
    // A coordinate that keeps its direction gains speed, one that swings is damped.
    // The rates are those of the authors' program (Jacobs 1988).
    gain[i] = gradient * velocity[i] < 0 ? gain[i] + 0.2 : Math.max(gain[i] * 0.8, 0.01);
    velocity[i] = momentum * velocity[i] - rate * gain[i] * gradient;
    position[i] += velocity[i];
    mean += position[i] / n;
  }
  for (let i = 0; i < n; i++) position[i] -= mean;
}

/**
 * t-SNE's gradient descent: dKL/dy_i = 4 Σ_j (p_ij − q_ij) q (y_i − y_j) as attraction minus repulsion / Z, with
 * momentum, a gain per coordinate, early exaggeration, and the learning rate that grows with the number of points.
 *
 * Papers: van der Maaten & Hinton, JMLR 9 (2008); learning rate: Belkina et al., Nature Communications 10 (2019).
 */
export function tsneLayout(p: Affinities, start: readonly (readonly number[])[], repulsion: Repulsion): TsneLayout {
  const n = p.rows;
  const rate = learningRate(n);
  const axis = (coordinate: 0 | 1): Axis => ({
    position: Float64Array.from(start, (point) => point[coordinate]),
    velocity: new Float64Array(n),
    gain: new Float64Array(n).fill(1),
    pull: new Float64Array(n),
    push: new Float64Array(n),
  });
  const h = axis(0);
  const v = axis(1);
  let done = 0;

  return {
    step() {
      const phase =
        done++ < EXAGGERATED_STEPS ? { exaggeration: EXAGGERATION, momentum: 0.5 } : { exaggeration: 1, momentum: 0.8 };
      attraction(p, h.position, v.position, h.pull, v.pull);
      const z = repulsion(h.position, v.position, h.push, v.push);
      for (const each of [h, v]) move(each, { z, rate, ...phase });
    },
    loss() {
      return divergence(p, h.position, v.position, repulsion(h.position, v.position, h.push, v.push));
    },
    points() {
      return Array.from(h.position, (x, i) => [x, v.position[i]]);
    },
  };
}
