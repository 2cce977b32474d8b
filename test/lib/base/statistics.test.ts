import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bootstrap, bootstrapDifference, mean } from '../../../lib/base/statistics';
import { randomGenerator } from '../../../lib/base/random';

test('平均数，手算', () => {
  assert.is(mean([1, 2, 6]), 3);
  assert.throws(() => mean([]), /一个数也没有/);
});

test('自助法：正态样本的区间与 1.96 σ / √n 一致，同一个种子给出同一个区间', () => {
  const random = randomGenerator(4);
  const values = Array.from({ length: 400 }, () => 3 + 2 * random.normal());
  const average = mean(values);
  const spread = Math.sqrt(mean(values.map((v) => (v - average) ** 2)));
  const { mean: m, low, high } = bootstrap(values, { seed: 1 });
  assert.is(m, average);
  const expected = (1.96 * spread) / 20;
  assert.ok(Math.abs((m - low) / expected - 1) < 0.1 && Math.abs((high - m) / expected - 1) < 0.1);
  assert.equal(bootstrap(values, { seed: 1 }), { mean: m, low, high });
  const wide = bootstrap(values, { seed: 1, level: 0.99 });
  assert.ok(wide.low < low && wide.high > high);
});

test('自助法：覆盖率。真值在 95% 的区间里，一百次里约九十五次', () => {
  const random = randomGenerator(9);
  let covered = 0;
  for (let k = 0; k < 300; k++) {
    const { low, high } = bootstrap(Array.from({ length: 60 }, () => random.normal()), { seed: k, samples: 400 }); // prettier-ignore
    if (low < 0 && high > 0) covered++;
  }
  assert.ok(covered / 300 > 0.9 && covered / 300 < 0.98, `${covered} / 300`);
});

test('成对的差；不对的输入说得清楚', () => {
  assert.equal(bootstrapDifference([3, 4, 5], [1, 2, 3]), { mean: 2, low: 2, high: 2 });
  assert.throws(() => bootstrapDifference([1, 2], [1]), /一一对应，得到 2 个和 1 个/);
  assert.throws(() => bootstrap([1]), /至少要两个有限的数，得到 \[1\]/);
  assert.throws(() => bootstrap([1, NaN]), /有限的数/);
  assert.throws(() => bootstrap([1, 2], { level: 95 }), /level 应在 0 与 1 之间/);
  assert.throws(() => bootstrap([1, 2], { samples: 0 }), /samples 应为正整数/);
});

test.run();
