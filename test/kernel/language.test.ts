import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Content, Kernel } from './client';

let kernel: Kernel;
test.before(async () => {
  kernel = await Kernel.start();
  await kernel.value(
    "import { randomGenerator } from '../lib/base/random';\nimport { nearestNames } from '../lib/base/errors';",
  );
  await kernel.value(`interface Options {
  /** 是否取整（rounded）。 */ rounded?: boolean;
  scale?: number;
}
/**
 * 两个数的和（sum）。
 * @param a 第一个数
 * @param b 第二个数
 */
function 求和(a: number, b = 1, { rounded = false, scale = 2 }: Options = {}) {
  return rounded ? Math.round(scale * (a + b)) : a + b;
}`);
});
test.after(() => kernel.stop());

/** The cursor is where the bar stands. */
const at = (text: string) => ({
  code: text.replace('|', ''),
  cursor_pos: [...text.slice(0, text.indexOf('|'))].length,
});
const complete = (text: string) => kernel.ask('complete_request', at(text));
const inspect = (text: string): Promise<Content> => kernel.ask('inspect_request', { ...at(text), detail_level: 0 });

test('completion: names, members, imports, with the right positions', async () => {
  const cases: [string, string, number, number][] = [
    ['randomG|', 'randomGenerator', 0, 7],
    ['const g = randomG|;', 'randomGenerator', 10, 17],
    ['randomGenerator(3).un|', 'uniform', 19, 21],
    ['const t = { 宽度: 1, 高度: 2 };\nt.宽|', '宽度', 30, 31],
    ['求|', '求和', 0, 1],
    ["import { randomG| } from '../lib/base/random'", 'randomGenerator', 9, 16],
    ['/* 😀😀 */ randomG|', 'randomGenerator', 9, 16],
    ["const 中 = '中文'; 中.toUpperC|", 'toUpperCase', 18, 26],
  ];
  for (const [text, name, start, end] of cases) {
    const reply = await complete(text);
    assert.ok(reply.matches.includes(name), `${text}: ${reply.matches.slice(0, 5)}`);
    assert.equal([reply.cursor_start, reply.cursor_end], [start, end], text);
  }
});

test('completion of a path lists the files there', async () => {
  const { matches, cursor_start, cursor_end } = await complete("import {} from '../lib/base/rand|'");
  assert.equal([matches, cursor_start, cursor_end], [['random'], 28, 32]);
});

test('Shift-Tab: signature and docstring, as text and as markdown', async () => {
  for (const text of [
    'rand|omGenerator(3)',
    'randomGenerator|(3)',
    'randomGenerator(|)',
    'const g = randomGenerator(3, |',
    '/* 😀 */ |randomGenerator',
  ]) {
    const { found, data } = await inspect(text);
    assert.ok(found, text);
    assert.match(data['text/plain'], 'randomGenerator(seed: number): RandomGenerator');
    assert.match(data['text/plain'], '可复现的随机数发生器');
    assert.match(data['text/markdown'], '```typescript\nrandomGenerator(seed: number): RandomGenerator\n```');
  }
});

test('Shift-Tab inside the arguments explains the function, with its parameters', async () => {
  const { data } = await inspect('求和(1, |2)');
  assert.match(data['text/markdown'], '- `a`：第一个数');
  assert.match(data['text/markdown'], '两个数的和');
  assert.match(data['text/markdown'], '`rounded: boolean = false`：是否取整');
  assert.is((await inspect('|')).found, false);
  assert.is((await inspect('noSuchName|')).found, false);
});

test('Shift-Tab on a function of the library lists its options with their defaults', async () => {
  await kernel.value("import { embed } from '../lib/03-embedding/embedding';");
  const { data } = await inspect('embed|');
  assert.match(data['text/plain'], 'perplexity: number = 30');
});

test('half-typed code never breaks the kernel', async () => {
  for (const text of ['(((|', 'const {|', '`${|', 'class { |', "import '|", '@|', 'a.|.b', '|']) {
    assert.is((await complete(text)).status, 'ok', text);
    assert.is((await inspect(text)).status, 'ok', text);
  }
  assert.is(await kernel.value('1'), '1');
});

test.run();
