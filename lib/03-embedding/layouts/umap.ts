import { UMAP } from 'umap-js';
import type { RandomGenerator } from '../../base/random';
import type { Matrix, NeighbourTable } from '../nearest-rows';

/** UMAP step by step. The exact neighbours are handed in, so that only the layout itself is the package's. */
export function umapLayout(matrix: Matrix, table: NeighbourTable, epochs: number, random: RandomGenerator) {
  const { rows, columns, data } = matrix;
  const { k, index, squared } = table;
  const umap = new UMAP({ nNeighbors: k + 1, nEpochs: epochs, random: () => random.uniform() });
  // UMAP counts a row as its own nearest neighbour.
  const withSelf = (self: (i: number) => number, other: (entry: number) => number) =>
    Array.from({ length: rows }, (_, i) => [self(i), ...Array.from({ length: k }, (__, j) => other(i * k + j))]);
  const indices = withSelf(
    (i) => i,
    (entry) => index[entry],
  );
  const distances = withSelf(
    () => 0,
    (entry) => Math.sqrt(squared[entry]),
  );
  umap.setPrecomputedKNN(indices, distances);
  umap.initializeFit(Array.from({ length: rows }, (_, i) => Array.from(data.subarray(i * columns, (i + 1) * columns))));
  return {
    step: () => void umap.step(),
    points: () => umap.getEmbedding().map(([x, y]): [number, number] => [x, y]),
  };
}
