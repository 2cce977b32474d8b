import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { check } from '../../../lib/course/check';

/** A rule for ReLUs: what passes, unchanged or as the number `value`. */
const masks =
  (passes: (d: number, x: number) => boolean, value?: number) =>
  (d: number[], x: number[]): number[] =>
    d.map((v, i) => (passes(v, x[i]) ? (value ?? v) : 0));

/** [name, right answer, three wrong ones]; the wrong ones must each get an explanation of their own. */
const CASES: [keyof typeof check, unknown, unknown[]][] = [
  ['softmaxOfTwo', 1 / (1 + Math.exp(-2)), [0.75, 0.1192, 3]],
  ['softmaxShifted', 0.8808, [1, 0.75, 0.1192]],
  ['filterOutputSize', 55, [54, 55.25, 57, 218]],
  ['filterParameters', 23296, [23232, 34944, 7744, 70470400]],
  ['flatResponse', 0, [1, 0.5, -3]],
  ['perplexity', 2 ** 1.5, [1.5, 1.5 * Math.LN2, 3]],
  ['chancePurity', (73 * 72 + 144 * 143) / (217 * 216), [0.5, 73 / 217, 144 / 217]],
  ['readable', 'C', ['A', 'B', 'D']],
  ['occlusionPositions', 100, [10, 81, 144]],
  ['occlusionPixel', 0.3, [0.6, -0.3, 0.5]],
  ['occlusionColumns', 23, [20, 22, 40]],
  ['occlusionFill', 'blur', ['noise', 'mean', 'red']],
  ['guidedByHand', [0, 0, 5, 0], [[-1, 0, 5, 0], [0, 4, 5, 0], [1, 1, 1, 1]]], // prettier-ignore
  [
    'guidedRule',
    masks((d, x) => d > 0 && x > 0),
    [masks((_, x) => x > 0), masks((d) => d > 0), masks((d, x) => d > 0 && x >= 0), masks((d, x) => d > 0 && x > 0, 1)],
  ],
  ['sharedMaximum', [5, 3], [[3, 5], [5, 2], [2.5, 3]]], // prettier-ignore
  ['firstLayerSimilarity', 1, [0, 0.5, '1']],
  ['whatItShows', 'C', ['A', 'B', 'D']],
  ['optimizationLambda', 6.5, [0.0255, 1e-4, 1e-9]],
  ['optimizationLearningRate', 0.00154, [100 / 255, 100, 6.5e6]],
  ['optimizationClip', 'b', ['a', 'c', 'd']],
  ['optimizationSlope', -2.5, [0, 2, -5]],
  ['patchLeftEdge', -2, [64, -34, 195, 2]],
  ['sameCategoryChance', 15 ** -8, [15 ** -9, 0.6, 2]],
  ['patchControl', 'C', ['A', 'B', 'D']],
  ['moreEpochs', 'B', ['A', 'C', 'D']],
  ['wrongPreprocess', 1, [-1, 255, 0.5]],
  ['preprocessSymptom', 'B', ['A', 'C', 'D']],
  ['inversionLost', 'A', ['B', 'C', 'D']],
  ['inversionLambda', 'A', ['B', 'C', 'D']],
  ['inversionCodeError', 0.04, [0.2, 1 / 18, 1]],
  ['inversionCompression', 150528 / 9216, [9216 / 150528, 50176 / 9216, 150528 / 36]],
  ['inversionSameCode', 'B', ['A', 'C', 'D']],
  ['adversarialSteps', 15, [20, 12, 0.9]],
  ['adversarialChange', 5, [0.005, 500, 10]],
  ['adversarialDimension', 4, [2, 1, 16]],
  ['adversarialUnits', 3 / 255, [3, 3 / 256, 0.3]],
  ['adversarialRounding', 0, [1, 0.5, 0.4]],
];

test('每个检查函数都在表里，各有至少三个错的答案', () => {
  assert.equal(CASES.map(([name]) => name).sort(), Object.keys(check).sort());
  for (const [name, , mistakes] of CASES) assert.ok(mistakes.length >= 3, name);
});

for (const [name, answer, mistakes] of CASES) {
  test(`${name}：答对，以及常见的错误各有说法`, () => {
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
