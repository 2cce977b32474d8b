import { escapeHtml } from './html';

/** 练习的回音（feedback）：对不对，以及错的时候最像哪一种常见的错误。作为单元格的最后一个值会显示出来。 */
export interface Feedback {
  /** 对不对。 */
  readonly correct: boolean;
  /** 说明：为什么对，或像哪一种常见的错误。 */
  readonly message: string;
}

const DISPLAY = Symbol.for('Jupyter.display');

function feedback(correct: boolean, message: string): Feedback {
  const text = `${correct ? '✔ 对了' : '✘ 还不对'}：${message}`;
  const colour = correct ? '#1d4f8c' : '#8a4b08';
  const html = `<div style="font-size:15px;color:${colour}">${escapeHtml(text)}</div>`;
  // Not enumerable: whoever prints the object sees the two fields, the notebook shows the sentence.
  return Object.defineProperty({ correct, message }, DISPLAY, {
    value: () => ({ 'text/html': html, 'text/plain': text }),
  });
}

export const right = (message: string): Feedback => feedback(true, message);
export const wrong = (message: string): Feedback => feedback(false, message);

/** A usual mistake: recognised by a test of the answer, explained by a sentence. */
export type Mistake<T> = readonly [(answer: T) => boolean, string];

/** 数值题：在容许的相对误差之内算对；错的时候按顺序找第一种认得出的错误。 */
export function checkAnswer(
  answer: unknown,
  expected: number,
  {
    tolerance = 0.01,
    praise,
    mistakes = [],
    hint,
  }: { tolerance?: number; praise: string; mistakes?: readonly Mistake<number>[]; hint: string },
): Feedback {
  if (typeof answer !== 'number' || !Number.isFinite(answer)) return wrong(`答案应是一个数，得到 ${String(answer)}。`);
  if (Math.abs(answer - expected) <= tolerance * Math.max(Math.abs(expected), 1e-12)) return right(praise);
  const known = mistakes.find(([matches]) => matches(answer));
  return wrong(known ? known[1] : hint);
}

/** 选择题：`replies` 按字母写每个选项的回音，`correct` 是对的那个字母；大小写都可以。 */
export function checkChoice(answer: unknown, correct: string, replies: Readonly<Record<string, string>>): Feedback {
  const letter = String(answer).trim().toUpperCase();
  if (Object.hasOwn(replies, letter)) return feedback(letter === correct, replies[letter]);
  const letters = Object.keys(replies);
  return wrong(`请写一个字母：${letters.slice(0, -1).join('、')} 或 ${letters[letters.length - 1]}。`);
}
