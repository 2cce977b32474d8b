import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { yosinskiPresets } from '../../../lib/06-optimization/presets';
import { readRecord } from '../../../lib/show/records';

/**
 * What takes minutes is made as a record, and the numbers in it hold what the chapters say; that a record is as old as
 * its code, and that making it again gives the same numbers, is checked elsewhere.
 */

test('class maximisation on SqueezeNet: ten classes, each the first answer with more than 0.9', () => {
  const { settings, numbers } = readRecord('optimization-classes');
  assert.is(settings.model, 'squeezenet');
  const classes = settings.classes as number[];
  assert.is(new Set(classes).size, 10);
  assert.equal(numbers.correct, Array(10).fill(1));
  for (const [i, p] of (numbers.probability as number[]).entries()) assert.ok(p > 0.9, `class ${classes[i]}: ${p}`);
});

test("Yosinski's four settings: every class, every setting, with the paper's steps", () => {
  const { settings, numbers } = readRecord('optimization-presets');
  assert.equal(yosinskiPresets.map(({ options }) => options.steps), [500, 750, 1000, 1000]); // prettier-ignore
  const classes = Object.values(numbers) as Record<string, number[]>[];
  assert.is(classes.length, (settings.classes as number[]).length);
  assert.ok(classes.length >= 5);
  for (const { score, contrast, correct, probability } of classes) {
    // A mean-coloured picture with noise has a negative score.
    assert.ok(score.length === 4 && score.every((s) => s > 1), String(score)); // prettier-ignore
    assert.ok(contrast.every((c) => c > 0 && c < 128), String(contrast)); // prettier-ignore
    // The third setting, the one of most of the paper's figures.
    assert.ok(correct[2] === 1 && probability[2] > 0.9, String(probability));
  }
});

test('inversion: at every layer lambda 100 is worse than lambda 1, and the reconstruction nearer than any photo', () => {
  const { settings, numbers } = readRecord('inversion-table');
  const layers = settings.layers as string[];
  assert.equal(Object.keys(numbers.table), layers);
  assert.ok(layers.length >= 15);
  for (const layer of layers) {
    const { ofCode, ofPairs } = numbers.table[layer] as Record<string, number[]>;
    assert.ok(ofCode[2] > ofCode[0], layer);
    assert.ok(Math.max(...ofCode) < numbers.nearest[layer], layer);
    // Two denominators of one distance.
    for (let i = 1; i < 3; i++) assert.ok(Math.abs((ofPairs[i] / ofPairs[0] / (ofCode[i] / ofCode[0])) - 1) < 1e-3, layer); // prettier-ignore
  }
});

test("the paper's settings on two photos: every layer's error is a small part of the code", () => {
  for (const errors of Object.values(readRecord('inversion-mahendran').numbers) as number[][]) {
    assert.ok(errors.every((e) => e < 0.1), String(errors)); // prettier-ignore
  }
});

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
