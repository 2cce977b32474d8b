import type { Feedback } from '../show/feedback';
import { checkAnswer, right, wrong } from '../show/feedback';

/** 04 练习：224 的图，方块 60，步幅 20，一共多少个位置？ */
export function occlusionPositions(answer: unknown): Feedback {
  return checkAnswer(answer, 100, {
    tolerance: 0,
    praise: '每轴 ⌈(224 − 60) / 20⌉ + 1 = 10 个，10 × 10 = 100；最后一个方块在边界处截短。',
    mistakes: [
      [(a) => a === 10, '10 是一个轴上的个数；方块在行和列两个方向上滑动。'],
      [(a) => a === 81, '9 × 9 漏掉了最后一行和一列：除不尽时还要放一个截短的方块，否则图的右边和下边没有盖到。'],
      [(a) => a === 144 || a === 121, '224 / 20 忽略了方块自己的大小：左上角最多走到 224 − 60 附近。'],
    ],
    hint: '先数一个轴：左上角在 0、20、40 …，直到方块碰到（或越过）右边界。',
  });
}

/** 04 练习：原概率 0.9；盖住某像素的两个方块使概率变成 0.4 与 0.8。热图上这个像素是多少？ */
export function occlusionPixel(answer: unknown): Feedback {
  return checkAnswer(answer, 0.3, {
    tolerance: 1e-6,
    praise: '下降 0.5 与 0.1，平均 0.3。',
    mistakes: [
      [
        (a) => Math.abs(a - 0.6) < 1e-6,
        '0.6 或者是两个概率的平均（热图画的是下降：原概率减遮挡后），或者是下降之和（重叠处取平均）。',
      ],
      [(a) => Math.abs(a + 0.3) < 1e-6, '符号反了：下降 = 原概率 − 遮挡后的概率，盖住有用的地方，下降为正。'],
      [(a) => Math.abs(a - 0.5) < 1e-6, '0.5 是最大的一次下降；热图在重叠处取平均。'],
    ],
    hint: '先算每个方块的下降（原概率 − 遮挡后的概率），再在重叠处取平均。',
  });
}

/** 04 练习：第一层卷积核 7、步幅 2、不填充；方块盖住第 40–79 列，第一层的输出有多少列会变？ */
export function occlusionColumns(answer: unknown): Feedback {
  return checkAnswer(answer, 23, {
    tolerance: 0,
    praise: '输出 i 看第 2i 到 2i + 6 列：从 i = 17（34–40）到 i = 39（78–84），一共 23 列。',
    mistakes: [
      [(a) => a === 20, '40 / 2 = 20 只数了步幅：核有 7 列宽，两边的输出也看得到方块的边缘。'],
      [(a) => a === 22, '差一个：从 17 到 39，两端都要数。'],
      [(a) => a === 40, '那是输入的列数；第一层每隔 2 列才有一个输出。'],
      [(a) => a === 111, '111 是全部输出列；大部分输出的窗口碰不到方块。'],
    ],
    hint: '输出 i 看输入的第 2i、2i + 1 …、2i + 6 列。最小的 i 满足 2i + 6 ≥ 40，最大的 i 满足 2i ≤ 79。',
  });
}

/** 04 练习：方块换成哪一种填充，网络最不容易把方块本身当成东西？答案是 fill 的取值。 */
export function occlusionFill(answer: unknown): Feedback {
  const name = String(answer).trim().toLowerCase();
  if (name === 'blur')
    return right('模糊去掉了细节，又不带来新的边缘和颜色；代价是大块的颜色和明暗还在，遮挡得不彻底。');
  if (name === 'noise') return wrong('噪声自己就是一种强烈的纹理，网络会对它起反应。');
  if (name === 'mean' || name === '0.5' || name === 'grey' || name === 'gray') {
    return wrong('单色方块的四条边是图里原来没有的直线，角也是；想一想哪一种填充没有边。');
  }
  return wrong("请写 fill 的一个取值：0.5、'mean'、'blur' 或 'noise'。");
}
