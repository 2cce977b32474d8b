import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { claimFaults, near, numberFaults, recordOf } from '../../scripts/notebooks/claims.mjs';

const claim = { id: 'C6', measured: { drop: 0.8, share: 0.5 }, control: 0.1, holds: true, tolerance: 0.05 };
const record = recordOf([claim]);

test('the same numbers, and numbers within the tolerance, agree', () => {
  assert.equal(claimFaults([claim], record), []);
  assert.equal(claimFaults([{ ...claim, control: 0.104 }], record), []);
});

test('a number outside the tolerance is a fault', () => {
  const faults = claimFaults([{ ...claim, measured: { drop: 0.7, share: 0.5 } }], record);
  assert.is(faults.length, 1);
  assert.match(faults[0], 'measured.drop');
  assert.match(faults[0], '0.7');
  assert.is(claimFaults([{ ...claim, control: 0.106 }], record).length, 1);
});

test("the record's tolerance counts, not the one that today's cell asks for", () => {
  assert.is(claimFaults([{ ...claim, control: 0.2, tolerance: 10 }], record).length, 1);
});

test('NaN never agrees', () => {
  assert.not(near(NaN, NaN, 1));
  assert.not(near(1, NaN, 1));
  assert.is(numberFaults('x', NaN, 1, 0.5).length, 1);
});

test('a claim that no longer holds, is missing, new, or made twice is a fault', () => {
  assert.match(claimFaults([{ ...claim, holds: false }], record)[0], 'holds');
  assert.match(claimFaults([], record)[0], 'was not made');
  assert.match(claimFaults([claim, { ...claim, id: 'C7' }], record)[0], 'not on record');
  assert.match(claimFaults([claim, claim], record)[0], 'twice');
});

test('a missing or an additional number is a fault', () => {
  assert.is(claimFaults([{ ...claim, measured: { drop: 0.8 } }], record).length, 1);
  assert.is(claimFaults([{ ...claim, measured: { drop: 0.8, share: 0.5, more: 1 } }], record).length, 1);
});

test('lists are compared number by number, and rounding noise around zero is no fault', () => {
  assert.equal(numberFaults('x', [1, 2.01], [1, 2], 0.01), []);
  assert.is(numberFaults('x', [1, 2.1], [1, 2], 0.01).length, 1);
  assert.is(numberFaults('x', [1], [1, 2], 0.01).length, 1);
  assert.equal(numberFaults('x', 3e-8, 0, 0.01), []);
  assert.is(numberFaults('x', 1e-3, 0, 0.01).length, 1);
});

test('a number with a scale of its own is compared on that scale', () => {
  const absolute = { layout: 0.1 };
  const record = { deep: { layout: 0.04, error: 0.04 } };
  assert.equal(numberFaults('x', { deep: { layout: 0.1, error: 0.04 } }, record, 0.2, absolute), []);
  assert.match(numberFaults('x', { deep: { layout: 0.15, error: 0.04 } }, record, 0.2, absolute)[0], 'layout');
  assert.match(numberFaults('x', { deep: { layout: 0.04, error: 0.1 } }, record, 0.2, absolute)[0], 'error');
  assert.is(numberFaults('x', { deep: { layout: NaN, error: 0.04 } }, record, 0.2, absolute).length, 1);
});

test.run();
