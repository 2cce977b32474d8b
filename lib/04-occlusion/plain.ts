import { tf } from '../tf/backend';
import type { ImageModel } from '../model/model';
import type { Occluder } from './incremental/pixels';
import type { Block, PatchGrid } from './positions';
import { perPosition, type Scorer, type WatchedMap } from './scorer';

/** The occluded pictures of a block, [n, h, w, 3], RGB. */
function covered({ image, filler }: Occluder, grid: PatchGrid, { rows, cols }: Block): tf.Tensor4D {
  const { height, width, channels, data } = image;
  const pictures = new Float32Array(rows.length * cols.length * data.length);
  let at = 0;
  for (const i of rows) {
    for (const j of cols) {
      pictures.set(data, at);
      for (let y = grid.rows[i].first; y <= grid.rows[i].last; y++) {
        const from = (y * width + grid.cols[j].first) * channels;
        pictures.set(filler.subarray(from, (y * width + grid.cols[j].last + 1) * channels), at + from);
      }
      at += data.length;
    }
  }
  return tf.tensor4d(pictures, [rows.length * cols.length, height, width, channels]);
}

/** The definition itself: cover, run the whole network, read the scores. For any network. */
export function plainScorer(model: ImageModel, occluder: Occluder, grid: PatchGrid, watched?: WatchedMap): Scorer {
  const logitsLayer = model.layerName();
  return {
    incremental: false,
    async *score(blocks) {
      for (const block of blocks) {
        const results = tf.tidy(() => {
          const layers = watched ? [logitsLayer, watched.layer] : [logitsLayer];
          const [logits, maps] = model.forward(covered(occluder, grid, block), layers);
          if (!watched) return [logits];
          return [
            logits,
            tf.sum(tf.slice(maps as tf.Tensor4D, [0, 0, 0, watched.channel], [-1, -1, -1, 1]), [1, 2, 3]),
          ];
        });
        const classes = results[0].shape[1]!;
        const [logits, mapSums] = (await Promise.all(results.map((t) => t.data()))) as Float32Array[];
        tf.dispose(results);
        yield perPosition(block, logits, classes, { mapSums });
      }
    },
    dispose: () => undefined,
  };
}
