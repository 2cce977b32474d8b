import { levenbergMarquardt } from 'ml-levenberg-marquardt';
import { checkFilter } from './smooth-noise';
import { checkFields, checkNumbers } from '../base/check';

/** 卷积核的频谱（Fourier spectrum）中最强的一点。 */
export interface FilterSpectrum {
  /** 每像素几周，0（常数）到 0.707。 */
  readonly frequency: number;
  /** 条纹依次排开的方向，度，[0, 180)；0 是竖条纹。 */
  readonly orientation: number;
  /** （去掉平均之后）离这一点半个八度、22.5° 之内的能量占几成；1 是纯粹的光栅。 */
  readonly concentration: number;
}

/** Three times a kernel of 11: the peak is found to a 32nd of a wave per pixel. */
const GRID = 32;

/** |DFT|^2 on a zero-padded GRID x GRID raster, without the mean. */
function power(filter: ArrayLike<number>, [height, width]: readonly [number, number]): Float64Array {
  const mean = Array.from(filter).reduce((a, b) => a + b, 0) / filter.length;
  const result = new Float64Array(GRID * GRID);
  for (let v = 0; v < GRID; v++) {
    for (let u = 0; u < GRID; u++) {
      let [re, im] = [0, 0];
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const phase = (-2 * Math.PI * (u * x + v * y)) / GRID;
          const w = filter[y * width + x] - mean;
          re += w * Math.cos(phase);
          im += w * Math.sin(phase);
        }
      }
      result[v * GRID + u] = re * re + im * im;
    }
  }
  return result;
}

const signed = (k: number) => (k < GRID / 2 ? k : k - GRID) / GRID;
const degrees = (fx: number, fy: number) => ((Math.atan2(fy, fx) * 180) / Math.PI + 360) % 180;

/**
 * 卷积核的朝向与频率（orientation and frequency）：补零到 32×32 后做二维傅里叶变换，取能量最大处。
 *
 * @param filter kh × kw 个权值，按行存放；平均值先减去
 * @example
 * const stripes = Float32Array.from({ length: 64 }, (_, i) => Math.cos((i % 8) * Math.PI / 2));
 * const { frequency } = filterSpectrum(stripes, [8, 8]);
 * frequency; // 0.25
 */
export function filterSpectrum(filter: ArrayLike<number>, size: readonly [number, number]): FilterSpectrum {
  checkFilter(filter, size);
  const energy = power(filter, size);
  let best = 0;
  for (let i = 1; i < energy.length; i++) if (energy[i] > energy[best]) best = i;
  const [fx, fy] = [signed(best % GRID), signed(Math.floor(best / GRID))];
  const frequency = Math.hypot(fx, fy);
  const orientation = degrees(fx, fy);
  let [near, total] = [0, 0];
  for (let i = 0; i < energy.length; i++) {
    const [x, y] = [signed(i % GRID), signed(Math.floor(i / GRID))];
    const f = Math.hypot(x, y);
    total += energy[i];
    const turn = Math.abs(degrees(x, y) - orientation);
    if (Math.abs(Math.log2(f / frequency)) <= 0.5 && Math.min(turn, 180 - turn) <= 22.5) near += energy[i];
  }
  return { frequency, orientation, concentration: total > 0 ? near / total : 0 };
}

/** Gabor 函数的参数：高斯包络里的一段余弦光栅。长度单位为像素，角度为度。 */
export interface GaborParameters {
  /** 振幅。 */
  readonly amplitude: number;
  /** 中心的列。 */
  readonly x: number;
  /** 中心的行。 */
  readonly y: number;
  /** 包络沿波的方向的宽度（σ）。 */
  readonly sigmaAlong: number;
  /** 包络横着波的宽度（σ）。 */
  readonly sigmaAcross: number;
  /** 波的方向，度。 */
  readonly orientation: number;
  /** 每像素几个周期。 */
  readonly frequency: number;
  /** 相位，弧度。 */
  readonly phase: number;
  /** 加上的常数。 */
  readonly constant: number;
}

export interface GaborFit extends GaborParameters {
  /** 1 − 残差能量 / 能量（去掉平均值）：1 为完全吻合，0 为不比常数好。 */
  readonly explained: number;
  /** 拟合出的函数，取在滤波器自己的格点上。 */
  readonly fitted: Float32Array;
}

type Vector = number[];

function evaluate(
  [amplitude, cx, cy, along, across, angle, frequency, phase, constant]: Vector,
  x: number,
  y: number,
): number {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const u = (x - cx) * c + (y - cy) * s;
  const v = -(x - cx) * s + (y - cy) * c;
  return (
    constant +
    amplitude * Math.exp(-0.5 * ((u / along) ** 2 + (v / across) ** 2)) * Math.cos(2 * Math.PI * frequency * u + phase)
  );
}

/**
 * 画出一个 Gabor 函数，kh × kw，按行存放。
 * @example
 * const shape = { amplitude: 1, x: 5, y: 5, sigmaAlong: 2, sigmaAcross: 2, phase: 0, constant: 0 };
 * const values = gaborFilter({ ...shape, orientation: 45, frequency: 0.2 }, [11, 11]);
 */
export function gaborFilter(p: GaborParameters, size: readonly [number, number]): Float32Array {
  const [height, width] = checkNumbers('size', size, 2);
  checkFields('p', p, ['amplitude'], ' Gabor 函数的参数 { amplitude, x, y, … }');
  const vector = checkNumbers('Gabor 函数的参数', [
    p.amplitude,
    p.x,
    p.y,
    p.sigmaAlong,
    p.sigmaAcross,
    (p.orientation * Math.PI) / 180,
    p.frequency,
    p.phase,
    p.constant,
  ]);
  return Float32Array.from({ length: height * width }, (_, i) => evaluate(vector, i % width, Math.floor(i / width)));
}

/** Where the energy of a picture lies: the centroid of its squared deviations. */
function centroid(y: readonly number[], mean: number, width: number): [number, number] {
  let [sx, sy, total] = [0, 0, 1e-12];
  y.forEach((v, i) => {
    const energy = (v - mean) ** 2;
    sx += energy * (i % width);
    sy += energy * Math.floor(i / width);
    total += energy;
  });
  return [sx / total, sy / total];
}

/** Amplitude and phase by projection on the enveloped cosine and sine: the fit then starts close to its goal. */
function startFrom(
  y: readonly number[],
  width: number,
  shape: { at: [number, number]; sigma: number; angle: number; frequency: number; mean: number },
): Vector {
  const { at, sigma, angle, frequency, mean } = shape;
  const wave = (phase: number): Vector => [1, ...at, sigma, sigma, angle, frequency, phase, 0];
  const project = (phase: number) => {
    let [along, norm] = [0, 1e-12];
    y.forEach((v, i) => {
      const g = evaluate(wave(phase), i % width, Math.floor(i / width));
      along += (v - mean) * g;
      norm += g * g;
    });
    return along / norm;
  };
  const [cosine, sine] = [project(0), project(-Math.PI / 2)];
  const vector = wave(-Math.atan2(sine, cosine));
  vector[0] = Math.hypot(cosine, sine);
  vector[8] = mean;
  return vector;
}

/** Least squares from one start; a start that runs away explains nothing. */
function descend(y: readonly number[], [height, width]: readonly [number, number], initial: Vector, total: number) {
  const side = Math.max(height, width);
  const angle = initial[5];
  const { parameterValues } = levenbergMarquardt(
    { x: y.map((_, i) => i), y: [...y] },
    (p: Vector) => (i: number) => evaluate(p, i % width, Math.floor(i / width)),
    {
      initialValues: initial,
      // In the order of evaluate: the largest weight is 1; the centre lies in the kernel; a sigma below 0.6 is one pixel;
      // half a turn of the angle; frequencies to the finest that pixels can show, 0.5, and a little beyond.
      minValues: [-4, -1, -1, 0.6, 0.6, angle - 1.6, 0, -10, -1],
      maxValues: [4, width, height, 2 * side, 2 * side, angle + 1.6, 0.6, 10, 1],
      damping: 0.1,
      gradientDifference: 1e-4,
      // with 200 the 64 kernels of AlexNet are explained by 0.0001 more on average, the most by 0.004
      maxIterations: 50,
      errorTolerance: 1e-8,
    },
  );
  const residual = y.reduce((a, v, i) => a + (v - evaluate(parameterValues, i % width, Math.floor(i / width))) ** 2, 0);
  return { vector: parameterValues, explained: Number.isFinite(residual) ? 1 - residual / total : -Infinity };
}

/**
 * 用 Gabor 函数拟合一个卷积核（Levenberg-Marquardt）：从频谱的峰值、能量的重心出发，试窄、宽两种窗和一个圆斑，取最好的。
 *
 * @param filter kh × kw 个权值，按行存放
 * @returns 参数、拟合图与 `explained`（解释了多少能量）
 * @example
 * const { size, patterns } = await filterPatterns(model);
 * const { explained, orientation } = fitGabor(patterns[0].values, size);
 */
export function fitGabor(filter: ArrayLike<number>, size: readonly [number, number]): GaborFit {
  checkFilter(filter, size);
  const [height, width] = size;
  const values = Array.from(filter);
  const largest = Math.max(...values.map(Math.abs)) || 1;
  const y = values.map((v) => v / largest);
  const mean = y.reduce((a, b) => a + b, 0) / y.length;
  const total = y.reduce((a, v) => a + (v - mean) ** 2, 0) || 1;
  const spectrum = filterSpectrum(filter, size);
  const side = Math.max(height, width);
  const shape = { at: centroid(y, mean, width), angle: (spectrum.orientation * Math.PI) / 180, mean };
  const starts = [
    { ...shape, sigma: side / 6, frequency: spectrum.frequency },
    { ...shape, sigma: side / 3, frequency: spectrum.frequency },
    // less than half a wave across a kernel of 11: a blob
    { ...shape, sigma: side / 4, frequency: 0.04 },
  ].map((start) => descend(y, size, startFrom(y, width, start), total));
  // No start converged: a constant explains nothing, and says so.
  const constantOnly = { vector: [0, 0, 0, 1, 1, 0, 0, 0, mean], explained: 0 };
  const { vector, explained } = [constantOnly, ...starts].reduce((a, b) => (b.explained > a.explained ? b : a));
  return { ...named(vector, largest), explained, fitted: gaborFilter(named(vector, largest), size) };
}

function named(
  [amplitude, x, y, sigmaAlong, sigmaAcross, angle, frequency, phase, constant]: Vector,
  largest: number,
): GaborParameters {
  // Half a turn leaves the stripes where they are but runs through them backwards: the phase changes its sign.
  const halfTurns = Math.floor(angle / Math.PI);
  return {
    amplitude: amplitude * largest,
    x,
    y,
    sigmaAlong,
    sigmaAcross,
    orientation: ((angle - halfTurns * Math.PI) * 180) / Math.PI,
    frequency,
    phase: halfTurns % 2 ? -phase : phase,
    constant: constant * largest,
  };
}
