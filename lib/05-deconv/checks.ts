import type { Feedback } from '../show/feedback';
import { checkChoice, checkAnswer, right, wrong } from '../show/feedback';

const same = (a: readonly number[], b: readonly number[]) =>
  a.length === b.length && a.every((v, i) => Math.abs(v - b[i]) < 1e-6);

const isNumbers = (value: unknown, length: number): value is number[] =>
  Array.isArray(value) && value.length === length && value.every((v) => typeof v === 'number' && Number.isFinite(v));

/** 05 练习的四个 ReLU：输入 x = [2, −1, 3, −2]，从上面传来的梯度 d = [−1, 4, 5, −3]。 */
const X = [2, -1, 3, -2];
const D = [-1, 4, 5, -3];
const BACKPROP = [-1, 0, 5, 0];
const DECONV = [0, 4, 5, 0];
const GUIDED = [0, 0, 5, 0];

/** 05 练习：导向反向传播离开这四个 ReLU 的梯度。 */
export function guidedByHand(answer: unknown): Feedback {
  if (!isNumbers(answer, 4)) return wrong(`答案应是四个数，例如 [0, 0, 0, 0]，得到 ${JSON.stringify(answer)}。`);
  if (same(answer, GUIDED)) return right('只有第三个既打开（3 > 0）又收到正的梯度（5 > 0）。');
  if (same(answer, BACKPROP)) return wrong('这是普通的反向传播：只看 x > 0。导向反向传播还要求传来的梯度 d > 0。');
  if (same(answer, DECONV)) return wrong('这是反向去卷积：只看 d > 0。导向反向传播还要求前向时 x > 0。');
  return wrong('两个掩码都要乘：x > 0 的掩码和 d > 0 的掩码，再乘以 d。');
}

type RuleFunction = (d: number[], x: number[]) => number[];

/** 05 练习：自己写的规则函数 `(d, x) => …`，逐个元素返回离开 ReLU 的梯度。 */
export function guidedRule(answer: unknown): Feedback {
  if (typeof answer !== 'function') return wrong('答案应是一个函数：(d, x) => d.map((值, i) => …)。');
  const run = (d: number[], x: number[]) => (answer as RuleFunction)([...d], [...x]);
  let got: number[];
  try {
    got = run(D, X);
  } catch (error) {
    return wrong(`函数运行时出错：${(error as Error).message}`);
  }
  if (!isNumbers(got, 4)) return wrong('函数应返回与 d 一样长的数组。');
  if (!same(got, GUIDED)) return guidedByHand(got);
  // Zero is neither positive gradient nor an open unit.
  if (!same(run([1, 1], [0, 2]), [0, 1])) return wrong('x 恰好为 0 的 ReLU 是关着的：用 x > 0，不用 x >= 0。');
  if (!same(run([0.5, 2, -3], [1, 7, 4]), [0.5, 2, 0])) return wrong('正的梯度要原样放行，不是变成 1。');
  return right('两个掩码都在，正的梯度原样放行。');
}

/** 05 练习：两个重叠的池化窗口共有同一个最大值，传来的梯度先后是 2 和 3；梯度与开关各把多少交给它。 */
export function sharedMaximum(answer: unknown): Feedback {
  if (!isNumbers(answer, 2)) return wrong('答案应是两个数 [梯度, 开关]。');
  if (same(answer, [5, 3])) return right('梯度相加 2 + 3 = 5；开关由后写的 3 覆盖先写的 2。');
  if (same(answer, [3, 5])) return wrong('次序反了：第一个数是梯度，第二个是开关。');
  if (same(answer, [5, 2])) return wrong('梯度对了。开关是后一个窗口覆盖前一个，不是先到先得。');
  if (same(answer, [2.5, 3])) return wrong('梯度不取平均：同一个输入影响两个输出，链式法则把两份相加。');
  return wrong('梯度：链式法则把两个窗口的份额相加；开关：后写的覆盖先写的。');
}

/** 05 练习：conv1（ReLU 之前）某个通道从 10 张照片得到的投影，两两的余弦相似度。 */
export function firstLayerSimilarity(answer: unknown): Feedback {
  return checkAnswer(answer, 1, {
    tolerance: 1e-6,
    praise: '从 conv1 到输入只有一次卷积，没有 ReLU：投影就是卷积核本身（乘以预处理的倍数），与照片无关。',
    mistakes: [[(a) => a === 0, '0 表示毫不相似；想一想从 conv1 传回输入要经过哪些运算，其中哪个与照片有关。']],
    hint: '写出 conv1 一个神经元的公式：加权和。它对输入的梯度里有照片吗？',
  });
}

/** 05 练习：哪种说法站得住脚。 */
export function whatItShows(answer: unknown): Feedback {
  return checkChoice(answer, 'C', {
    A: '清晰与忠实是两回事：第 9 节里打乱了分类层，图还是一样清晰。',
    B: '看第 9 节：换一个毫不相干的类别，导向反向传播的图几乎不变。',
    C: '打乱上层之后图几乎不变，所以清晰来自下层和照片的边缘，不能当作网络为什么这样判断的证据。',
    D: 'Grad-CAM 指得出大致位置，但它只有 13×13 那么细，也没有说是哪些像素、为什么。',
  });
}
