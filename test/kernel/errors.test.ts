import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Kernel, plain, until } from './client';

let kernel: Kernel;
test.before(async () => {
  kernel = await Kernel.start();
});
test.after(() => kernel.stop());

test('a runtime error: name, message, the line of the cell, the way there in cells only', async () => {
  const first = await kernel.run('function third(x: any) {\n  // 为什么\n  return x.y.z;\n}');
  const { error, reply } = await kernel.run('const before = 7;\n\nthird({});');
  assert.is(error!.ename, 'TypeError');
  assert.match(error!.evalue, "reading 'z'");
  assert.match(error!.traceback, `at third (单元格 [${first.reply.execution_count}] 第 3 行第 14 列)`);
  assert.match(error!.traceback, `at 单元格 [${reply.execution_count}] 第 3 行第 1 列`);
  assert.match(error!.traceback, '> 3 | third({});');
  assert.not.match(error!.traceback, /node:|tslab|kernel\/|evalmachine/);
  assert.is(reply.status, 'error');
  assert.is(reply.ename, 'TypeError');
  assert.ok(error!.traceback.split('\n').length < 12);
});

test('an error names things as the cell does', async () => {
  for (const [code, message] of [
    ['let some: any; some()', 'some is not a function'],
    ['for (const x of some) x', 'some is not iterable'],
    ['let $so_: any = {}; $so_.f()', '$so_.f is not a function'],
    ['for (const x of [1]) { some = x; for (const y of some) y }', 'some is not iterable'],
  ]) {
    const { error } = await kernel.run(code);
    assert.is(error!.evalue, message);
    assert.match(error!.traceback, `TypeError: ${message}`);
  }
  const caught = await kernel.run('try { some() } catch (e) { console.log(e) }');
  assert.match(caught.stdout, 'TypeError: some is not a function');
});

test('what a failed cell had defined stays', async () => {
  await kernel.value('let replaced = 1;');
  await kernel.run(
    "const kept = 'yes'; function keptToo() { return kept; }\nconst lost = (null as any).x;\nlet replaced = 'no';",
  );
  assert.is(await kernel.value('keptToo() + replaced'), "'yes1'");
  assert.match((await kernel.run('lost')).error!.evalue, 'lost');
});

test('a type error is reported in Chinese with its place, and nothing runs', async () => {
  const { error } = await kernel.run("console.log('ran');\nconst q: string = 3;");
  assert.is(error!.ename, 'TypeScriptError');
  assert.match(error!.evalue, '第 2 行第 7 列：不能将类型“number”分配给类型“string”');
  const { error: syntax } = await kernel.run('const = 3;');
  assert.is(syntax!.ename, 'TypeScriptError');
});

test('causes, thrown values and errors after an await', async () => {
  const caused = await kernel.run("throw new Error('outer', { cause: new RangeError('inner') });");
  assert.match(caused.error!.traceback, '原因：RangeError: inner');
  assert.match((await kernel.run("throw 'text';")).error!.evalue, "'text'");
  const late = await kernel.run("await null;\nawait null;\nthrow new RangeError('late');");
  assert.match(late.error!.traceback, '第 3 行第 7 列');
});

test('a promise rejected after its cell ended names the cell, and the kernel lives', async () => {
  const cell = await kernel.run(
    "async function slow() { await new Promise((r) => setTimeout(r, 100)); throw new RangeError('too late'); }\nslow();\n'done'",
  );
  const next = await kernel.run('1');
  const stderr = (id: string) =>
    kernel
      .publishedFor(id)
      .filter((m) => m.type === 'stream')
      .map((m) => m.content.text)
      .join('');
  const text = plain(
    await until(() => [cell.id, next.id].map(stderr).find((t) => t.includes('too late')), 'the report'),
  );
  assert.match(text, `单元格 [${cell.reply.execution_count}]`);
  assert.match(text, '漏写了 await');
  assert.match(text, 'RangeError: too late');
  const thrown = await kernel.run("setTimeout(() => { throw new Error('from a timer'); }, 10); 0");
  const report = plain(
    await until(() => stderr(thrown.id).includes('from a timer') && stderr(thrown.id), 'the report'),
  );
  assert.match(report, `单元格 [${thrown.reply.execution_count}]`);
  assert.is(await kernel.value('2'), '2');
});

test('a forgotten await is pointed out', async () => {
  assert.match((await kernel.value('new Promise(() => {})'))!, '加上 await');
});

test.run();
