import { checkNumber, type Feedback, right, wrong } from '../show/feedback';

/** 09 练习：一个按 [−1, 1] 训练的网络，误当成 [0, 1] 来用，纯白的像素进到网络里是多少？ */
export function wrongPreprocess(answer: unknown): Feedback {
  return checkNumber(answer, 1, {
    tolerance: 1e-6,
    praise: '白色恰好仍是 1；黑色却成了 0 而不是 −1，灰色成了 0.5 而不是 0：只有亮度错位，最难发现。',
    mistakes: [
      [(a) => a === -1, '−1 是正确预处理下的黑色。'],
      [(a) => a === 255, '255 是"0-255"的预处理；这里误用的是 [0, 1]。'],
      [(a) => a === 0.5, '0.5 是 [0, 1] 里的中灰。'],
    ],
    hint: '[0, 1] 的预处理什么也不做：像素是几就是几，纯白是 1。',
  });
}

/** 09 练习：怎样最快发现预处理弄错了？填 A、B、C 或 D。 */
export function preprocessSymptom(answer: unknown): Feedback {
  const choice = String(answer).trim().toUpperCase();
  if (choice === 'B') return right('先在已知答案的照片上看准确率：预处理错了，网络往往"能跑但不准"，不会报错。');
  if (choice === 'A') return wrong('预处理错了通常不报错：形状和类型都对，只有数值错位。');
  if (choice === 'C') return wrong('梯度图本来就难懂，看不出预处理对不对。');
  if (choice === 'D') return wrong('重新训练绕开了问题，却没有发现问题。');
  return wrong('请填 A、B、C 或 D 中的一个字母。');
}
