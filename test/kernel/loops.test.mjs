/** In a page a cell's loops look whether they should stop (lite/node/loops.cjs): what they do, and where errors are, stays. */
import { createRequire } from 'node:module';
import vm from 'node:vm';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const require = createRequire(import.meta.url);
const { addedBefore, breakable, clear, watch } = require('../../lite/node/loops.cjs');

const CODE = `let out = [];
for (let i = 0; i < 3; i++) out.push(i); out.push('a');
for (const x of [4, 5]) { if (x === 4) continue; out.push(x); }
for (const key in { b: 1 }) out.push(key);
let n = 2; while (n) while (n) n--;
do { out.push(n++) } while (n < 2); label: for (;;) { for (;;) break label; }
out.join()`;

test('without shared memory nothing is changed', () => {
  assert.is(breakable(CODE).code, CODE);
});

test('the code does the same, and every place is found again', () => {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  watch(flag);
  const { code, added } = breakable(CODE);
  assert.is(vm.runInThisContext(code), vm.runInThisContext(`{${CODE}}`));
  const [before, after] = [CODE.split('\n'), code.split('\n')];
  assert.is(after.length, before.length);
  for (const [i, text] of after.entries()) {
    // in the changed line, what was not added stands in the old order
    const columns = Array.from(text, (_, column) => column - addedBefore(added.get(i + 1), column));
    const last = new Map(columns.map((column, at) => [column, text[at]]));
    assert.is(Array.from(before[i], (_, column) => last.get(column)).join(''), before[i]);
  }
  flag[0] = 1;
  for (const loop of ['for (;;);', 'while (true) try { for (;;) {} } catch {}', 'do ; while (1)'])
    assert.throws(
      () => vm.runInThisContext(breakable(loop).code),
      ({ code: word }) => word === 'ERR_SCRIPT_EXECUTION_INTERRUPTED',
    );
  clear();
  assert.is(flag[0], 0);
});

test.run();
