import { checkAnswer, type Feedback } from '../show/feedback';

const two = 1 / (1 + Math.exp(-2));

const mistakes = [
  [(a: number) => Math.abs(a - 0.75) < 1e-6, '3 / (3 + 1) 是按得分的比例分；softmax 先取指数再按比例分。'],
  [(a: number) => Math.abs(a - (1 - two)) < 0.01, '这是第二类的概率：得分高的应当分得多。'],
  [(a: number) => a > 1, '概率不会超过 1：别忘了除以两项之和。'],
] as const;

/** 00 练习：两个类别的得分为 3 和 1，第一类的概率。 */
export function softmaxOfTwo(answer: unknown): Feedback {
  return checkAnswer(answer, two, {
    praise: 'e³ / (e³ + e¹) = 1 / (1 + e⁻²) ≈ 0.881：只取决于得分之差。',
    mistakes,
    hint: '用公式 e³ / (e³ + e¹)，在单元格里写 Math.exp(3)。',
  });
}

/** 00 练习：所有得分加上 10 之后，第一类的概率。 */
export function softmaxShifted(answer: unknown): Feedback {
  return checkAnswer(answer, two, {
    praise: '不变：分子分母同乘 e¹⁰，约掉了。所以只有得分之差有意义。',
    mistakes: [[(a) => Math.abs(a - 1) < 1e-3, '得分都变大，但第二类也一样变大；比较的是差，不是大小。'], ...mistakes],
    hint: '写出 e¹³ / (e¹³ + e¹¹)，再约分。',
  });
}
