import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { check } from '../../lib/checks/all';

/** Chapters 07 and 08: [name, right answer, three wrong ones]; each mistake has an explanation of its own. */
const CASES: [keyof typeof check, unknown, unknown[]][] = [
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

test.run();
