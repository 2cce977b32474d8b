/**
 * Every pair of points pushes apart. Writes Σ_j q² (y_i − y_j) of each point into `fx`, `fy`, where
 * q = 1 / (1 + |y_i − y_j|²), and returns the sum of q over all ordered pairs, the Z of t-SNE's Q = q / Z.
 */
export type Repulsion = (x: Float64Array, y: Float64Array, fx: Float64Array, fy: Float64Array) => number;

/** The definition, pair by pair: O(n²), for the lesson, for tests and for few points. */
export const exactRepulsion: Repulsion = (x, y, fx, fy) => {
  fx.fill(0);
  fy.fill(0);
  let half = 0;
  for (let i = 1; i < x.length; i++) {
    const xi = x[i];
    const yi = y[i];
    let sx = 0;
    let sy = 0;
    for (let j = 0; j < i; j++) {
      const dx = xi - x[j];
      const dy = yi - y[j];
      const q = 1 / (1 + dx * dx + dy * dy);
      half += q;
      const ux = q * q * dx;
      const uy = q * q * dy;
      sx += ux;
      sy += uy;
      fx[j] -= ux;
      fy[j] -= uy;
    }
    fx[i] += sx;
    fy[i] += sy;
  }
  return 2 * half;
};
