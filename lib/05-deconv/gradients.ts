import { tf } from '../tf/backend';
import { type PoolBackward, type ReluBackward, type RuleCount, withBackwardRules } from './backward-rules';
import { recordedKernels } from '../tf/compiled';
import { safely } from '../tf/tape';
import { checkFunction } from '../base/check';
import { CourseError } from '../base/errors';
import { checkImageNow } from '../image/check';
import type { ImageModel } from '../model/model';
import { resolveTarget, seedGradient, type Target } from '../model/target';
import { given } from '../model/given';

export type { PoolBackward, ReluBackward };
export type { Position, Target } from '../model/target';

/** 反向规则（backward rule）：梯度穿过 ReLU 时怎么改。 */
export type Rule = 'backprop' | 'deconv' | 'guided';

/**
 * 三种规则的全部区别（the three rules）。`d` 是从上面传来的梯度，`gate(d)` 只在前向时打开的 ReLU（输入 > 0）处放行：
 * backprop（反向传播）d·[x > 0]；deconv（反向去卷积, Zeiler & Fergus 2014）d·[d > 0]；
 * guided（导向反向传播, Springenberg 等 2015）d·[x > 0]·[d > 0]。
 */
export const RULES: Readonly<Record<Rule, ReluBackward>> = {
  backprop: (d, gate) => gate(d),
  deconv: (d) => tf.relu(d),
  guided: (d, gate) => gate(tf.relu(d)),
};

export interface GradientOptions {
  /** 缺省 'backprop'。 */
  rule?: Rule;
  /**
   * 最大池化的反向：'gradient'（缺省，TF.js 的梯度，窗口重叠处相加）或 'switches'（Zeiler 的开关，重叠处后写的覆盖先写的）。
   */
  pool?: PoolBackward;
}

/** Operations of activation functions that no rule can change: ReLU written out, with a negative side, and smooth ones. */
export const OTHER_ACTIVATIONS: Readonly<Record<string, string>> = {
  Maximum: '逐元素取大（Maximum）',
  ClipByValue: '截断（ClipByValue）',
  LeakyRelu: 'LeakyReLU',
  Prelu: 'PReLU',
  Elu: 'ELU',
  Selu: 'SELU',
  Sigmoid: 'Sigmoid（包括 swish）',
  Tanh: 'Tanh（包括 mish）',
  Erf: 'GELU（Erf）',
  Softplus: 'Softplus',
  Abs: '绝对值（Abs，softsign 里有它）',
};

/** The name under which a gate counts among them. */
export const GATE = 'hard-swish 或 hard-sigmoid 的门 ReLU6(x + 3)';

export function checkRule(rule: Rule, pool: PoolBackward): void {
  if (!(rule in RULES)) throw new RangeError(`规则 rule 应为 ${Object.keys(RULES).join('、')}，得到 ${String(rule)}`);
  if (pool !== 'gradient' && pool !== 'switches') {
    throw new RangeError(`pool 应为 'gradient' 或 'switches'，得到 ${String(pool)}`);
  }
}

/**
 * 在某种反向规则下运行一段同步的求梯度代码（run with a backward rule）：`withRule('guided', () => tf.grad(f)(x))`。
 *
 * 规则在 `tf.grad` 之内生效，结束后（出错也一样）TF.js 的梯度登记表恢复原样。
 *
 * @param body 同步函数；其中的 forward 与 backward 都受影响；参数 `count` 在 tf.grad 返回后是改到的 ReLU 与池化的个数
 * @throws RangeError 规则不认识；TypeError body 是异步函数
 * @example
 * const slopes = tf.tidy(() => withRule('guided', () => tf.grad((x) => tf.sum(tf.relu(x)))(tf.tensor1d([-1, 2]))));
 * await slopes.data(); // [0, 1]
 * dispose(slopes);
 */
export function withRule<T>(
  rule: Rule,
  body: (count: RuleCount) => T,
  { pool = 'gradient' }: { pool?: PoolBackward } = {},
): T {
  checkRule(rule, pool);
  checkFunction('body', body);
  const relu = rule === 'backprop' ? undefined : RULES[rule];
  return safely(() =>
    withBackwardRules({ relu, pool }, (count) => {
      const result = body(count);
      if (!(result instanceof Promise)) return result;
      result.catch(() => undefined); // what it goes on to do counts for nothing any more
      throw new TypeError(
        'withRule 的 body 应是同步函数：规则在它返回时就恢复原样，await 之后的梯度不受影响。请把 tf.grad 写在 body 里，读数（data()）放到外面。',
      );
    }),
  );
}

/**
 * 一个神经元（或类别得分）对输入图像的梯度（input gradient）：前向到这一层，令这个神经元的梯度为 1、
 * 同层其余为 0，再传回输入。有正有负，不经任何截断。
 *
 * @param image `[h, w, 3]`，RGB，[0, 1]；不会被 dispose
 * @param target `{ class }` 或 `{ layer, channel, at }`，见 Target；`at` 缺省 'center'
 * @param options `rule` 缺省 'backprop'；`pool` 缺省 'gradient'
 * @returns 与图像同形 `[h, w, 3]`，d target / d image，由调用者 dispose；神经元"死"了（输出恒为 0）时处处为 0
 * @throws RangeError 类别、层、通道、位置或规则不对
 * @throws CourseError 没有类别得分；或者下面有 ReLU，规则却一个也改不到（见 explainRule）
 * @see Simonyan 等 2014 (arXiv:1312.6034)；Zeiler & Fergus 2014 (arXiv:1311.2901)；Springenberg 等 2015 (arXiv:1412.6806)
 * @example
 * const gradient = inputGradient(model, image, { class: 387 }, { rule: 'guided' });
 * const map = finish(gradient, saliency, unitScale());
 * dispose(gradient, map);
 */
export function inputGradient(
  model: ImageModel,
  image: tf.Tensor3D,
  target: Target,
  { rule = 'backprop', pool = 'gradient' }: GradientOptions = {},
): tf.Tensor3D {
  const resolved = resolveTarget(model, target);
  checkImageNow(image);
  return tf.tidy(() => {
    const images = tf.expandDims(image, 0) as tf.Tensor4D;
    return tf.squeeze(
      backProject(model, images, resolved.layer, (a) => seedGradient(a, [resolved]), { rule, pool }),
      [0],
    );
  });
}

/**
 * 反向投影（back-projection）：把某一层上给定的梯度 `seed` 传回一批图像。其余函数都建立在它之上。
 *
 * @param images `[n, h, w, 3]`，RGB，[0, 1]
 * @param seed 由这一层的激活值造出要传回的梯度（同形）：单个神经元为 1、其余为 0，或任意加权
 * @returns `[n, h, w, 3]`，由调用者 dispose
 */
export function backProject(
  model: ImageModel,
  images: tf.Tensor4D,
  layer: string,
  seed: (activations: tf.Tensor) => tf.Tensor,
  { rule = 'backprop', pool = 'gradient' }: GradientOptions = {},
): tf.Tensor4D {
  let others = new Set<string>();
  const value = (x: tf.Tensor) => {
    const [activations] = given(model).forward(x as tf.Tensor4D, [layer]);
    others = new Set(recordedKernels().flatMap((name) => OTHER_ACTIVATIONS[name] ?? []));
    return startFrom(activations, seed);
  };
  const differentiate = (count: RuleCount) =>
    tf.tidy(() => {
      const gradient = tf.grad(value)(images) as tf.Tensor4D;
      if (count.gates > 0) others.add(GATE);
      if (rule !== 'backprop' && count.relus === 0 && others.size > 0) throw nothingChanged(layer, others);
      return gradient;
    });
  return withRule(rule, differentiate, { pool });
}

/** A scalar whose gradient with respect to the activations IS the seed, whatever the seed was made from. */
const startFrom = (activations: tf.Tensor, seed: (activations: tf.Tensor) => tf.Tensor): tf.Scalar =>
  tf.customGrad((a, save) => {
    const start = seed(a as tf.Tensor);
    (save as (tensors: tf.Tensor[]) => void)([start]);
    return { value: tf.sum(tf.mul(a as tf.Tensor, start)), gradFunc: (_, saved) => tf.clone(saved[0]) };
  })(activations) as tf.Scalar;

/** The error of deconv and guided where there are activation functions, but none that they could change. */
export const nothingChanged = (layer: string, others: Iterable<string>) =>
  new CourseError(
    `规则 'deconv' 与 'guided' 只会改 ReLU 与 ReLU6，而 ${layer} 之下只有 ${[...others].join('、')}，一个也没有改到；` +
      `请用 rule: 'backprop'，或把网络的激活函数写成 ReLU 层（tf.layers.reLU，或 activation: 'relu'、'relu6'）`,
  );
