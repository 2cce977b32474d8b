import { given } from '../model/given';
import type { ImageModel } from '../model/model';

/** Bytes of activations that a backward pass may hold; TensorFlow takes three times as much around them. */
const BUDGET = 192 * 2 ** 20;
/** More at once is hardly faster. */
const MOST = 8;

/**
 * How many images go through a network and back at once: 8 for AlexNet, 4 for SqueezeNet and EfficientNet-Lite0, fewer
 * for larger ones. Every activation is kept for the way back: an image takes 30 MB in AlexNet, 110 MB in SqueezeNet,
 * and the native backend gives nothing back to the system. All at once would not fit into a student's memory.
 */
export function gradientBatch(model: ImageModel): number {
  const bytes = given(model).layers.reduce((sum, { shape }) => sum + 4 * shape.reduce((a, b) => a * b, 1), 0);
  return Math.min(MOST, Math.max(1, Math.round(BUDGET / bytes)));
}
