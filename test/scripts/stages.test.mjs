import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { testFiles } from '../../scripts/test/files.mjs';
import { quickStages, restStages } from '../../scripts/test/stages.mjs';

const FOLDERS = ['lib', 'scripts', 'kernel', 'notebooks', 'site', 'browser'];
/** Asks for the tests of a file that it has skipped before, and for no other. */
const AGAIN = 'unit with the weights';
const tasksOf = (stages, context) =>
  stages.flatMap(({ name, tasks }) => (name === AGAIN ? [] : tasks(context).map((task) => task.name)));

for (const native of [true, false]) {
  const context = { native, weights: true };
  const quick = tasksOf(quickStages, context);
  const rest = tasksOf(restStages, context);

  test(`${native ? 'with' : 'without'} a native backend: every test file is run by npm test or by test:all`, () => {
    const run = new Set([...quick, ...rest].map((name) => name.replace(/ \[\w+\]$/, '')));
    const forgotten = FOLDERS.flatMap(testFiles).filter((file) => !run.has(file));
    assert.equal(forgotten, []);
  });

  test(`${native ? 'with' : 'without'} a native backend: no file is run twice on one backend`, () => {
    const files = [...quick, ...rest].filter((name) => name.startsWith('test/'));
    assert.equal(
      files.filter((name, i) => files.indexOf(name) !== i),
      [],
    );
    assert.ok(files.some((name) => name.endsWith('.backends.test.ts [wasm]')));
  });
}

test('npm test needs nothing that takes minutes; the long ones are in test:all', () => {
  const quick = tasksOf(quickStages, { native: true, weights: false });
  assert.equal(
    quick.filter((name) => /\.full\.|\[wasm\]/.test(name)),
    [],
  );
  assert.ok(tasksOf(restStages, { native: true, weights: false }).some((name) => name.includes('class.full')));
});

test.run();
