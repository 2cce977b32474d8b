import * as tf from '@tensorflow/tfjs';
import { type PoolingAttributes, unpoolBySwitches } from '../tf/max-pool-switches';

/**
 * Other backward rules for ReLU and max pooling, through TF.js' gradient registry.
 *
 * The registry is global. It is changed only around synchronous code and put back in `finally`: across an await two
 * callers would corrupt each other.
 */

/**
 * What leaves a ReLU on the way back. `gradient` is what arrives from above; `gate` lets a gradient pass only where
 * the ReLU was open in the forward pass (0 < x, and x < 6 for ReLU6).
 */
export type ReluBackward = (gradient: tf.Tensor, gate: (gradient: tf.Tensor) => tf.Tensor) => tf.Tensor;

export type PoolBackward = 'gradient' | 'switches';

export interface BackwardRules {
  /** Without one: TF.js' own gradient. */
  readonly relu?: ReluBackward;
  readonly pool?: PoolBackward;
}

/** How many operations the rules have changed; final when the backward pass has run. */
export interface RuleCount {
  relus: number;
  pools: number;
}

const RELU_KERNELS = ['Relu', 'Relu6'];

type GradConfig = NonNullable<ReturnType<typeof tf.getGradient>>;

function reluGradient(original: GradConfig, rule: ReluBackward, count: RuleCount): GradConfig {
  return {
    kernelName: original.kernelName,
    inputsToSave: original.inputsToSave,
    gradFunc: (dy, saved, attributes) => ({
      x: () => {
        count.relus++;
        const gate = (gradient: tf.Tensor) => original.gradFunc(gradient, saved, attributes).x();
        return tf.tidy(() => rule(dy as tf.Tensor, gate));
      },
    }),
  };
}

function poolGradient(original: GradConfig, count: RuleCount): GradConfig {
  return {
    ...original,
    gradFunc: (dy, saved, attributes) => ({
      x: () => {
        count.pools++;
        return unpoolBySwitches(tf, dy as tf.Tensor, saved, attributes as unknown as PoolingAttributes);
      },
    }),
  };
}

/**
 * 在 `body` 运行期间改用别的反向规则；forward 与 backward 都必须在 `body` 之内（同步）。
 *
 * @param body receives the counter, which is final when its tf.grad has returned
 */
export function withBackwardRules<T>({ relu, pool }: BackwardRules, body: (count: RuleCount) => T): T {
  const count: RuleCount = { relus: 0, pools: 0 };
  const replaced: GradConfig[] = [];
  const replace = (kernel: string, change: (original: GradConfig) => GradConfig) => {
    const original = tf.getGradient(kernel);
    tf.unregisterGradient(kernel);
    replaced.push(original);
    tf.registerGradient(change(original));
  };
  try {
    if (relu) for (const kernel of RELU_KERNELS) replace(kernel, (original) => reluGradient(original, relu, count));
    if (pool === 'switches') replace('MaxPool', (original) => poolGradient(original, count));
    return body(count);
  } finally {
    for (const original of replaced.reverse()) {
      tf.unregisterGradient(original.kernelName);
      tf.registerGradient(original);
    }
  }
}
