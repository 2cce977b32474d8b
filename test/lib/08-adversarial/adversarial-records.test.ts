import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readRecord } from '../../../lib/show/records';

/**
 * What takes minutes is made as a record, and the numbers in it hold what the chapters say; that a record is as old as
 * its code, and that making it again gives the same numbers, is checked elsewhere.
 */

test('one-step attacks: the smallest epsilon of half of the photos is below one grey level', () => {
  const epsilons = Object.values(readRecord('adversarial-epsilons').numbers) as Record<string, number>[];
  for (const { photos, median, below2, never } of epsilons) {
    assert.ok(median < 1);
    assert.ok(below2 > 0.7 * photos && below2 + never <= photos, `${below2} ${never} ${photos}`);
  }
});

test('transfer: nearly always against the own network, seldom against the other, more with a larger epsilon', () => {
  const rows = Object.entries(readRecord('adversarial-transfer').numbers) as [string, Record<string, number>][];
  const of = (epsilon: number, own: boolean) =>
    rows.filter(([name]) => {
      const [, from, to, e] = /^(\S+) → (\S+), ε = (\d+)/.exec(name)!;
      return (from === to) === own && Number(e) === epsilon;
    });
  for (const epsilon of [2, 8]) for (const [name, { fooled }] of of(epsilon, true)) assert.ok(fooled > 0.95, name);
  for (const [i, [name, { fooled }]] of of(8, false).entries()) {
    assert.ok(fooled < 0.9 && fooled >= of(2, false)[i][1].fooled, name);
  }
});

test.run();
