/** A top-level loop keeps copies of the variables that it assigns: their values are what they would be without. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Kernel } from './client';

const { Compiler } = require('../../kernel/compile/compiler.cjs');
const { Names } = require('../../kernel/compile/names.cjs');

let kernel: Kernel;
test.before(async () => {
  kernel = await Kernel.start();
});
test.after(() => kernel.stop());

const compiler = new Compiler();

/** Compiles the cells of a new notebook; which names the last one's loops have copies of. */
function copied(...cells: string[]): string {
  compiler.names = new Names();
  let code = '';
  for (const source of cells) {
    const { cell, problems } = compiler.compile(source);
    assert.equal(problems, [], source);
    code = cell.code;
    compiler.keep(cell);
  }
  return [...code.matchAll(/\{(?:\$_\.attend\(\);)?let (.*?);/g)]
    .map(([, list]) => list.match(/(?<=\$_)\p{L}\w*(?=\$_)/gu)?.join())
    .join(' ');
}

test('a loop has copies of what only it can change', () => {
  const cells: [string, string[]][] = [
    ['s', ['let s = 0; for (let i = 0; i < 9; i++) s += i']],
    ['s', ['let s = 0', 'for (let i = 0; i < 9; i++) s += Math.sqrt(i)']],
    ['s', ['let s = 0; function read() { return s }', 'for (const x of [1]) { s = x + read() }']],
    ['s,t', ['let [s, t] = [0, 1]; while (s < 9) { s++; --t }']],
    ['i,s', ['let s = 0; outer: for (var i = 0; i < 9; i++) for (;;) { s++; continue outer }']],
    ['s', ['for (const x of [1]) { var s = x; s++ }']],
    ['s', ['let s = 0; await null; for (let i = 0; i < 9; i++) s += i']],
    ['s', ['let s = 0; for (const x of [1]) { for (;;) { s++; break } const f = async () => await x; await f() }']],
    ['s t', ['let s = 0, t = 0; if (s === 0) { do s++; while (s < 9) } else for (;;) t++']],
  ];
  for (const [names, sources] of cells) assert.is(copied(...sources), names, sources.join('\n'));
});

test('and of nothing else', () => {
  const cells: string[][] = [
    // a function, a method, a getter, a class assigns it: of this cell, of an earlier one, of one that was defined again
    ['let s = 0; const add = () => { s += 1 }; for (const x of [1]) { add(); s += x }'],
    ['let s = 0; function add() { s++ }', 'for (const x of [1]) { s += x }'],
    ['let s = 0; let f = () => { s++ }', 'f = () => {}', 'for (const x of [1]) { s += x }'],
    ['let s = 0; const o = { get p() { return s++ } }; for (const x of [1]) s += o.p + x'],
    ['let s = 0; class C { static { s++ } n = s++ } for (const x of [1]) s += new C().n'],
    ['let s = 0; for (const x of [1]) { class D { static n = (s = 5) } s += D.n }'],
    ['let s = 0; const it = { *[Symbol.iterator]() { yield s++ } }; for (const x of it) s += x'],
    [
      'let s = 0; function set() { [s] = [1]; ({ s } = { s: 2 }); for (s of [3]); for (var [a = s] of [[]]); }',
      'for (;;) { s++; break }',
    ],
    // others may come in between
    ['let s = 0; for (let i = 0; i < 9; i++) { s += i; await null }'],
    ['let s = 0; for (const x of [1]) { for await (const y of [x]) s += y }'],
    ['let s = 0; for (const x of [1]) { await using y = null; s += x }'],
    // not the simple ways of assigning
    ['let s = 0; for (const x of [1]) { s += x; [s] = [x] }'],
    ['let s = 0; for (const x of [1]) { s += x; ({ a: [s = 1] } = { a: [x] }) }'],
    ['let s = 0; for (const x of [1]) { s += x; [, ...[s]] = [1, x] }'],
    ['let s = 0; for (s of [1]) s++'],
    ['let s = 0; for (const x of [1]) for ([s] of [[x]]) s++'],
    ["let s: string = ''; for (s in { a: 1 }) s += 'b'"],
    ['let s = 0; for (const x of [1]) { (s) = x; (s)++ }'],
    ['let s: number | undefined; for (const x of [1]) s ??= x'],
    ['for (var s of [1]) s++'],
    // no value yet
    ['// @ts-nocheck\nfor (const x of [1]) s = x;\nlet s = 1'],
    // another variable of that name
    ['let s = 0; for (let s = 0; s < 9; s++) { { let s = 1; s++ } }'],
    ['let s = 0; for (const x of [1]) { const f = (s: number) => s++; f(x) }'],
    // inside of a function nothing is different
    ['let s = 0; function f() { for (const x of [1]) s += x }'],
  ];
  for (const sources of cells) assert.is(copied(...sources), '', sources.join('\n'));
});

test('the values are the same, whichever way a loop is left', async () => {
  const cells: [string, string | undefined][] = [
    ['let s = 0, n = 0; for (let i = 0; i < 5; i++) s += i; s', '10'],
    ['for (let i = 0; i < 3; i++) { n = s++ + ++s; s -= 1; s **= 2; s = s % 1000 } [s, n]', '[ 225, 1770 ]'],
    [
      'const seen: number[] = []; s = 0; while (s < 3) seen.push(s++, s--, ++s); String([seen, s])',
      "'0,1,1,1,2,2,2,3,3,3'",
    ],
    [
      's = 0; outer: for (let i = 0; ; i++) for (let j = 0; j < 9; j++) { s++; if (j > i) continue outer; if (i > 3) break outer } s',
      '15',
    ],
    ['let b = 1n; for (let i = 0; i < 70; i++) b *= 2n; for (let i = 0; i < 2; i++) b++; b', '1180591620717411303426n'],
    ["let text = ''; for (const c of 'abc') text = c + text; text", "'cba'"],
    ['s = 0; try { for (;;) { s += 2; if (s > 5) throw new Error() } } catch { s++ } s', '7'],
    [
      's = 0; for (const x of [1, 2]) { try { s += x; if (x === 2) throw 1 } catch { s *= 10 } finally { s++ } } s',
      '41',
    ],
    ['s = 0; switch (s) { case 0: for (const x of [1, 2]) s += x; default: s++ } s', '4'],
    [
      'const reads: (() => number)[] = []; s = 0; for (let i = 0; i < 3; i++) { s += 1; reads.push(() => s) } reads.map((f) => f())',
      '[ 3, 3, 3 ]',
    ],
    ['const now = () => s; s = 0; let sum = 0; for (let i = 0; i < 4; i++) { s = i; sum += now() } sum', '6'],
    ['for (var k = 0, e = 5; k < e; k += 2); [k, e]', '[ 6, 5 ]'],
    ['for (var k = k ? 1 : 2; k < 5; k++); k', '5'],
    ['let f: (() => number) | undefined; for (const x of [1]) f = () => x; [f!(), f!.name]', "[ 1, '' ]"],
    ['let o = { s }; for (const x of [4]) { s = x; o = { s } } [o.s, `${s}`, typeof s]', "[ 4, '4', 'number' ]"],
    ['let g = (v: number) => v; for (const x of [1, 2]) { s = g(x); g = (v) => v * 10 } s', '20'],
    ['s = 0; for (const x of [1]) if (x) { for (let i = 0; i < 3; i++) s++; } else s = 9; s', '3'],
    ['label: { s = 0; for (;;) { s++; break label } } s', '1'],
    ['let any: any = 1; for (const x of [2, "a", null]) any += x as any; any', "'3anull'"],
    [
      'let m: RegExpExecArray | null; const at: number[] = []; const re = /b/g; while ((m = re.exec("abcb")) !== null) at.push(m.index); at',
      '[ 1, 3 ]',
    ],
    [
      '// @ts-nocheck\nlet sly: number = 0; sly = { valueOf: () => (s = 50, 1) }; s = 0; for (const x of [1, 2]) { +sly; s += x } s',
      '52',
    ],
  ];
  for (const [code, text] of cells) assert.is(await kernel.value(code), text, code);
  const { error } = await kernel.run(
    's = 0; for (let i = 0; ; i++) { s = i; if (i === 5) throw new RangeError("six") }',
  );
  assert.match(error!.traceback, /RangeError: six[\s\S]*第 1 行第 59 列/);
  assert.is(await kernel.value('s'), '5');
  const early = await kernel.run('// @ts-nocheck\nfor (const x of [1]) notYet += x;\nlet notYet = 1;');
  assert.is(early.error!.ename, 'ReferenceError');
});

test('a cell that was given up does not begin a loop whose variables a later cell may change', async () => {
  await kernel.value('let touched = 0, call = (n: number) => n; let free = () => {};');
  const cell = await kernel.begin(
    "console.log('started'); await new Promise<void>((r) => (free = r)); for (const x of [1, 2]) { call(x); touched += x }",
  );
  kernel.interrupt('message');
  assert.is((await kernel.result(cell)).error!.ename, 'Interrupted');
  await kernel.value('call = (n) => (touched = 100); free(); await new Promise((r) => setTimeout(r, 20))');
  assert.is(await kernel.value('touched'), '0');
});

test('an interrupt loses nothing', async () => {
  const cell = await kernel.begin(
    "let turns = 0, last = 0;\nconsole.log('started');\nfor (;;) { turns++; last = turns }",
  );
  kernel.interrupt('message');
  assert.is((await kernel.result(cell)).error!.ename, 'Interrupted');
  assert.is(await kernel.value('turns > 1000 && turns - last <= 1'), 'true');
});

test.run();
