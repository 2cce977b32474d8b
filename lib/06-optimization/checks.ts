import { checkChoice, checkAnswer, type Feedback } from '../show/feedback';

/** 06 练习：论文按 0–255 计的 λ 换到 [0, 1]：λ·||255 I||² = λ'·||I||²，λ = 1e-4 时 λ' 是多少？ */
export function optimizationLambda(answer: unknown): Feedback {
  return checkAnswer(answer, 1e-4 * 255 ** 2, {
    tolerance: 0.01,
    praise: '1e-4 × 255² ≈ 6.5：范数是二次的，所以乘 255 两次。',
    mistakes: [
      [(a) => Math.abs(a - 0.0255) < 1e-3, '只乘了一次 255；平方范数里每个像素都要平方。'],
      [(a) => Math.abs(a - 1e-4) < 1e-9, '单位变了，系数也得变：同一幅图的 ||I||² 缩小为原来的 1/255²。'],
      [(a) => a > 0 && a < 1e-8, '方向反了：[0, 1] 的图范数小得多，要同样的惩罚，系数应当更大。'],
    ],
    hint: '把 I255 = 255·I 代进 λ·||I255||²，提出系数。',
  });
}

/** 06 练习：论文的学习率 100（0–255 的图）换到 [0, 1] 是多少？ */
export function optimizationLearningRate(answer: unknown): Feedback {
  return checkAnswer(answer, 100 / 65025, {
    tolerance: 0.01,
    praise: '100 / 255² ≈ 0.0015：梯度大了 255 倍，步子又要小 255 倍。',
    mistakes: [
      [(a) => Math.abs(a - 100 / 255) < 1e-2, '只除了一次 255：步子的单位换了，梯度的单位也换了。'],
      [(a) => Math.abs(a - 100) < 1e-6, '不换算的话，一步就把整幅图推到 0 和 1。'],
      [(a) => a > 1000, '方向反了：[0, 1] 里的一步应当更小。'],
    ],
    hint: '设 I255 = 255·I。I255 ← I255 + η·∂S/∂I255，写成 I 的更新。',
  });
}

/** 06 练习：一步之后的投影为什么不能换成前向传播里的 clipByValue？选 'a'、'b' 或 'c'。 */
export function optimizationClip(answer: unknown): Feedback {
  return checkChoice(answer, 'B', {
    A: '两种做法都把像素限制在 [0, 1]；区别在反向传播里。',
    B: '范围之外 clipByValue 的导数是 0：那些像素从此收不到梯度，再也回不来。',
    C: '速度差不多；想一想一个被截断的像素收到的梯度是多少。',
  });
}

/** 06 练习：课程照片的功率谱斜率大约是多少（log 功率对 log 频率）？ */
export function optimizationSlope(answer: unknown): Feedback {
  return checkAnswer(answer, -2, {
    tolerance: 0.75,
    praise: '照片的功率谱大约按 1/f² 到 1/f³ 下降，斜率在 −2 到 −3 之间；白噪声是 0。',
    mistakes: [
      [(a) => Math.abs(a) < 0.4, '斜率 0 是白噪声：所有频率一样强。照片里低频强得多。'],
      [(a) => a > 0.4, '符号反了：正的斜率说明高频比低频强，像一盘沙子。'],
    ],
    hint: '看上面"照片"那一行的 slope。',
  });
}
