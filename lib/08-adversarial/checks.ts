import { checkAnswer, type Feedback } from '../show/feedback';

/** 08 练习：小狗的照片，目标是披萨，ε = 2/255，`targeted` 走到 p > 0.9 要几步？ */
export function adversarialSteps(answer: unknown): Feedback {
  return checkAnswer(answer, 15, {
    tolerance: 0.15, // on another backend it may be a step or two more or fewer
    praise: 'ε 够，要 15 步左右：披萨原来排在第 130，比鸵鸟难得多，却仍然走得到。',
    mistakes: [
      [(a) => a === 20, '20 是缺省的步数；写上 confidence: 0.9，到了 0.9 就会停下。'],
      [(a) => a === 12, '12 是第 2 节手写循环的步数，它不看概率；请用 targeted，写上 confidence: 0.9。'],
      [(a) => a > 0 && a <= 1, '问的是步数，不是概率。'],
    ],
    hint: '用 targeted(model, dog, { class: … }, { epsilon, confidence: 0.9 })，再看 trace.length - 1。',
  });
}

/** 08 练习：1000 维的线性模型，权重的绝对值平均 0.5，ε = 0.01，对齐的扰动改变得分多少？ */
export function adversarialChange(answer: unknown): Feedback {
  return checkAnswer(answer, 5, {
    tolerance: 1e-3,
    praise: 'ε·||w||₁ = 0.01 × 1000 × 0.5 = 5。',
    mistakes: [
      [(a) => Math.abs(a - 0.005) < 1e-6, '这只是一维的变化 0.01 × 0.5；还要把 1000 维加起来。'],
      [(a) => a === 500, '500 是 ||w||₁ 本身，还要乘 ε。'],
      [(a) => Math.abs(a - 10) < 1e-6, '0.01 × 1000 忘了乘权重的大小 0.5。'],
      [(a) => a === 0, '随机的扰动才会正负相消；对齐的扰动每一维都同号。'],
    ],
    hint: '每一维的贡献是 ε·|w_i|，把它们加起来。',
  });
}

/** 08 练习：图像的高和宽都加倍，权重的大小不变，对齐的扰动引起的变化变成几倍？ */
export function adversarialDimension(answer: unknown): Feedback {
  return checkAnswer(answer, 4, {
    tolerance: 1e-3,
    praise: '维数变成 4 倍，ε·||w||₁ 也变成 4 倍；随机噪声的变化只有 2 倍。',
    mistakes: [
      [(a) => a === 2, '2 倍是随机噪声的变化（√4）；对齐的扰动与维数成正比。'],
      [(a) => a === 1, 'ε 不变，可是加起来的项数变了。'],
      [(a) => a === 16, '高和宽各加倍，维数是 2 × 2 = 4 倍，不是 16 倍。'],
    ],
    hint: '先算维数变成几倍，再看变化与维数是什么关系。',
  });
}

/** 08 练习：每个像素最多改 3 个灰度级，本课程里 epsilon 写多少？ */
export function adversarialUnits(answer: unknown): Feedback {
  return checkAnswer(answer, 3 / 255, {
    tolerance: 1e-3,
    praise: '像素的单位是 [0, 1]，3 级就是 3/255 ≈ 0.0118。',
    mistakes: [
      [(a) => a === 3, '3 是 0–255 的单位；[0, 1] 里的 3 会把任何图变成纯黑纯白。'],
      [(a) => Math.abs(a - 3 / 256) < 3e-5, '最大的灰度是 255，不是 256。'],
      [(a) => Math.abs(a - 0.3) < 1e-9 || Math.abs(a - 0.03) < 1e-9, '不是除以 10 或 100，是除以 255。'],
    ],
    hint: '255 级对应 1。',
  });
}

/** 08 练习：8 位的照片加上处处 ±0.4/255 的扰动，存成 PNG 再读回来，有多少个数变了？ */
export function adversarialRounding(answer: unknown): Feedback {
  return checkAnswer(answer, 0, {
    tolerance: 0,
    praise: '±0.4 级四舍五入后都回到原来的整数：扰动一点不剩。浮点里成功的攻击，存成文件就不存在了。',
    mistakes: [
      [(a) => a === 1 || a === 100, '四舍五入到最近的整数：±0.4 离原来的整数最近。'],
      [(a) => a === 0.5 || a === 50, '不是一半：+0.4 和 −0.4 都会回到原处。'],
      [(a) => a === 0.4 || a === 40, '0.4 是扰动的大小，不是变了的比例。'],
    ],
    hint: '设原来是 120：120.4 与 119.6 四舍五入各是多少？',
  });
}
