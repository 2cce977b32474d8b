/** What nobody would write on purpose: the cell fails, the kernel lives and keeps its variables. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Kernel, plain, until } from './client';

let kernel: Kernel;
test.before(async () => {
  kernel = await Kernel.start();
  await kernel.value("import { display } from 'tslab'; const kept = 'kept';");
});
test.after(() => kernel.stop());

const textOf = (id: string, name: string) =>
  plain(
    kernel
      .publishedFor(id)
      .filter((m) => m.type === 'stream' && m.content.name === name)
      .map((m) => m.content.text)
      .join(''),
  );

test('a display that is not JSON is an error of its cell', async () => {
  for (const code of [
    "const circle: any = {}; circle.self = circle; display.raw('application/json', circle)",
    "display.raw('application/json', { count: 10n } as any)",
    "display.raw('application/json', (() => 1) as any)",
    "({ [Symbol.for('Jupyter.display')]() { return { 'application/json': { a: 1n } } } })",
    "display.raw('application/json', Symbol('x') as any)",
    "display.raw('application/json', { toJSON() { throw null } } as any)",
    "display.raw('application/json', { inner: new Map([[1, 2]]) } as any)",
    "display.raw('application/json', new Proxy({}, { ownKeys() { throw new Error('keys') } }) as any)",
  ]) {
    const { error } = await kernel.run(code);
    assert.match(error!.evalue, 'JSON', code);
    assert.is(await kernel.value('kept'), "'kept'");
  }
});

test('what the file of a notebook could not hold is no display either', async () => {
  const shown = await kernel.run(
    "display.html(5 as any); display.raw('image/png', new Uint8Array([1, 2, 3]).buffer as any)",
  );
  assert.equal(
    shown.published.filter((m) => m.type === 'display_data').map((m) => m.content.data),
    [
      { 'text/html': '5', 'text/plain': '5' },
      { 'image/png': 'AQID', 'text/plain': '[image/png]' },
    ],
  );
  for (const code of [
    'display.html({ a: 1 } as any)',
    "({ [Symbol.for('Jupyter.display')]: () => null })",
    "({ [Symbol.for('Jupyter.display')]: () => [1] })",
  ])
    assert.is((await kernel.run(code)).error!.ename, 'TypeError', code);
});

test('half an emoji becomes U+FFFD in streams, results, displays and errors', async () => {
  assert.is((await kernel.run("console.log('😀'[0])")).stdout, '\ufffd\n');
  assert.is(await kernel.value("'😀'[1] + '😀'"), "'\\ude00😀'");
  const shown = await kernel.run("display.html('<b>' + '😀'[0] + '\\\\ud83d</b>')");
  const { data } = shown.published.find((m) => m.type === 'display_data')!.content;
  assert.is(data['text/html'], '<b>\ufffd\\ud83d</b>');
  assert.is((await kernel.run("throw new Error('😀'[0])")).error!.evalue, '\ufffd');
});

test('what throws when it is looked at', async () => {
  for (const code of [
    "class Odd extends Error { get code(): string { throw new Error('getter') } } throw new Odd('odd')",
    "throw new Proxy(new Error('p'), { get() { throw new Error('trap') } })",
    "throw new Proxy({}, { getPrototypeOf() { throw new Error('trap') }, get() { throw new Error('trap') } })",
    "throw { [Symbol.for('nodejs.util.inspect.custom')]() { throw new Error('evil') } }",
    "throw Object.defineProperty(new Error('m'), 'message', { get() { throw new Error('evil') } })",
  ]) {
    assert.is((await kernel.run(code)).reply.status, 'error', code);
    assert.is(await kernel.value('kept'), "'kept'", code);
  }
  const late = await kernel.run(
    "setTimeout(() => { throw { [Symbol.for('nodejs.util.inspect.custom')]() { throw new Error('evil') } } }, 20); 1",
  );
  await until(() => textOf(late.id, 'stderr').includes('回调函数'), 'the report');
  assert.is(await kernel.value('kept'), "'kept'");
});

test('late output goes under its own cell; a cell that was given up says nothing more', async () => {
  const first = await kernel.run("setTimeout(() => console.log('FROM A'), 300); undefined");
  const second = await kernel.run("await new Promise((r) => setTimeout(r, 800)); console.log('from B')");
  assert.is(second.stdout, 'from B\n');
  await until(() => textOf(first.id, 'stdout') === 'FROM A\n', 'late output');
  const id = await kernel.begin(
    "console.log('started'); for (let i = 0; ; i++) { await new Promise((r) => setTimeout(r, 20)); if (i > 150) console.log('left over') }",
  );
  kernel.interrupt('message');
  assert.is((await kernel.result(id)).error!.ename, 'Interrupted');
  const after = await kernel.run('await new Promise((r) => setTimeout(r, 3000)); 1');
  assert.is(after.stdout, '');
  assert.not.match(textOf(id, 'stdout'), 'left over');
});

test('whatever way a cell waits, what comes later is its own', async () => {
  await kernel.value("import { setTimeout as sleep } from 'timers/promises'; import { spawn } from 'child_process'; import { promisify } from 'util'; const work = async () => { await sleep(100); console.log('LATER') }"); // prettier-ignore
  const ways = [
    'work(); undefined',
    "setTimeout(async () => { await sleep(50); console.log('LATER') }, 50); undefined",
    "promisify(setTimeout)(100).then(() => console.log('LATER')); undefined",
    "spawn('sh', ['-c', 'sleep 0.1; echo LATER'], { stdio: 'inherit' }); undefined",
    "(async () => { await sleep(100); throw new Error('LATER') })(); undefined",
  ];
  for (const way of ways) {
    const { id } = await kernel.run(way);
    const second = await kernel.run("await new Promise((r) => setTimeout(r, 400)); console.log('B')");
    assert.is(second.stdout + second.stderr, 'B\n', way);
    await until(() => (textOf(id, 'stdout') + textOf(id, 'stderr')).includes('LATER'), way);
  }
  // a function of an earlier cell that this one has called
  assert.is((await kernel.run('await new Promise<void>((r) => void work().then(r))')).stdout, 'LATER\n');
});

test('an English error from inside the library: what was called, and what is usual', async () => {
  await kernel.run("import { bootstrapDifference, mean, photo } from '../lib'; const some: any[] = []");
  // Options that are null: what the functions do not look at themselves.
  const call = 'bootstrapDifference([1, 2], [1, 2], some[9] ?? null)';
  const { error } = await kernel.run(call);
  assert.match(error!.traceback, 'bootstrapDifference 得到的参数里有它不认识的：常见的是 undefined');
  assert.match(error!.traceback, `> 1 | ${call}`);
  assert.match((await kernel.run('mean(some[9])')).error!.evalue, '得到 undefined');
  for (const other of ["photo('没有这张')", 'some[9].name', 'mean(some[9])'])
    assert.not.match((await kernel.run(other)).error!.traceback, /它不认识的/);
});

test('errors in full: properties, causes, the parts of an AggregateError; console.trace', async () => {
  const props = await kernel.run("throw Object.assign(new Error('props'), { code: 'EX', detail: { a: 1 } })");
  assert.match(props.error!.traceback, "{ code: 'EX', detail: { a: 1 } }");
  const causes = await kernel.run(
    "throw new Error('outer', { cause: new Error('mid', { cause: new TypeError('inner') }) })",
  );
  assert.match(causes.error!.traceback, '原因：TypeError: inner');
  const parts = await kernel.run(
    "await Promise.any([Promise.reject(new Error('A')), Promise.reject(new TypeError('B'))])",
  );
  assert.match(parts.error!.traceback, '- TypeError: B');
  const circle = await kernel.run(
    "const circular: any = new Error('round'); circular.cause = circular; throw circular",
  );
  assert.match(circle.error!.traceback, '原因：上面的 Error');
  const hostile =
    "throw Object.assign(new AggregateError([], 'sum'), { errors: new Proxy([], { get() { throw 1 } }) })";
  assert.is((await kernel.run(hostile)).error!.evalue, 'sum');
  assert.match((await kernel.run("console.trace('here')")).stderr, 'Trace: here');
});

test('children that inherit, fs.writeSync(1): into the notebook', async () => {
  const code = `import { execSync, spawnSync } from 'child_process'; import { writeSync } from 'fs';
execSync('echo one', { stdio: 'inherit' }); spawnSync('echo', ['two'], { stdio: 'inherit' }); writeSync(1, 'three\\n');
undefined`;
  assert.is((await kernel.run(code)).stdout, 'one\ntwo\nthree\n');
  const errors = "execSync('echo a >&2; echo b', { stdio: 'inherit' }); execSync('echo c >&2'); undefined";
  const both = await kernel.run(errors);
  assert.equal([both.stdout, both.stderr], ['b\n', 'a\nc\n']);
  const promised =
    "import { write } from 'fs'; const { bytesWritten } = await promisify(write)(1, 'four\\n'); bytesWritten";
  assert.equal([(await kernel.run(promised)).stdout, await kernel.value('bytesWritten')], ['four\n', '5']);
});

test('habits from Python get one sentence; a result behind `;` is hidden', async () => {
  const words: [string, RegExp][] = [
    ['!ls', /execSync/],
    ['%time 1 + 1', /console\.time/],
    ['print("hello")', /console\.log/],
    ['for i in range(10):\n    i', /for \(let i/],
    ['console.log（1）', /中文标点/],
    ['def f(x): return x', /花括号/],
    ['f"{1}"', /反引号/],
    ['[1, 2][0:1]', /slice/],
    ['true and false', /&&/],
    ['pip install x', /execSync/],
    ['undeclared = 5', /let undeclared/],
  ];
  for (const [code, word] of words) assert.match((await kernel.run(code)).error!.evalue, word, code);
  assert.not.match((await kernel.run("const n: number = '（）'")).error!.evalue, '标点');
  assert.is(await kernel.value('6 * 7;'), undefined);
  assert.is(await kernel.value("({ [Symbol.for('Jupyter.display')]: () => ({ 'text/html': '<td>a</td><td>b</td>' }) });"), 'a\tb'); // prettier-ignore
});

test('history, user_expressions, clear_output, no input where the client has none', async () => {
  await kernel.value("'to be remembered'");
  const { history } = await kernel.ask('history_request', { hist_access_type: 'tail', n: 1 });
  assert.equal(
    history.map((entry: unknown[]) => entry[2]),
    ["'to be remembered'"],
  );
  const { reply } = await kernel.run('const seven = 7', { user_expressions: { a: 'seven + 1', b: 'nothing' } });
  assert.is(reply.user_expressions.a.data['text/plain'], '8');
  assert.is(reply.user_expressions.b.status, 'error');
  assert.is((await kernel.run('console.clear()')).published.at(-1)!.type, 'clear_output');
  assert.is((await kernel.run("prompt('名字？')")).error!.ename, 'InputError');
  const line = "import * as rl from 'readline'; await new Promise((r) => rl.createInterface({ input: process.stdin }).question('?', r))"; // prettier-ignore
  assert.is((await kernel.run(line)).error!.ename, 'InputError');
  assert.is((await kernel.ask('is_complete_request', { code: 'import from "a' })).status, 'invalid');
});

test.run();
