import { tf } from '../tf/backend';
import { randomGenerator } from '../base/random';
import { blurred } from '../image/blur';
import { Ascent, type Problem } from './ascent';
import { checkNumber } from '../base/check';

/** 从哪里开始（start）：噪声、网络的均值颜色，或一幅图。 */
export type StartImage = 'noise' | 'mean' | tf.Tensor3D;

/** The noise of a start on pixels, [0, 1]: ten levels of 255, as Yosinski et al. (2015) begin. */
export const PIXEL_NOISE = 10 / 255;
/** How often a start with a zero gradient is replaced; the noise doubles each time, up to a limit. */
const RESTARTS = 12;
const STRONGEST_NOISE = 0.4;
/** Steps from a loud start until the unit is awake and the noise can go. */
const WAKING = 16;

/** Noise with blobs of 1, 2, 4, 8 or 16 pixels and the same deviation: deep units do not react to single pixels. */
function coarse(white: tf.Tensor3D, attempt: number): tf.Tensor3D {
  const sigma = Math.min(2 ** ((attempt - 1) % 5), Math.min(...white.shape.slice(0, 2)) / 16);
  const soft = blurred(white, sigma);
  const deviation = (x: tf.Tensor) => tf.sqrt(tf.mean(tf.square(x)));
  return tf.mul(soft, tf.div(deviation(white), deviation(soft)));
}

/** A start, evaluated, if the objective reacts to it. Takes over `parameters`. */
async function awake(problem: Problem, parameters: tf.Tensor): Promise<Ascent | undefined> {
  const ascent = new Ascent(problem, parameters);
  try {
    ascent.evaluate(0, true);
    if ((await ascent.slope()) > 0) return ascent;
  } catch (error) {
    ascent.dispose();
    throw error;
  }
  ascent.dispose();
  return undefined;
}

/**
 * Loud noise wakes a dead unit, and stays in the picture to the end: nothing removes what the objective does not mind.
 * So a few steps are taken from there, and the noise subtracted from where they lead; what they have drawn keeps the
 * unit awake. Undefined where it does not.
 */
async function quieter({ problem, parameters }: Ascent, surplus: tf.Tensor): Promise<Ascent | undefined> {
  const trial = new Ascent(problem, tf.clone(parameters));
  try {
    for (let step = 0; step < WAKING; step++) {
      trial.evaluate(step, true);
      trial.advance(step);
    }
    return await awake(problem, tf.sub(trial.parameters, surplus));
  } finally {
    trial.dispose();
  }
}

/** The parameters of a start, and the noise in them. */
function startParameters({ model, parametrization }: Problem, start: StartImage, noise: () => tf.Tensor | undefined) {
  return tf.tidy(() => {
    const grey = () => tf.mul(tf.ones([...model.inputSize, 3]), tf.tensor1d([...model.mean])) as tf.Tensor3D;
    const clean = parametrization.fromImage(start instanceof tf.Tensor ? start : grey());
    const added = noise() ?? tf.zerosLike(clean);
    const noisy = tf.add(clean, added);
    return { parameters: parametrization.direct ? tf.clipByValue(noisy, 0, 1) : noisy, added };
  });
}

/** The first image, evaluated; where the gradient is zero (a dead unit) another one with more and coarser noise. */
export async function begin(problem: Problem, start: StartImage, noise: number, notes: string[]): Promise<Ascent> {
  checkNumber('noise', noise, 0);
  if (typeof start === 'string' && start !== 'noise' && start !== 'mean') {
    throw new RangeError(`start 应为 'noise'、'mean' 或一幅图，得到 '${String(start)}'`);
  }
  const { model, parametrization } = problem;
  const wanted = start === 'noise' ? noise : 0;
  for (let attempt = 0; attempt <= RESTARTS; attempt++) {
    const seed = problem.seed + attempt;
    const louder = Math.max(noise, Math.min(STRONGEST_NOISE, (noise || PIXEL_NOISE) * 2 ** attempt));
    const deviation = attempt > 0 ? louder : wanted;
    const { parameters, added } = startParameters(problem, start, () => {
      if (!deviation) return undefined;
      const white = parametrization.noise([...model.inputSize, 3], deviation, randomGenerator(seed));
      return attempt > 0 && parametrization.direct ? coarse(white as tf.Tensor3D, attempt) : white;
    });
    try {
      const loud = await awake({ ...problem, seed }, parameters);
      if (!loud) {
        notes.push(`种子 ${seed} 的起点上梯度为零（死神经元），换成种子 ${seed + 1}，噪声更强、颗粒更大。`);
        continue;
      }
      if (attempt === 0 || parametrization.direct) return loud;
      const quiet = await withoutSurplus(loud, added, 1 - wanted / deviation);
      if (quiet !== loud) notes.push(`神经元醒来之后（${WAKING} 步），起点上多加的噪声又减去了。`);
      return quiet;
    } finally {
      added.dispose();
    }
  }
  throw new RangeError(
    `目标在 ${RESTARTS + 1} 个起点上梯度都为零（死神经元，dead unit）。请取 ReLU 之前的层（如 conv5 而不是 relu5），或给一幅图作起点 start。`,
  );
}

/** The quieter start, or the loud one where only that keeps the unit awake; the other is disposed. */
async function withoutSurplus(loud: Ascent, noise: tf.Tensor, share: number): Promise<Ascent> {
  const surplus = tf.mul(noise, share);
  try {
    const quiet = await quieter(loud, surplus);
    if (quiet) loud.dispose();
    return quiet ?? loud;
  } catch (error) {
    loud.dispose();
    throw error;
  } finally {
    surplus.dispose();
  }
}
