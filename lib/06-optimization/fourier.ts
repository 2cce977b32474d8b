import { tf } from '../tf/backend';
import { normals, type Parametrization } from './parametrization';

/**
 * 傅里叶参数化（decorrelated Fourier parametrisation）：Olah、Mordvintsev & Schubert 2017《Feature Visualization》的想法。
 * An image is a sum of waves; each parameter is the amplitude of one wave in one of three uncorrelated colours,
 * in the unit in which photos use it: low frequencies are large in photos, so they are large steps here.
 */

/**
 * Columns: the principal colours of the course's scenes (brightness, blue against orange, green against magenta),
 * each as long as its standard deviation there.
 */
export const PHOTO_COLOURS: readonly (readonly number[])[] = [
  [0.2155, 0.1132, 0.025],
  [0.2269, 0.0109, -0.0468],
  [0.2469, -0.1088, 0.0213],
];

/** Red, green and blue on their own, of the same size all together (Frobenius norm): what decorrelation is compared with. */
const SIZE = Math.sqrt(PHOTO_COLOURS.flat().reduce((sum, v) => sum + v * v, 0) / 3);
const RGB_COLOURS = [0, 1, 2].map((i) => [0, 1, 2].map((k) => (i === k ? SIZE : 0)));

interface Waves {
  /** [n, n], orthonormal, row-major: column k is a cosine or a sine. */
  readonly basis: Float32Array;
  /** Cycles per pixel of column k: 0 … 0.5. */
  readonly frequency: Float32Array;
}

/** The real Fourier basis of n points: constant, then cosine and sine of 1, 2, … cycles. */
export function waves(n: number): Waves {
  const basis = new Float32Array(n * n);
  const frequency = new Float32Array(n);
  for (let k = 0; k < n; k++) {
    const cycles = (k + 1) >> 1;
    frequency[k] = cycles / n;
    // The constant and, for even n, the fastest cosine have twice the energy of the others.
    const size = Math.sqrt((k === 0 || 2 * cycles === n ? 1 : 2) / n);
    const wave = k % 2 === 1 || k === 0 ? Math.cos : Math.sin;
    for (let y = 0; y < n; y++) basis[y * n + k] = size * wave((2 * Math.PI * cycles * y) / n);
  }
  return { basis, frequency };
}

/** Amplitudes of the waves as 1 / frequency, the mean square being 1: the spectrum of photos. */
function amplitudes(rows: Float32Array, cols: Float32Array, power: number): Float32Array {
  const lowest = 1 / Math.max(rows.length, cols.length);
  const out = new Float32Array(rows.length * cols.length);
  let energy = 0;
  for (let y = 0, i = 0; y < rows.length; y++) {
    for (let x = 0; x < cols.length; x++, i++) {
      out[i] = Math.max(Math.hypot(rows[y], cols[x]), lowest) ** -power;
      energy += out[i] ** 2;
    }
  }
  return out.map((a) => a / Math.sqrt(energy / out.length));
}

const inverse3 = (m: readonly (readonly number[])[]): number[][] => {
  const minor = (r: number, c: number) => {
    const [a, b] = [0, 1, 2].filter((i) => i !== r);
    const [x, y] = [0, 1, 2].filter((i) => i !== c);
    return (m[a][x] * m[b][y] - m[a][y] * m[b][x]) * ((r + c) % 2 ? -1 : 1);
  };
  const determinant = m[0].reduce((sum, value, c) => sum + value * minor(0, c), 0);
  return [0, 1, 2].map((r) => [0, 1, 2].map((c) => minor(c, r) / determinant));
};

/** The matrix times the first axis of [n, …]. */
const alongRows = (matrix: tf.Tensor2D, x: tf.Tensor): tf.Tensor => {
  const [n, ...rest] = x.shape;
  return tf.reshape(tf.matMul(matrix, tf.reshape(x, [n, -1])), [matrix.shape[0], ...rest]);
};
const swapped = (x: tf.Tensor) => tf.transpose(x, [1, 0, 2]);

/** Colours in other axes, and so many times as long. */
const mixed = (x: tf.Tensor, axes: readonly (readonly number[])[], factor: number): tf.Tensor => {
  const matrix = tf.tensor2d(axes.map((row) => row.map((v) => v * factor)));
  return tf.reshape(tf.matMul(tf.reshape(x, [-1, 3]), matrix, false, true), x.shape);
};

/** The sigmoid's slope at grey is 1/4: with colours four times as long, the picture's contrast is that of photos. */
const CONTRAST = 4;
/** What photos vary by around their mean, [0, 1]: the noise of a start in units of the parameters. */
const PHOTO_DEVIATION = 0.24;

/**
 * 傅里叶参数化（Fourier parametrisation）：参数是各频率、各去相关颜色的振幅，图像 = sigmoid(它们的和)。
 *
 * 不能与投影一起用（投影直接改像素）；步进规则宜用 `adam`。
 *
 * @param options `power`：振幅 ∝ 1 / 频率^power，默认 1，即照片的频谱；0 为不加权。
 *   `colours`：'photo'（默认）是照片里去相关的颜色方向；'rgb' 是红、绿、蓝各自独立，总的起伏一样大
 * @example
 * const result = await maximize(model, objective.classScore(130), { parametrization: fourier(), steps: 3 });
 * dispose(result);
 */
export function fourier({
  power = 1,
  colours = 'photo',
}: { power?: number; colours?: 'photo' | 'rgb' } = {}): Parametrization {
  const palette = colours === 'photo' ? PHOTO_COLOURS : RGB_COLOURS;
  const cache = new Map<string, { rows: Waves; cols: Waves; amplitude: Float32Array }>();
  const constants = (height: number, width: number) => {
    const key = `${height}x${width}`;
    if (!cache.has(key)) {
      const [rows, cols] = [waves(height), waves(width)];
      cache.set(key, { rows, cols, amplitude: amplitudes(rows.frequency, cols.frequency, power) });
    }
    return cache.get(key)!;
  };

  const toImage = (parameters: tf.Tensor): tf.Tensor3D => {
    const [height, width] = parameters.shape as [number, number, number];
    const { rows, cols, amplitude } = constants(height, width);
    const spectrum = tf.mul(parameters, tf.tensor3d(amplitude, [height, width, 1]));
    const tall = alongRows(tf.tensor2d(rows.basis, [height, height]), spectrum);
    const wide = swapped(alongRows(tf.tensor2d(cols.basis, [width, width]), swapped(tall)));
    return tf.sigmoid(mixed(wide, palette, CONTRAST)) as tf.Tensor3D;
  };

  const fromImage = (image: tf.Tensor3D): tf.Tensor =>
    tf.tidy(() => {
      const [height, width] = image.shape;
      const { rows, cols, amplitude } = constants(height, width);
      // half a step of 8 bits from black and white, whose logits are infinite
      const inside = tf.clipByValue(image, 0.002, 0.998);
      const logits = tf.log(tf.div(inside, tf.sub(1, inside)));
      const plain = mixed(logits, inverse3(palette), 1 / CONTRAST);
      // Orthonormal: the inverse is the transpose.
      const tall = alongRows(tf.transpose(tf.tensor2d(rows.basis, [height, height])), plain);
      const spectrum = swapped(alongRows(tf.transpose(tf.tensor2d(cols.basis, [width, width])), swapped(tall)));
      return tf.div(spectrum, tf.tensor3d(amplitude, [height, width, 1]));
    });

  return {
    name: nameOf({ power, colours }),
    direct: false,
    toImage,
    fromImage,
    noise: (shape, deviation, random) => normals(shape, deviation / PHOTO_DEVIATION, random),
  };
}

/** Only what differs from the defaults. */
function nameOf({ power, colours }: { power: number; colours: string }): string {
  const other = [
    ...(power === 1 ? [] : [`power: ${power}`]),
    ...(colours === 'photo' ? [] : [`colours: '${colours}'`]),
  ];
  return other.length ? `fourier({ ${other.join(', ')} })` : 'fourier';
}
