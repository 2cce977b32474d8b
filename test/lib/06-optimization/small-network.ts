/** A small network to paint for, and one run of it. */
import { startBackend, tf } from '../../../lib/tf/backend';
import type { ImageModel } from '../../../lib/model/model';
import * as o from '../../../lib/06-optimization/objectives';
import { maximize, type MaximizeOptions, type Optimized } from '../../../lib/06-optimization/optimize';
import { randomGenerator } from '../../../lib/base/random';
import { pixels } from '../../../lib/06-optimization/parametrization';
import { tinyModel } from '../../helpers';

const SIZE: [number, number] = [32, 32];
const STEPS = process.env.CONVSCOPE_TESTS === 'small' ? 4 : 12;

/** Gradient ascent on the pixels, without any prior. */
export const NOTHING: MaximizeOptions = { parametrization: pixels() };

/** Random weights of both signs; a linear second layer, so that no score starts dead. */
function network(): ImageModel {
  const random = randomGenerator(3);
  const weights = (n: number) => Array.from({ length: n }, () => random.normal() / 3);
  return tinyModel(SIZE, [
    { kernel: weights(3 * 3 * 3 * 4), size: [3, 3], filters: 4, bias: [0.1, 0.1, 0.1, 0.1] },
    { kernel: weights(3 * 3 * 4 * 5), size: [3, 3], filters: 5, relu: false },
  ]);
}

export let model: ImageModel;

export async function start(): Promise<void> {
  await startBackend();
  model = network();
}

export const release = (result: Optimized) => tf.dispose([result.image, result.best]);

export async function run(objective: o.Objective, options: MaximizeOptions = {}, on = model): Promise<Optimized> {
  const result = await maximize(on, objective, { steps: STEPS, ...options });
  release(result);
  return result;
}
