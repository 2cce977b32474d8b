import { tf } from '../tf/backend';
import type { ImageModel } from '../model/model';
import { logProbabilitiesOf } from '../model/output';
import { classOf, type ClassTarget } from '../model/target';
import { kindOf } from '../base/check';
import { named } from '../base/named';
import type { Activations, Objective } from '../06-optimization/objectives';

/**
 * 攻击要变大的量（loss）：
 * - 'crossEntropy'：交叉熵，FGSM 论文的选择。走向目标时是 log p；离开一个类别时是 log((1 − p) / p)，
 *   它与 −log p 的梯度方向相同，但 p 舍入成 1 时仍然算得准；
 * - 'margin'：得分之差，大于 0 就是攻击成功。
 */
export type AttackLoss = 'crossEntropy' | 'margin';

/** 攻击的方向（goal）：离开一个类别 `{ away: { class } }`，或走向一个类别 `{ to: { class } }`。 */
export type AttackGoal = { readonly away: ClassTarget } | { readonly to: ClassTarget };

/**
 * The scores that an attack differentiates: before the last ReLU where the network has one (SqueezeNet), because a
 * class whose every unit is cut off there would have no gradient at all.
 */
function scoresOf(model: ImageModel): { layer: string; scores: (at: Activations) => tf.Tensor1D } {
  const layer = model.scoreMap ?? model.layerName();
  return {
    layer,
    scores: (at) => {
      const map = at(layer);
      const classes = map.shape[map.rank - 1]!;
      return tf.mean(tf.reshape(map, [-1, classes]), 0);
    },
  };
}

const valueAt = (scores: tf.Tensor1D, index: number) => tf.sum(tf.slice(scores, [index], [1])) as tf.Scalar;

/** The largest score of all classes but one: the excluded one is lowered beyond reach by a constant. */
function largestOther(scores: tf.Tensor1D, index: number): tf.Scalar {
  const mask = tf.oneHot(tf.scalar(index, 'int32'), scores.size);
  return tf.max(tf.sub(scores, tf.mul(tf.cast(mask, 'float32'), 1e9))) as tf.Scalar;
}

/**
 * Log odds of all other classes against one, log((1 − p) / p). Its gradient is that of −log p times a positive number;
 * −log p itself loses the class's own term as soon as p rounds to 1.
 */
function oddsAgainst(scores: tf.Tensor1D, index: number): tf.Scalar {
  const mask = tf.cast(tf.oneHot(tf.scalar(index, 'int32'), scores.size), 'float32');
  return tf.sub(tf.logSumExp(tf.sub(scores, tf.mul(mask, 1e9))), valueAt(scores, index)) as tf.Scalar;
}

/** An objective for `maximize`: larger means nearer to a successful attack. */
export function attackObjective(goal: AttackGoal, loss: AttackLoss = 'crossEntropy'): Objective {
  if (loss !== 'crossEntropy' && loss !== 'margin') {
    throw new RangeError(`loss 应为 'crossEntropy' 或 'margin'，得到 '${String(loss)}'`);
  }
  if (typeof goal !== 'object' || goal === null)
    throw new TypeError(`goal 应为 { away: { class: 编号 } } 或 { to: { class: 编号 } }，得到 ${kindOf(goal)}`);
  const towards = 'to' in goal;
  const target = towards ? goal.to : goal.away;
  return named(`${loss}(${towards ? '走向' : '离开'} ${target?.class})`, (model: ImageModel) => {
    const index = classOf(model, target, towards ? 'to' : 'away');
    const { layer, scores } = scoresOf(model);
    return {
      layers: [layer],
      value: (at) => {
        const s = scores(at);
        if (loss === 'margin') {
          const margin = tf.sub(valueAt(s, index), largestOther(s, index));
          return (towards ? margin : tf.neg(margin)) as tf.Scalar;
        }
        if (towards) return valueAt(logProbabilitiesOf(s, model.output) as tf.Tensor1D, index);
        // Independent labels: nothing but the label's own score says how probable it is.
        return model.output === 'sigmoid' ? (tf.neg(valueAt(s, index)) as tf.Scalar) : oddsAgainst(s, index);
      },
    };
  });
}
