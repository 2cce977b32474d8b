import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inRoot } from '../../scripts/setup/paths.mjs';
import { runTestFile } from '../../scripts/test/files.mjs';
import { Board } from '../../scripts/test/board.mjs';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-tests-'));
test.after(() => fs.rmSync(folder, { recursive: true }));
const uvu = JSON.stringify(pathToFileURL(inRoot('node_modules', 'uvu', 'dist', 'index.mjs')).href);

/** Runs real test files, so that a new uvu with another summary is noticed. */
async function verdictOf(name, code, env = {}) {
  const file = path.join(folder, `${name}.mjs`);
  fs.writeFileSync(file, `import { test } from ${uvu};\n${code}`);
  const { passed, failed, skipped, reason = '', skips, output } = await runTestFile({ name, file, env }, 60);
  return { counts: [passed, failed, skipped], reason, skips, output };
}

test('passed, failed and skipped tests are counted', async () => {
  const { counts } = await verdictOf(
    'mixed',
    `test('a', () => {}); test('b', () => {}); test('c', () => { throw new Error('x') }); test.skip('d', () => {}); test.run();`,
  );
  assert.equal(counts, [2, 1, 1]);
});

test('a file that crashes, runs nothing, or ends early has failed', async () => {
  const crash = await verdictOf('crash', `test('a', () => {}); test.run(); throw new Error('outside');`);
  assert.is(crash.counts[1], 1);
  const silent = await verdictOf('silent', `test('a', () => {});`);
  assert.equal(silent.counts, [0, 1, 0]);
  assert.match(silent.reason, 'test.run');
  const empty = await verdictOf('empty', `test.run();`);
  assert.equal(empty.counts, [0, 1, 0]);
  assert.match(empty.reason, 'no tests');
  const stuck = await verdictOf('stuck', `test('a', () => new Promise(() => {})); test.run();`);
  assert.equal(stuck.counts, [0, 1, 0]);
  const exits = await verdictOf('exits', `test('a', () => process.exit(0)); test.run();`);
  assert.equal(exits.counts, [0, 1, 0]);
});

test('a bad exit after good tests has failed', async () => {
  const { counts, reason } = await verdictOf(
    'late',
    `test('a', () => {}); process.on('exit', () => process.exit(3)); test.run();`,
  );
  assert.equal(counts, [1, 1, 0]);
  assert.match(reason, '3');
});

test('SKIP lines name the skipped tests, however they were skipped', async () => {
  const returns = await verdictOf(
    'returns',
    `test('a', () => console.log('SKIP a: no weights')); test('b', () => {}); test.run();`,
  );
  assert.equal(returns.counts, [1, 0, 1]);
  assert.equal(returns.skips, [{ name: 'a', reason: 'no weights' }]);
  const marked = await verdictOf(
    'marked',
    `console.log('SKIP 甲：没有权值'); test.skip('甲', () => {}); test('b', () => {}); test.run();`,
  );
  assert.equal(marked.counts, [1, 0, 1]);
  assert.equal(marked.skips, [{ name: '甲', reason: '没有权值' }]);
  const all = await verdictOf('all', `console.log('SKIP a: no weights'); test.skip('a', () => {}); test.run();`);
  assert.equal(all.counts, [0, 0, 1]);
});

test('a hook that fails before the tests says why', async () => {
  const { counts, output } = await verdictOf(
    'hook',
    `test.before(() => { throw new Error('no such cell'); }); test('a', () => {}); test('b', () => {}); test.run();`,
  );
  assert.equal(counts, [0, 2, 0]);
  assert.match(output, 'no such cell');
  assert.match(output, 'before hook');
});

test('of the tests that need weights alone, the others of the file are neither run nor counted', async () => {
  const { counts } = await verdictOf(
    'weights',
    `test('a', () => { throw new Error('ran'); }); test.only('b', () => {}); test.run();`,
    { CONVSCOPE_TESTS: 'weights' },
  );
  assert.equal(counts, [1, 0, 0]);
});

test('a file that never ends is killed and has failed', async () => {
  const file = path.join(folder, 'endless.mjs');
  fs.writeFileSync(file, 'for (;;);');
  const { failed, reason } = await runTestFile({ name: 'endless', file }, 1);
  assert.is(failed, 1);
  assert.ok(reason);
});

test('the last line of a run says it all', () => {
  const lines = [];
  const board = new Board((line) => lines.push(...line.split('\n')));
  board.add({ name: 'one', passed: 3, skipped: 1, skips: [{ name: 't', reason: 'why' }] });
  board.add({ name: 'two', failed: 1, reason: 'crashed', output: 'trace' });
  board.skip('three', 'no Chromium');
  assert.is(board.finish(), 1);
  assert.is(lines.at(-1), '3 passed, 1 failed, 2 skipped');
  for (const text of ['why', 'crashed', 'trace', 'no Chromium']) {
    assert.ok(
      lines.some((line) => line.includes(text)),
      text,
    );
  }
});

test.run();
