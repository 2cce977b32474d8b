import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkCounts, checkFields, checkFunction, checkList, checkNumber, checkNumbers } from '../../../lib/base/check';
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

test('数组、结果、函数：说出是哪一个、要什么、给了什么', () => {
  assert.equal(checkNumbers('x', [1, 2], 2), [1, 2]);
  assert.throws(() => checkNumbers('x', [1, NaN]), /^x 的第 1 个 应为有限的数，得到 NaN$/);
  assert.throws(() => checkNumbers('x', ['1'] as never), /得到 "1"$/);
  assert.throws(() => checkNumbers('x', [1], 2), /^x 应有 2 个数，得到 1 个$/);
  assert.throws(() => checkList('x', Promise.resolve([]) as never), /^x 应为数组，得到 Promise：前面忘了 await$/);
  assert.throws(() => checkList('x', { shape: [2, 3] } as never), /得到 张量 \[2, 3\].*await 张量\.data\(\)/);
  assert.throws(() => checkFields('x', { a: 1, b: null }, ['a', 'b'], ' f 的结果'), /^x 应为 f 的结果，得到 { a, b }$/);
  assert.throws(() => checkFunction('x', 3), /^x 应为函数，得到 3$/);
  assert.throws(() => checkFunction('x', 'a'.repeat(1e6)), /得到 "a{60}…"$/);
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
