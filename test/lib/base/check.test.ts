import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkCounts, checkNumber } from '../../../lib/base/check';
import { randomGenerator, shuffled } from '../../../lib/base/random';

test('数与个数：允许的通过，其余说出名字、要什么、给了什么', () => {
  assert.is(checkNumber('ε', 0.5, 0, 1), 0.5);
  assert.throws(() => checkNumber('ε', 2, 0, 1), /^ε 应为0 到 1 之间的数，得到 2$/);
  assert.throws(() => checkNumber('ε', NaN), /有限的数，得到 NaN/);
  assert.throws(() => checkNumber('ε', -1, 0), /不小于 0 的有限数/);
  checkCounts({ steps: 1, batchSize: 8 });
  for (const value of [0, -1, 1.5, NaN, Infinity, '3' as never]) {
    assert.throws(() => checkCounts({ steps: 2, batchSize: value }), /^batchSize 应为正整数/);
  }
});

test('打乱：同样的元素，新的一列；每个次序一样常见', () => {
  const values = ['a', 'b', 'c'];
  const random = randomGenerator(1);
  const counts = new Map<string, number>();
  for (let i = 0; i < 6000; i++) {
    const order = shuffled(values, random).join('');
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  assert.equal(values, ['a', 'b', 'c']);
  assert.is(counts.size, 6);
  // Expected 1000 each; 5 standard deviations are 144.
  for (const count of counts.values()) assert.ok(Math.abs(count - 1000) < 144, `${count}`);
  const weights = shuffled(new Float32Array([3, 1, 2]), random);
  assert.instance(weights, Float32Array);
  assert.equal([...weights].sort(), [1, 2, 3]);
});

test.run();
