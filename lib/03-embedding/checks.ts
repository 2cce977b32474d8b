import type { Feedback } from '../show/feedback';
import { checkChoice, checkAnswer } from '../show/feedback';

/** 03 练习：邻居概率为 1/2、1/4、1/4 时的困惑度 exp(−Σ p ln p)。 */
export function perplexity(answer: unknown): Feedback {
  return checkAnswer(answer, 2 ** 1.5, {
    praise: '熵是 1.5 比特，困惑度是 2 的 1.5 次方：三个邻居，但不一样重要，约合 2.83 个。',
    mistakes: [
      [(a) => Math.abs(a - 1.5) < 0.01, '1.5 是以 2 为底的熵（比特）；困惑度是 2 的这么多次方。'],
      [(a) => Math.abs(a - 1.5 * Math.LN2) < 0.01, '1.04 是熵（nat）；困惑度是 e 的这么多次方。'],
      [(a) => a === 3, '三个邻居概率相同时才是 3；这里最近的一个占了一半。'],
    ],
    hint: '先算熵 H = −Σ p ln p，再取 exp(H)。',
  });
}

/** 03 练习：217 张照片里 73 张是建筑、144 张不是；标签随机打乱，近邻纯度的期望是多少？ */
export function chancePurity(answer: unknown): Feedback {
  return checkAnswer(answer, (73 * 72 + 144 * 143) / (217 * 216), {
    praise: '(73×72 + 144×143) / (217×216) ≈ 0.551：什么也没学到，纯度也超过一半。',
    mistakes: [
      [(a) => Math.abs(a - 0.5) < 1e-9, '只有两类一样多时才接近 0.5。'],
      [(a) => Math.abs(a - 73 / 217) < 0.005, '73/217 只是邻居为建筑的机会；还要算自己是哪一类。'],
      [(a) => Math.abs(a - 144 / 217) < 0.005, '144/217 只是邻居不是建筑的机会；还要算自己是哪一类。'],
    ],
    hint: '随机取一张照片，再随机取另一张作邻居：两张同类的概率是多少？',
  });
}

/** 03 练习：A 团距、B 团的大小、C 团内的邻居、D 横坐标，哪一样可以从 t-SNE 的图上读出来？ */
export function readable(answer: unknown): Feedback {
  return checkChoice(answer, 'C', {
    A: '两团之间的空隙没有刻度：KL 几乎不惩罚把不相干的团放得远一些还是近一些。',
    B: '密的团会被撑开，松的团会被压紧：每个点的高斯宽度各自调到同样的困惑度。',
    C: 'P 记下的就是谁是谁的邻居；但仍要回到高维里核对，平面放不下所有的邻居。',
    D: '坐标轴没有含义：整张图可以任意旋转、翻转，损失不变。',
  });
}
