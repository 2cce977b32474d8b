import { tf } from '../tf/backend';

/**
 * 网络的输出是什么（what the outputs mean）：
 * - 'softmax'：各类概率，合起来是 1；
 * - 'sigmoid'：每个输出各自是一个概率，互不相干；只有一个输出时是两类；
 * - 'logits'：softmax 之前的得分，网络里没有 softmax；
 * - 'none'：不是类别（回归、嵌入、只有卷积部分），没有概率可言。
 */
export type OutputKind = 'softmax' | 'sigmoid' | 'logits' | 'none';

/** Scores to probabilities, along the last axis. */
export const probabilitiesOf = (scores: tf.Tensor, output: OutputKind): tf.Tensor =>
  output === 'sigmoid' ? tf.sigmoid(scores) : tf.softmax(scores);

/** The logarithm of the probabilities, also where they round to 0. */
export const logProbabilitiesOf = (scores: tf.Tensor, output: OutputKind): tf.Tensor =>
  output === 'sigmoid' ? tf.neg(tf.softplus(tf.neg(scores))) : tf.logSoftmax(scores);

/** The same on the host: the probability of one class. */
export function probabilityAt(scores: ArrayLike<number>, index: number, output: OutputKind): number {
  if (output === 'sigmoid') return 1 / (1 + Math.exp(-scores[index]));
  let largest = -Infinity;
  for (let i = 0; i < scores.length; i++) largest = Math.max(largest, scores[i]);
  let total = 0;
  for (let i = 0; i < scores.length; i++) total += Math.exp(scores[i] - largest);
  return Math.exp(scores[index] - largest) / total;
}

const MEANINGS: Readonly<Record<OutputKind, string>> = {
  softmax: '各类概率（softmax）',
  sigmoid: '独立的概率（sigmoid）',
  logits: '得分（softmax 之前）',
  none: '不是类别',
};

/** One line for people: what the outputs mean, and how many there are; `pair`: one sigmoid stands for two classes. */
export function outputMeaning(output: OutputKind, count: number, pair = false): string {
  if (pair) return '两类的概率（一个 sigmoid，合起来是 1）';
  return output === 'none' ? MEANINGS.none : `${count} 个${MEANINGS[output]}`;
}
