import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { check } from '../../lib/checks/all';

/** [name, right answer, three wrong ones]; the wrong ones must each get an explanation of their own. */
const CASES: [keyof typeof check, unknown, unknown[]][] = [
  ['softmaxOfTwo', 1 / (1 + Math.exp(-2)), [0.75, 0.1192, 3]],
  ['softmaxShifted', 0.8808, [1, 0.75, 0.1192]],
  ['filterOutputSize', 55, [54, 57, 217]],
  ['filterParameters', 34944, [34848, 11616, 105415296]],
  ['flatResponse', 0, [1, 0.5, -3]],
  ['readableLayer', 'conv1', ['pool1', 'conv3', 'fc6']],
  ['patchLeftEdge', 0, [64, -32, 195]],
  ['sameCategoryChance', 15 ** -8, [15 ** -9, 0.6, 2]],
  ['patchControl', 'C', ['A', 'B', 'D']],
  ['wrongPreprocess', 1, [-1, 255, 0.5]],
  ['preprocessSymptom', 'B', ['A', 'C', 'D']],
  ['inversionCodeError', 0.04, [0.2, 1 / 18, 1]],
  ['inversionCompression', 154587 / 9216, [9216 / 154587, 51529 / 9216, 154587 / 36]],
  ['inversionSameCode', 'B', ['A', 'C', 'D']],
  ['adversarialChange', 5, [0.005, 500, 10]],
  ['adversarialDimension', 4, [2, 1, 16]],
  ['adversarialUnits', 3 / 255, [3, 3 / 256, 0.3]],
  ['adversarialRounding', 0, [1, 0.5, 0.4]],
];

for (const [name, answer, mistakes] of CASES) {
  test(`${name}：答对，以及三种常见的错误各有说法`, () => {
    const run = check[name] as (answer: unknown) => { correct: boolean; message: string };
    assert.ok(run(answer).correct, run(answer).message);
    const messages = mistakes.map((wrong) => {
      assert.not(run(wrong).correct, `${String(wrong)} 不应算对`);
      return run(wrong).message;
    });
    assert.is(new Set(messages).size, mistakes.length, messages.join(' | '));
  });
}

test('没有填的答案：说明要填什么，并能在单元格里显示', () => {
  const empty = check.filterOutputSize(NaN);
  assert.not(empty.correct);
  const shown = (empty as unknown as Record<symbol, () => Record<string, string>>)[Symbol.for('Jupyter.display')]();
  assert.match(shown['text/html'], /答案应是一个数/);
});

test.run();
