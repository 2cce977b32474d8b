import { kindOf } from '../base/check';
import type { ImageModel } from './model';

/** The first thing that a method asks: is this a network of the course at all, or something else, or nothing. */
export function assertModel(model: unknown): asserts model is ImageModel {
  if (typeof (model as ImageModel | undefined)?.layerName === 'function') return;
  throw new TypeError(
    `model 应为课程的网络：await loadModel(…)、await loadOwnModel(…) 或 fromLayersModel(…) 的结果；得到 ${kindOf(model)}`,
  );
}

/** The same as an expression, for whoever asks the network something at once: `given(model).roles.firstConv`. */
export function given(model: ImageModel): ImageModel {
  assertModel(model);
  return model;
}
