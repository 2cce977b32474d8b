import type { NamedWeights } from './weights';

/** 读随课程附带的 EfficientNet-Lite0（data/models/efficientnet-lite0，float16）。 */
export function readEmbeddedEfficientNet(folder?: string): NamedWeights {
  throw new Error(`not yet: ${folder}`);
}
