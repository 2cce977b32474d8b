import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Kernel } from './client';

let kernel: Kernel;
test.before(async () => {
  kernel = await Kernel.start();
});
test.after(() => kernel.stop());

test('the last expression is the result, with the execution count of its input', async () => {
  const cell = await kernel.run('const a = 20;\na + 1');
  assert.is(cell.text, '21');
  const [input, result] = cell.published;
  assert.is(input.type, 'execute_input');
  assert.is(input.content.execution_count, cell.reply.execution_count);
  assert.is(result.content.execution_count, cell.reply.execution_count);
  assert.is(cell.reply.status, 'ok');
  const next = await kernel.run('a');
  assert.is(next.reply.execution_count, cell.reply.execution_count + 1);
});

test('statements, null and undefined show nothing; empty values show themselves', async () => {
  for (const code of ['const nothing = 1;', 'null', 'undefined', '', '// a comment', 'if (a) {}']) {
    assert.is(await kernel.value(code), undefined, code);
  }
  for (const [code, text] of [
    ['0', '0'],
    ["''", "''"],
    ['false', 'false'],
  ])
    assert.is(await kernel.value(code), text);
});

test('top-level await works in every position', async () => {
  const cells: [string, string | undefined][] = [
    ['await Promise.resolve(1)', '1'],
    ['await (Promise.resolve(2))', '2'],
    ['(await Promise.resolve({ f: 3 })).f', '3'],
    ['await\nPromise.resolve(4)', '4'],
    ['const five = await Promise.resolve(5); five', '5'],
    ['const { six = await Promise.resolve(6) } = {} as { six?: number }; six', '6'],
    ['`${await Promise.resolve(7)}`', "'7'"],
    ['true ? await Promise.resolve(8) : 0', '8'],
    ['[...(await Promise.resolve([9]))]', '[ 9 ]'],
    ['({ ten: await Promise.resolve(10) }).ten', '10'],
    ['!await Promise.resolve(false)', 'true'],
    ['let s = 0; for (const x of await Promise.resolve([1, 2])) s += x;\ns', '3'],
    ['let t = 0; for await (const x of (async function* () { yield 5; })()) t += x;\nt', '5'],
    ['for await (const x of [1]) {}', undefined],
    ['let u = 0; if (await Promise.resolve(true)) { await null; u = 1; }\nu', '1'],
    ['while (await Promise.resolve(false)) {}', undefined],
    ['let v = 0; switch (await Promise.resolve(3)) { case 3: v = 1; }\nv', '1'],
    ['let w = 0; try { await Promise.reject(1); } catch { w = 2; } finally { await null; }\nw', '2'],
    ['outer: for (const x of [1]) { await null; continue outer; }', undefined],
    ['class Base { hi = 1 }\nclass Derived extends (await Promise.resolve(Base)) {}\nnew Derived().hi', '1'],
    ['const late = async () => { await null; return 6; };\nawait late()', '6'],
    ['export const exported = await Promise.resolve(11);\nexported', '11'],
  ];
  for (const [code, text] of cells) assert.is(await kernel.value(code), text, code);
  const wrong = await kernel.run('function f() {\n  await 3;\n}');
  assert.match(wrong.error!.evalue, '第 2 行');
});

test('names of earlier cells: types, classes, enums, functions that write, new types', async () => {
  await kernel.value('type T = { u: number }; enum E { A, B } class Foo { x = 1; hi() { return this.x; } }');
  await kernel.value('let count = 0; function inc() { count++; }\nconst foo = new Foo();');
  assert.is(
    await kernel.value(
      'class Bar extends Foo { y: T = { u: E.B } }\nconst bar = new Bar(); inc(); inc(); ({ bar, count })',
    ),
    '{ bar: Bar { x: 1, y: { u: 1 } }, count: 2 }',
  );
  assert.is(await kernel.value("const foo = 'text now'; foo.length"), '8');
});

test('short properties of earlier names: { seed } in a call, in an assignment', async () => {
  await kernel.value('const seed = 3; let best = 1;');
  assert.is(await kernel.value('({ seed, best })'), '{ seed: 3, best: 1 }');
  assert.is(await kernel.value('({ best } = { best: 9 }); best'), '9');
  assert.is(await kernel.value('({ best = 5 } = {} as { best?: number }); best'), '5');
  assert.is(await kernel.value('[{ seed }].map(({ seed }) => seed + best)'), '[ 8 ]');
});

test('ten queued cells: each gets its own output; after the failure the rest is aborted', async () => {
  const codes = [
    "'one'",
    "await new Promise((r) => setTimeout(r, 50)); 'two'",
    "console.log('three'); throw new Error('third')",
  ];
  const ids = [...codes, ...Array.from({ length: 7 }, (_, i) => `'cell ${i + 4}'`)].map((code) => kernel.submit(code));
  const cells = await Promise.all(ids.map((id) => kernel.result(id)));
  assert.equal(
    cells.map((cell) => cell.reply.status),
    ['ok', 'ok', 'error', ...Array(7).fill('aborted')],
  );
  assert.equal(
    cells.map((cell) => cell.text),
    ["'one'", "'two'", ...Array(8).fill(undefined)],
  );
  assert.equal(
    cells.map((cell) => cell.error?.evalue),
    [undefined, undefined, 'third', ...Array(7).fill(undefined)],
  );
  assert.is(cells[2].stdout, 'three\n');
  // A cell that comes after the answer runs, at once.
  assert.is(await kernel.value("'next'"), "'next'");
});

test('with stop_on_error false every cell runs and every error finds its own request', async () => {
  const codes = Array.from({ length: 10 }, (_, i) =>
    i % 3 === 0 ? `${i % 2 ? 'await null;' : ''} throw new Error('${i}')` : `${i % 2 ? 'await null;' : ''} ${i}`,
  );
  const ids = codes.map((code) => kernel.submit(code, { stop_on_error: false }));
  const cells = await Promise.all(ids.map((id) => kernel.result(id)));
  const expected = codes.map((_, i) => (i % 3 === 0 ? `error ${i}` : `${i}`));
  assert.equal(
    cells.map((cell) => (cell.error ? `error ${cell.error.evalue}` : cell.text)),
    expected,
  );
});

test('silent cells leave no trace', async () => {
  const before = (await kernel.run('1')).reply.execution_count;
  const silent = await kernel.run('globalThis.quiet = 5; 5', { silent: true });
  assert.equal(silent.published, []);
  const after = await kernel.run('(globalThis as any).quiet');
  assert.is(after.reply.execution_count, before + 1);
  assert.is(after.text, '5');
});

test('messages about the kernel itself', async () => {
  const info = await kernel.ask('kernel_info_request', {});
  assert.is(info.language_info.name, 'typescript');
  assert.is(info.language_info.file_extension, '.ts');
  assert.equal(await kernel.ask('comm_info_request', {}), { status: 'ok', comms: {} });
  assert.ok((await kernel.ask('history_request', {})).history.length > 0);
  assert.is((await kernel.ask('is_complete_request', { code: 'for (;;) {' })).status, 'incomplete');
  assert.is((await kernel.ask('is_complete_request', { code: 'const a = 1' })).status, 'complete');
});

test.run();
