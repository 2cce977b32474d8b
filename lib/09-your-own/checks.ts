import { checkChoice, checkAnswer, type Feedback } from '../show/feedback';

/** 09 练习：训练损失还在降，测试准确率却几乎不升，说明什么？A 轮数还不够；B 网络在记训练照片；C 预处理弄错了。 */
export function moreEpochs(answer: unknown): Feedback {
  return checkChoice(answer, 'B', {
    A: '轮数不够时，两样会一起变好；这里只有训练的一样还在变好。',
    B: '多出来的轮数只让网络记住训练照片（过拟合）；好不好，要看没见过的照片。',
    C: '训练和测试用同一个预处理：弄错了两样一起受影响，不会只差在测试上。',
  });
}

/** 09 练习：一个按 [−1, 1] 训练的网络，误当成 [0, 1] 来用，纯白的像素进到网络里是多少？ */
export function wrongPreprocess(answer: unknown): Feedback {
  return checkAnswer(answer, 1, {
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
  return checkChoice(answer, 'B', {
    A: '预处理错了通常不报错：形状和类型都对，只有数值错位。',
    B: '先在已知答案的照片上看准确率：预处理错了，网络往往"能跑但不准"，不会报错。',
    C: '梯度图本来就难懂，看不出预处理对不对。',
    D: '重新训练绕开了问题，却没有发现问题。',
  });
}
