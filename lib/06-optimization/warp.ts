import { tf } from '../tf/backend';

/**
 * Bilinear resampling of an image by a 2x2 matrix about its centre, with its exact gradient. TF.js' own resize and
 * rotate have no gradient on wasm; a gather and a scatter of four neighbours run everywhere.
 */

/** Row-major: source offset from the centre = matrix · target offset, both (row, column). */
export type Matrix2 = readonly [number, number, number, number];

interface Neighbours {
  /** Per target pixel four source pixels (row * width + column), corner by corner, and their weights. */
  readonly index: Int32Array;
  readonly weight: Float32Array;
}

/** Positions outside are moved to the nearest border pixel. */
function neighbours(height: number, width: number, [a, b, c, d]: Matrix2): Neighbours {
  const n = height * width;
  const index = new Int32Array(4 * n);
  const weight = new Float32Array(4 * n);
  const [cy, cx] = [(height - 1) / 2, (width - 1) / 2];
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      const sy = Math.min(height - 1, Math.max(0, cy + a * (y - cy) + b * (x - cx)));
      const sx = Math.min(width - 1, Math.max(0, cx + c * (y - cy) + d * (x - cx)));
      const [top, left] = [Math.min(height - 2, Math.floor(sy)), Math.min(width - 2, Math.floor(sx))];
      const [fy, fx] = [sy - top, sx - left];
      const at = top * width + left;
      index[p] = at;
      index[n + p] = at + 1;
      index[2 * n + p] = at + width;
      index[3 * n + p] = at + width + 1;
      weight[p] = (1 - fy) * (1 - fx);
      weight[n + p] = (1 - fy) * fx;
      weight[2 * n + p] = fy * (1 - fx);
      weight[3 * n + p] = fy * fx;
    }
  }
  return { index, weight };
}

/** `[h, w, c]` → the same shape, resampled; differentiable. Needs at least 2x2 pixels. */
export function warped(image: tf.Tensor3D, matrix: Matrix2): tf.Tensor3D {
  const [height, width, channels] = image.shape;
  const n = height * width;
  const { index, weight } = neighbours(height, width, matrix);
  const resample = tf.customGrad((x, save) => {
    (save as (tensors: tf.Tensor[]) => void)([]);
    const weights = () => tf.tensor2d(weight, [4 * n, 1]);
    const value = tf.tidy(() => {
      // Not tf.gather: TF.js' native kernel of it reads all indices back to check them, at every step.
      const gathered = tf.gatherND(tf.reshape(x as tf.Tensor, [n, channels]), tf.tensor2d(index, [4 * n, 1], 'int32'));
      const sums = tf.sum(tf.reshape(tf.mul(gathered, weights()), [4, n, channels]), 0);
      return tf.reshape(sums, [height, width, channels]);
    });
    const gradFunc = (dy: tf.Tensor) =>
      tf.tidy(() => {
        const spread = tf.mul(tf.tile(tf.reshape(dy, [n, channels]), [4, 1]), weights());
        // scatterND adds up what arrives at the same place, which is what the adjoint of a gather needs.
        const sums = tf.scatterND(tf.tensor2d(index, [4 * n, 1], 'int32'), spread, [n, channels]);
        return tf.reshape(sums, [height, width, channels]);
      });
    return { value, gradFunc };
  });
  return tf.tidy(() => resample(image) as tf.Tensor3D);
}

/** Rows (axis 0) or columns (axis 1) moved round by so many pixels: what leaves on one side comes back on the other. */
export function rolled(image: tf.Tensor3D, by: number, axis: 0 | 1): tf.Tensor3D {
  const length = image.shape[axis];
  const shift = ((by % length) + length) % length;
  if (shift === 0) return image;
  const part = (from: number, count: number) => {
    const begin: [number, number, number] = [0, 0, 0];
    const size: [number, number, number] = [...image.shape];
    begin[axis] = from;
    size[axis] = count;
    return tf.slice(image, begin, size);
  };
  return tf.concat([part(length - shift, shift), part(0, length - shift)], axis);
}

/** The centre cut out, or grey added all round, until it has this size. */
export function fitTo(image: tf.Tensor3D, [height, width]: readonly [number, number]): tf.Tensor3D {
  const [h, w] = image.shape;
  if (h === height && w === width) return image;
  const [top, left] = [Math.max(0, (h - height) >> 1), Math.max(0, (w - width) >> 1)];
  const cropped = tf.slice(image, [top, left, 0], [Math.min(h, height), Math.min(w, width), 3]);
  const [missingH, missingW] = [height - cropped.shape[0], width - cropped.shape[1]];
  if (!missingH && !missingW) return cropped;
  const [above, before] = [missingH >> 1, missingW >> 1];
  return tf.pad(cropped, [[above, missingH - above], [before, missingW - before], [0, 0]], 0.5); // prettier-ignore
}
