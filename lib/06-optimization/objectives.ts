import { tf } from '../tf/backend';
import type { ImageModel } from '../model/model';
import { logProbabilitiesOf, probabilitiesOf } from '../model/output';
import { firstMaximum, type Position } from '../model/target';
import { checkFunction, checkList, checkNumbers } from '../base/check';
import { checkTensor } from '../image/check';
import { named } from '../base/named';

/** 一次前向传播得到的激活值（activations）：按层名取，带批次轴 `[1, …]`。 */
export type Activations = (layer: string) => tf.Tensor;

/** 绑定到某个网络的目标：要哪些层，怎样由它们算出一个数。 */
export interface BoundObjective {
  /** `value` 要用哪些层的激活值；几个目标共用一次前向传播。 */
  readonly layers: readonly string[];
  /** 可微的一个数，循环使它尽量大。 */
  readonly value: (activations: Activations) => tf.Scalar;
}

/**
 * 目标（objective）：给它一个网络，得到要变大的那个数。自己写一个也只要一行：
 * `(model) => ({ layers: ['conv5'], value: (at) => at('conv5').mean() })`
 */
export type Objective = (model: ImageModel) => BoundObjective;

/** 神经元的位置（position）：特征图中央、当前最大处，或 [行, 列]；整张之和是 `channel`。 */
export type At = Exclude<Position, 'sum'>;

const shapeOf = (model: ImageModel, layer: string) =>
  model.layers.find((l) => l.name === model.layerName(layer))!.shape;

/** An index out of range reads past the heap on wasm and kills the backend: checked before any computation. */
function checkIndex(what: string, index: number, count: number): void {
  if (Number.isInteger(index) && index >= 0 && index < count) return;
  throw new RangeError(`${what} 应为 0 到 ${count - 1} 的整数，得到 ${index}`);
}

/** [1, h, w, c] -> [h, w], or [1, n] -> []: one channel, one unit. */
function channelOf(activations: tf.Tensor, index: number): tf.Tensor {
  const begin = activations.shape.map(() => 0);
  begin[begin.length - 1] = index;
  const size = [...activations.shape.slice(0, -1), 1];
  return tf.reshape(tf.slice(activations, begin, size), activations.shape.slice(1, -1));
}

/** The value at the largest place, which is looked up and then held fixed: the gradient goes there alone. */
function atLargest(map: tf.Tensor): tf.Scalar {
  const row = tf.reshape(map, [1, -1]) as tf.Tensor2D;
  return tf.sum(tf.mul(row, firstMaximum(row))) as tf.Scalar;
}

function pick(map: tf.Tensor, at: At): tf.Scalar {
  if (map.rank < 2) return tf.sum(map) as tf.Scalar;
  if (at === 'max') return atLargest(map);
  const [height, width] = map.shape as number[];
  const [row, col] = at === 'center' ? [height >> 1, width >> 1] : at;
  return tf.sum(tf.slice(map, [row, col], [1, 1])) as tf.Scalar;
}

/**
 * 类别得分（class score，softmax 之前）。
 *
 * SqueezeNet 的得分是最后一个 ReLU 之后的平均，那里梯度可能为零，所以取这个 ReLU 之前的平均（`model.scoreMap`）。
 *
 * @param index 类别编号，从 0 起；`findClass('火烈鸟').index`
 * @throws RangeError 编号不在范围内；CourseError 网络没有类别得分
 * @example
 * const result = await maximize(model, objective.classScore(130), { steps: 3 });
 * dispose(result);
 */
export function classScore(index: number): Objective {
  return named(`classScore(${index})`, (model: ImageModel) => {
    const logits = model.layerName();
    checkIndex('类别编号', index, shapeOf(model, logits)[0]);
    const layer = model.scoreMap ?? logits;
    return { layers: [layer], value: (at) => tf.mean(channelOf(at(layer), index)) as tf.Scalar };
  });
}

/**
 * 类别概率的对数（log probability，softmax 之后）；与 classScore 对照：压低其他类别也能让它变大。
 * @param index 类别编号，从 0 起
 * @param options `log` 为 false 时取概率本身：起点处它几乎为零，梯度也几乎为零
 * @example
 * const result = await maximize(model, objective.classProbability(130), { steps: 3 });
 * dispose(result);
 */
export function classProbability(index: number, { log = true }: { log?: boolean } = {}): Objective {
  return named(`classProbability(${index}${log ? '' : ', { log: false }'})`, (model: ImageModel) => {
    const layer = model.layerName();
    checkIndex('类别编号', index, shapeOf(model, layer)[0]);
    const probability = log ? logProbabilitiesOf : probabilitiesOf;
    return {
      layers: [layer],
      value: (at) => tf.sum(channelOf(probability(at(layer), model.output), index)) as tf.Scalar,
    };
  });
}

/**
 * 一个神经元（neuron）：某层某通道在一个位置上的激活值。
 * @param at 位置；默认特征图中央，因为 (0, 0) 在边界上，感受野大半是填充
 * @example
 * const result = await maximize(model, objective.neuron(model.roles.lastConv, 3, 'center'), { steps: 3 });
 * dispose(result);
 */
export function neuron(layer: string, channel: number, at: At = 'center'): Objective {
  return named(`neuron(${layer}, ${channel}, ${at})`, (model: ImageModel) => {
    const shape = shapeOf(model, layer);
    checkIndex(`${layer} 的通道`, channel, shape[shape.length - 1]);
    if (typeof at !== 'string' && shape.length === 3) {
      checkIndex(`${layer} 的行`, at[0], shape[0]);
      checkIndex(`${layer} 的列`, at[1], shape[1]);
    } else if (typeof at === 'string' && at !== 'center' && at !== 'max') {
      throw new RangeError(`at 应为 'center'、'max' 或 [行, 列]，得到 '${String(at)}'`);
    }
    return { layers: [layer], value: (activations) => pick(channelOf(activations(layer), channel), at) };
  });
}

/**
 * 一个通道（channel）：特征图上所有位置的平均激活值。
 * @example
 * const result = await maximize(model, objective.channel(model.roles.lastConv, 3), { steps: 3 });
 * dispose(result);
 */
export function channel(layer: string, index: number): Objective {
  return named(`channel(${layer}, ${index})`, (model: ImageModel) => {
    const shape = shapeOf(model, layer);
    checkIndex(`${layer} 的通道`, index, shape[shape.length - 1]);
    return { layers: [layer], value: (at) => tf.mean(channelOf(at(layer), index)) as tf.Scalar };
  });
}

/**
 * 特征空间里的一个方向（direction）：各位置的激活向量与单位向量 v / ||v|| 的内积的平均。
 * @param v 长度为该层的通道数（unit vector 由函数归一化）；例如随机方向作为对照
 * @example
 * const random = randomGenerator(1);
 * const v = Float32Array.from({ length: 16 }, () => random.normal());
 * const result = await maximize(model, objective.direction('conv3', v), { steps: 3 });
 * dispose(result);
 */
export function direction(layer: string, v: ArrayLike<number>): Objective {
  const values = Float32Array.from(checkNumbers('direction 的向量', v));
  const norm = Math.hypot(...values);
  return named(`direction(${layer})`, (model: ImageModel) => {
    const channels = shapeOf(model, layer).slice(-1)[0];
    if (values.length !== channels || !(norm > 0)) {
      throw new RangeError(
        `direction 的向量应有 ${channels} 个数（${layer} 的通道数）且不全为零，得到 ${values.length} 个`,
      );
    }
    return {
      layers: [layer],
      value: (at) => {
        const rows = tf.reshape(at(layer), [-1, channels]);
        return tf.mean(tf.matMul(rows, tf.tensor2d(values.map((x) => x / norm), [channels, 1]))) as tf.Scalar; // prettier-ignore
      },
    };
  });
}

/**
 * 一层的能量（energy）：激活值平方的平均。让它变大，就是让网络已经看到的一切变得更明显：DeepDream 的目标。
 * @example
 * const result = await maximize(model, objective.energy(model.roles.lastConv), { start: image, steps: 3 });
 * dispose(result);
 */
export function energy(layer: string): Objective {
  return named(`energy(${layer})`, (model: ImageModel) => ({
    layers: [model.layerName(layer)],
    value: (at) => tf.mean(tf.square(at(layer))) as tf.Scalar,
  }));
}

/**
 * 与一个编码的距离（feature distance）：||φ(I) − code||² / ||code||²。最大化它的负值就是特征反演。
 * @param code 该层的激活值，带或不带批次轴；不会被 dispose，最优化期间不要 dispose 它
 * @example
 * const code = model.activations(image, 'conv3');
 * const result = await maximize(model, objective.negative(objective.featureDistance('conv3', code)), { steps: 3 });
 * dispose(code, result);
 */
export function featureDistance(layer: string, code: tf.Tensor): Objective {
  checkTensor(code, 'code');
  return named(`featureDistance(${layer})`, (model: ImageModel) => {
    const shape = shapeOf(model, layer);
    const size = shape.reduce((a, b) => a * b, 1);
    if (code.size !== size) {
      throw new RangeError(`${layer} 的编码应为 [${shape.join(', ')}]，得到 [${code.shape.join(', ')}]`);
    }
    return {
      layers: [layer],
      value: (at) => {
        const flat = tf.reshape(code, [size]);
        const distance = tf.sum(tf.square(tf.sub(tf.reshape(at(layer), [size]), flat)));
        return tf.div(distance, tf.maximum(tf.sum(tf.square(flat)), 1e-12)) as tf.Scalar;
      },
    };
  });
}

/**
 * 乘以一个系数（scale）。
 * @example
 * const weak = objective.scaled(objective.channel('conv3', 3), 0.1);
 * const result = await maximize(model, objective.sum(objective.classScore(130), weak), { steps: 3 });
 * dispose(result);
 */
export function scaled(objective: Objective, factor: number): Objective {
  checkFunction('objective', objective);
  return named(`${factor}·${objective.name}`, (model: ImageModel) => {
    const { layers, value } = objective(model);
    return { layers, value: (at) => tf.mul(value(at), factor) as tf.Scalar };
  });
}

/**
 * 相反的目标（negative）：一个神经元最不喜欢什么；或者让距离变小。
 * @example
 * const result = await maximize(model, objective.negative(objective.classScore(130)), { start: image, steps: 3 });
 * dispose(result);
 */
export const negative = (objective: Objective): Objective => scaled(objective, -1);

/**
 * 几个目标之和（sum）：共用一次前向传播；两个神经元的混合就是 `sum(neuron(…), neuron(…))`。
 * @example
 * const both = objective.sum(objective.channel('conv3', 3), objective.channel('conv3', 4));
 * const result = await maximize(model, both, { steps: 3 });
 * dispose(result);
 */
export function sum(...objectives: Objective[]): Objective {
  if (objectives.length === 0) throw new RangeError('sum 至少要一个目标');
  checkList('objectives', objectives, (o, what) => checkFunction(what, o));
  return named(objectives.map((o) => o.name).join(' + '), (model: ImageModel) => {
    const targets = objectives.map((o) => o(model));
    return {
      layers: [...new Set(targets.flatMap((t) => t.layers))],
      value: (at) => tf.addN(targets.map((t) => t.value(at))) as tf.Scalar,
    };
  });
}

export { similarity } from './similarity';
