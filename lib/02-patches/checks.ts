import { checkChoice, checkAnswer, type Feedback } from '../show/feedback';

/** 02 练习：pool5 第 2 列的单元从输入的第几列像素看起？感受野 195，步幅 32，偏移 −66。 */
export function patchLeftEdge(answer: unknown): Feedback {
  return checkAnswer(answer, -2, {
    tolerance: 1e-9,
    praise: '−66 + 32 × 2 = −2：最左边的两列在图像之外，是填充；一直看到第 192 列。',
    mistakes: [
      [(a) => a === 64, '步幅 32 乘以 2 是 64，但第 0 列的单元从 −66 开始，不是从 0 开始。'],
      [(a) => a === -34, '−34 是第 1 列：列号从 0 数起。'],
      [(a) => a === 2, '符号反了：从 −2 开始，也就是图像左边缘之外两列。'],
      [(a) => a === 390 || a === 195, '感受野的大小决定看到多宽，不决定从哪里开始。'],
    ],
    hint: '起点 = 偏移 + 步幅 × 列号。',
  });
}

/** 02 练习：15 个类别、照片数相同，随机抽 9 张，全部属于同一类的概率。 */
export function sameCategoryChance(answer: unknown): Feedback {
  return checkAnswer(answer, 15 ** -8, {
    tolerance: 0.02,
    praise: '第一张随便，其余八张各有 1/15：15⁻⁸ ≈ 3.9 × 10⁻¹⁰。',
    mistakes: [
      [
        (a) => Math.abs(a / 15 ** -9 - 1) < 0.02,
        '这是"全部属于事先指定的一类"；题目没有指定是哪一类，第一张可以随便。',
      ],
      [(a) => Math.abs(a - 9 / 15) < 1e-3 || Math.abs(a - 1 / 15) < 1e-3, '要九张同时满足，概率相乘，不是相加。'],
      [(a) => a > 1, '概率不会超过 1。'],
    ],
    hint: '第一张随便是哪类；其余八张每张与它同类的概率是 1/15，相乘。',
  });
}

/** 02 练习：要看"狗脸"通道是不是只看背景，最合适的对照是哪个？填 A、B、C 或 D。 */
export function patchControl(answer: unknown): Feedback {
  return checkChoice(answer, 'C', {
    A: '再多看几块图块，主体和背景仍然一起出现，分不开。',
    B: '把图块放大只是看得更清楚，因果关系还是不知道。',
    C: '只换背景、保持主体，激活值不变，就说明它看的不是背景；第 4 章的遮挡正是这样做的。',
    D: '换一个通道回答的是另一个问题。',
  });
}
