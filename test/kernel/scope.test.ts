/** One scope for all cells: a function sees the present value of every top-level name. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Kernel } from './client';

let kernel: Kernel;
test.before(async () => {
  kernel = await Kernel.start();
});
test.after(() => kernel.stop());

/** Runs cells one after the other; returns the last one's result. */
async function session(...cells: string[]): Promise<string | undefined> {
  let text: string | undefined;
  for (const cell of cells) text = await kernel.value(cell);
  return text;
}

test('a function sees what later cells did to the variables of its own cell', async () => {
  assert.is(await session('let rate = 0.1; function step() { return rate }', 'rate = 0.5', 'step()'), '0.5');
  assert.is(
    await session(
      'let total = 0; function add(n: number) { total += n }',
      'add(5); add(6); total',
      'total = 0',
      'add(1); total',
    ),
    '1',
  );
  assert.is(
    await session('let list: number[] = []; const push = (n: number) => list.push(n)', 'list = []; push(1); list'),
    '[ 1 ]',
  );
  assert.is(
    await session('let cnt = 0; const inc = () => ++cnt;', 'inc(); inc(); cnt', 'let cnt = 100; inc(); cnt', 'cnt + 1'),
    '102',
  );
});

test('a helper that is defined again counts for all that call it', async () => {
  assert.is(
    await session(
      "function helperB() { return 'B1' } function helperA() { return helperB() }",
      "function helperB() { return 'B2' }",
      'helperA()',
    ),
    "'B2'",
  );
  assert.is(
    await session(
      'class Unit { v() { return 1 } } const make = () => new Unit()',
      'class Unit { v() { return 2 } }',
      'make().v()',
    ),
    '2',
  );
});

test('destructuring, loops, closures, methods, shadowing: every mention goes to the right place', async () => {
  const cells: [string, string][] = [
    [
      'const { p, q: [r = 7, ...others], ...more } = { p: 1, q: [undefined, 2, 3], z: 4 }; [p, r, others, more.z]',
      '[ 1, 7, [ 2, 3 ], 4 ]',
    ],
    ['[p1, r1] = [r1, p1]; [p1, r1]', '[ 2, 1 ]'],
    ['for (var i of [1, 2, 3]) {} i', '3'],
    ['for (var k = 0, e = 5; k < e; k++); k', '5'],
    ['for (var key in { a: 1, b: 2 }); key', "'b'"],
    ['{ let p1 = 9; p1++ } p1', '2'],
    ['((p1: number) => p1 * 2)(21)', '42'],
    ['(function p1() { return typeof p1 })()', "'function'"],
    ['try { throw 5 } catch (p1) { p1 }; p1', '2'],
    ['({ p1, m() { return p1 }, ["k" + p1]: p1 }).m()', '2'],
    ['`${p1}` + ((s: TemplateStringsArray, x: number) => x)`a${p1}`', "'22'"],
    ['p1: for (;;) { break p1 } p1', '2'],
    ['const self = function (this: unknown) { return this === undefined || this === globalThis }; self()', 'true'],
    ['const named = () => 1; named.name', "'named'"],
    ['enum Color { Red, Green } namespace Geometry { export const pi = 3 } [Color.Green, Geometry.pi]', '[ 1, 3 ]'],
    [
      'class Counter { static made = 0; static first = new Counter(); constructor() { Counter.made++ } } Counter.made',
      '1',
    ],
    ['const require = 5; require + 1', '6'],
    ['typeof p1', "'number'"],
  ];
  await kernel.value('let p1 = 1, r1 = 2;');
  for (const [code, text] of cells) assert.is(await kernel.value(code), text, code);
  assert.is(await kernel.value('[i, k, key, Color.Red, Counter.first instanceof Counter]'), "[ 3, 5, 'b', 0, true ]");
});

test('a variable that has no value yet is an error, not a wrong value', async () => {
  const { error } = await kernel.run('const early = () => notYet;\nearly();\nlet notYet = 1;');
  assert.is(error!.ename, 'ReferenceError');
  assert.match(error!.evalue, 'notYet');
});

test('var is undefined until it has a value, at its first run and at its second', async () => {
  const cell = 'for (const go of [false, turn > 1]) if (go) { var maybe = 1; break }\nString(maybe)';
  await kernel.value('let turn = 1');
  assert.is(await kernel.value(cell), "'undefined'");
  assert.is(await kernel.value(`turn = 2;\n${cell}`), "'1'");
  assert.is(await kernel.value(`turn = 1;\n${cell}`), "'undefined'");
  assert.is(await kernel.value('before = 5; var before: number; before'), '5');
  assert.is(await kernel.value('var before: number; String(before)'), "'undefined'");
  assert.is(
    await kernel.value('let empty: number | undefined; const tell = () => String(empty); tell()'),
    "'undefined'",
  );
  assert.is(await kernel.value('empty = 1; let full: number; full = empty; [tell(), full]'), "[ '1', 1 ]");
  assert.is(await kernel.value('let empty: number | undefined; tell()'), "'undefined'");
});

test('declare tells a type; the value is where it was', async () => {
  await kernel.value('declare const outside: string;\nObject.assign(globalThis, { outside: 1 });');
  assert.is(await kernel.value('const look = () => outside; [outside, look()]'), '[ 1, 1 ]');
  assert.is(await kernel.value("let outside = 'box'; [outside, look()]"), "[ 'box', 1 ]");
  await kernel.value('declare let outside: string | number; outside = 2;');
  assert.is(await kernel.value('outside'), '2');
});

test('imported names follow, and may be defined again', async () => {
  assert.is(await session("import { basename } from 'path'; const base = () => basename('/a/b')", 'base()'), "'b'");
  assert.is(await session("const basename = (s: string) => s + '!'", 'base()'), "'/a/b!'");
});

test('correct code that cannot be written as a declaration file; what Node 20 has; @ts-nocheck; using', async () => {
  const cells: [string, string | undefined][] = [
    ["const fs2 = await import('node:fs'); fs2.existsSync('/')", 'true'],
    ['const anon = class { private z = 1; y = 2 }; new anon().y', '2'],
    ['const made = () => { interface Loc { a: number } const l: Loc = { a: 1 }; return l }; made().a', '1'],
    ['made().a + new anon().y', '3'],
    ['[3, 1, 2].toSorted()', '[ 1, 2, 3 ]'],
    ["// @ts-nocheck\nconst wrong: number = 'x'; wrong", "'x'"],
    ['using held = { [Symbol.dispose]() {} }; 1', '1'],
    ['declare global { interface Array<T> { last(): T } }\n[1].length', '1'],
    ['Array.prototype.last = function () { return this.at(-1) }; [1, 2].last()', '2'],
    ['typeof WebAssembly', "'object'"],
    ["__dirname.endsWith('notebooks')", 'true'],
  ];
  for (const [code, text] of cells) assert.is(await kernel.value(code), text, code);
  assert.match((await kernel.run("export * from 'fs'")).error!.evalue, 'export');
});

test.run();
