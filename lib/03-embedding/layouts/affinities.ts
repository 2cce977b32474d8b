import type { NeighbourTable } from '../nearest-rows';

/**
 * Symmetric joint probabilities P, sparse. Every pair of neighbours is stored once, at its later row: the entries
 * start[i] … start[i + 1] − 1 hold partners `to` < i. `weight` is p_ij = p_ji, so that 2 Σ weight = 1.
 */
export interface Affinities {
  readonly rows: number;
  readonly start: Int32Array;
  readonly to: Int32Array;
  readonly weight: Float64Array;
}

/** Of the entropy, as in the authors' program; bisection needs about 50 halvings for the last digit of a double. */
const TOLERANCE = 1e-5;

/**
 * p_{j|i} of one row: a Gaussian over the neighbours' distances whose entropy is log(perplexity), its width found by
 * bisection. Reads `squared` and writes `out`, both from `base`.
 */
function conditionalRow(squared: Float64Array, base: number, k: number, perplexity: number, out: Float64Array): void {
  const wanted = Math.log(Math.min(perplexity, k));
  // Only differences to the nearest neighbour matter; without this exp underflows for rows far from everything.
  const nearest = squared[base];
  let mean = 0;
  for (let j = 0; j < k; j++) mean += (squared[base + j] - nearest) / k;
  if (!(mean > 0)) {
    out.fill(1 / k, base, base + k); // all neighbours at one distance (duplicates): no width tells them apart
    return;
  }
  let low = 0;
  let high = Infinity;
  let beta = 1 / mean; // 1 / (2 sigma²)
  let sum = 0;
  for (let attempt = 0; attempt < 100; attempt++) {
    sum = 0;
    let weighted = 0;
    for (let j = 0; j < k; j++) {
      const d = squared[base + j] - nearest;
      const p = Math.exp(-beta * d);
      out[base + j] = p;
      sum += p;
      weighted += p * d;
    }
    const entropy = Math.log(sum) + (beta * weighted) / sum;
    if (Math.abs(entropy - wanted) < TOLERANCE) break;
    if (entropy > wanted) {
      low = beta;
      beta = high === Infinity ? beta * 2 : (beta + high) / 2;
    } else {
      high = beta;
      beta = (beta + low) / 2;
    }
  }
  for (let j = 0; j < k; j++) out[base + j] /= sum;
}

/** p_ij = (p_{j|i} + p_{i|j}) / 2n over the k nearest neighbours; beyond 3 × perplexity neighbours p is next to zero. */
export function affinities({ k, index, squared }: NeighbourTable, perplexity: number): Affinities {
  const rows = squared.length / k;
  const conditional = new Float64Array(rows * k);
  for (let i = 0; i < rows; i++) conditionalRow(squared, i * k, k, perplexity, conditional);

  // Counting sort of the directed edges i -> j by their later row; a pair may occur twice, once from each side.
  const first = new Int32Array(rows + 1);
  for (let i = 0; i < rows; i++) for (let e = i * k; e < i * k + k; e++) first[Math.max(i, index[e]) + 1]++;
  for (let i = 0; i < rows; i++) first[i + 1] += first[i];
  const to = new Int32Array(rows * k);
  const weight = new Float64Array(rows * k);
  const next = first.slice();
  for (let i = 0; i < rows; i++) {
    for (let e = i * k; e < i * k + k; e++) {
      const at = next[Math.max(i, index[e])]++;
      to[at] = Math.min(i, index[e]);
      weight[at] = conditional[e] / (2 * rows);
    }
  }
  return mergeTwins(rows, first, to, weight);
}

/** Adds up the two directions of a pair, in place. */
function mergeTwins(rows: number, first: Int32Array, to: Int32Array, weight: Float64Array): Affinities {
  const start = new Int32Array(rows + 1);
  const seenAt = new Int32Array(rows).fill(-1);
  let count = 0;
  for (let i = 0; i < rows; i++) {
    start[i] = count;
    for (let e = first[i]; e < first[i + 1]; e++) {
      const partner = to[e];
      if (seenAt[partner] >= start[i]) {
        weight[seenAt[partner]] += weight[e];
      } else {
        seenAt[partner] = count;
        to[count] = partner;
        weight[count++] = weight[e];
      }
    }
  }
  start[rows] = count;
  return { rows, start, to: to.slice(0, count), weight: weight.slice(0, count) };
}
