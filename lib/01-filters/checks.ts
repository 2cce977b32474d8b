import type { Feedback } from '../show/feedback';
import { checkAnswer } from '../show/feedback';

/** 01 练习：conv1 的输出边长。224 的输入，四周各补 2 圈 0，11 的核，步幅 4。 */
export function filterOutputSize(answer: unknown): Feedback {
  return checkAnswer(answer, 55, {
    tolerance: 0,
    praise: '补 0 之后边长 228；(228 − 11) / 4 = 54.25，能走 54 整步，连起点 55 格。',
    mistakes: [
      [(a) => a === 54, '54 是走了多少步；起点那一格也算一个输出。'],
      [(a) => Math.abs(a - 55.25) < 1e-6, '54.25 步里的零头走不成：核不能越出图像，取整数步，再加起点。'],
      [(a) => a === 56 || a === 57, '224 / 4 忽略了核的大小：核的最后一格不能越出图像。'],
      [(a) => a === 218, '218 是步幅为 1 时的边长；这一层每次走 4 个像素。'],
    ],
    hint: '先算补 0 之后的边长，再数核的左上角能放在哪些位置：0、4、8 …，右下角不能越过最后一个像素。',
  });
}

/** 01 练习：conv1 的参数个数（权值与偏置）。 */
export function filterParameters(answer: unknown): Feedback {
  return checkAnswer(answer, 23296, {
    tolerance: 0,
    praise: '64 × (11 × 11 × 3) + 64 = 23296。',
    mistakes: [
      [(a) => a === 23232, '权值数对了，还差 64 个偏置。'],
      [(a) => a === 34944 || a === 34848, '这是 2012 年那份的 96 个核；课程随附的有 64 个。'],
      [(a) => a === 7744 || a === 7808, '每个卷积核有三个输入通道（R、G、B），别忘了乘 3。'],
      [(a) => a > 1e6, '卷积核在所有位置共用：不要乘以特征图的大小。'],
    ],
    hint: '每个核有 11 × 11 × 3 个权值和一个偏置，一共 64 个核。',
  });
}

/** 01 练习：对一块颜色均匀的图像，一个各通道的权值之和都是 0 的卷积核（偏置为 0）输出多少？ */
export function flatResponse(answer: unknown): Feedback {
  return checkAnswer(answer, 0, {
    tolerance: 1e-6,
    praise:
      '一个通道里的像素是同一个数，相当于这个数乘以该通道的权值之和 0，三个通道都是 0：边缘滤波器对平坦的天空没有反应。',
    mistakes: [
      [(a) => a === 1, '1 是归一化滤波器（权值之和为 1，如模糊）对亮度 1 的输出；这里权值之和是 0。'],
      [(a) => a === 0.5, '0.5 是画图时 0 对应的灰度，不是输出值。'],
      [(a) => a < 0, '正负权值正好抵消，不会剩下负数。'],
    ],
    hint: '一个通道一个通道地算，把像素值提到求和号外面：像素值 × 该通道的权值之和，再把三个通道加起来。',
  });
}
