import type { Recipe } from './recipe';
import { wall } from './optimization-wall';

const settings = {
  model: 'googlenet',
  photo: 'red-panda',
  layers: ['conv2', 'inception_3b', 'inception_4c', 'inception_5b'],
  steps: 32,
  learningRate: 0.08,
  upright: true,
} as const;

/** GoogLeNet from conv2 to the last module. */
export const recipe: Recipe = {
  name: 'optimization-wall-googlenet',
  title: 'GoogLeNet 由 conv2 到 5b，每层九个通道',
  settings,
  seed: 0,
  tolerance: 0.3,
  run: (_settings, seed) => wall(settings, seed),
};
