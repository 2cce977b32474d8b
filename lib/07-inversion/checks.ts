import { checkChoice, checkAnswer, type Feedback } from '../show/feedback';

/** 07 练习：红绿金刚鹦鹉的重建，从 conv1 到 pool5 哪一样掉得最多？A 细节；B 颜色；C 明暗布局。 */
export function inversionLost(answer: unknown): Feedback {
  return checkChoice(answer, 'A', {
    A: '细节掉得最多；颜色和明暗的大致布局也掉，可是掉得少，到 pool5 还看得出。',
    B: '颜色也掉，却不是最多的：把两层的每一栏各自相减，再比三个差。',
    C: '大致的布局到 pool5 还在；把两层的每一栏各自相减，再比三个差。',
  });
}

/** 07 练习：λ 由 0.001 换成 50？A λ 大的误差大，图更平滑；B λ 大的误差小，图更平滑；C 两幅几乎一样。 */
export function inversionLambda(answer: unknown): Feedback {
  return checkChoice(answer, 'A', {
    A: '正则项的份量越大，编码就越要让步：图更平滑，编码误差更大。',
    B: '平滑不是白来的：λ 大了，编码的一项说话就轻了。再看两个误差。',
    C: 'λ 很小的时候，改它确实看不出；这里的两个却相差五万倍。再看两个误差。',
  });
}

/** 07 练习：编码是 (3, 4)，重建的编码是 (3, 3)，‖φ − φ₀‖² / ‖φ₀‖² 是多少？ */
export function inversionCodeError(answer: unknown): Feedback {
  return checkAnswer(answer, 0.04, {
    tolerance: 1e-3,
    praise: '差是 (0, −1)，平方和 1；3² + 4² = 25；1 / 25 = 0.04。',
    mistakes: [
      [(a) => Math.abs(a - 0.2) < 1e-6, '0.2 = 1 / 5 是没有平方的比；这里分子分母都要平方。'],
      [(a) => Math.abs(a - 1 / 18) < 1e-3, '分母是原来的编码 (3, 4)，不是重建的。'],
      [(a) => a === 1, '1 只是分子；还要除以 ‖φ₀‖²。'],
    ],
    hint: '先写出两个编码之差，再各自求平方和。',
  });
}

/** 07 练习：AlexNet 的 pool5 是 6×6×256，输入是 224×224×3，编码的个数是像素数的几分之一（输入的数 / 编码的数）？ */
export function inversionCompression(answer: unknown): Feedback {
  return checkAnswer(answer, (224 * 224 * 3) / (6 * 6 * 256), {
    tolerance: 0.01,
    praise: '150528 / 9216 ≈ 16.3：一个编码数要交代约 16 个像素数，不可能一个不差。',
    mistakes: [
      [(a) => Math.abs(a - 9216 / 150528) < 1e-3, '倒过来了：问的是输入的数除以编码的数。'],
      [(a) => Math.abs(a - 50176 / 9216) < 0.05, '每个像素有三个数（R、G、B），别忘了乘 3。'],
      [(a) => Math.abs(a - 150528 / 36) < 1, '36 只是位置数，每个位置有 256 个通道。'],
    ],
    hint: '224 × 224 × 3 除以 6 × 6 × 256。',
  });
}

/** 07 练习：下面哪一件事说明"同一个编码可以有不同的图"？A 误差不为 0；B 像素差得远而编码差得近；C 图看起来模糊。 */
export function inversionSameCode(answer: unknown): Feedback {
  return checkChoice(answer, 'B', {
    A: '误差不为 0 只说明还没有走到头，或正则项不许。',
    B: '像素相差很大、编码却几乎相同：网络分不清这两幅图。',
    C: '模糊是正则项的选择；它不说明还有别的图有同样的编码。',
  });
}
