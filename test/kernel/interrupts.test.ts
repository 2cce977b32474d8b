import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Kernel, pause } from './client';

let kernel: Kernel;
test.before(async () => {
  kernel = await Kernel.start();
  await kernel.value("import { watchInterrupts } from '../lib/base/interrupt';");
});
test.after(() => kernel.stop());

// A library function in small: it resolves with what it has.
const LIBRARY = `async function work() {
  const watch = watchInterrupts();
  let steps = 0;
  while (!watch.stopped) { steps++; if (steps === 20) console.log('started'); await watch.breathe(); await null; }
  return { steps, stopped: watch.stopped };
}
const r = await work();
const after = 'reached';`;

const WAYS = process.platform === 'win32' ? (['message'] as const) : (['message', 'signal'] as const);
for (const way of WAYS) {
  const interrupted = async (code: string) => {
    const id = await kernel.begin(code);
    await pause(50);
    kernel.interrupt(way);
    return kernel.result(id);
  };

  test(`${way}: a synchronous loop stops and what it had computed stays`, async () => {
    const cell = await interrupted("let n = 0;\nconst before = 'kept';\nconsole.log('started');\nwhile (true) n++;");
    assert.is(cell.error!.ename, 'Interrupted');
    assert.is(cell.reply.status, 'error');
    assert.is(await kernel.value('before + (n > 0)'), "'kepttrue'");
  });

  test(`${way}: a library loop that is awaited resolves with what it has, and the cell goes on`, async () => {
    const cell = await interrupted(LIBRARY);
    assert.is(cell.reply.status, 'ok', cell.error?.traceback);
    assert.is(await kernel.value('[r.stopped, r.steps >= 20, after]'), "[ 'interrupted', true, 'reached' ]");
  });

  test(`${way}: a cell that waits for nothing of ours is let go`, async () => {
    const cell = await interrupted("console.log('started');\nawait new Promise(() => {});");
    assert.is(cell.error!.ename, 'Interrupted');
    assert.match(cell.error!.evalue, '2 秒');
    assert.is(await kernel.value('1 + 1'), '2');
  });

  test(`${way}: between cells it changes nothing`, async () => {
    kernel.interrupt(way);
    await pause(100);
    kernel.interrupt(way);
    await pause(100);
    const code = 'const w = watchInterrupts(); await new Promise((r) => setTimeout(r, 50)); String(w.stopped)';
    assert.is(await kernel.value(code), "'undefined'");
  });

  test(`${way}: cells that wait in the queue are given up`, async () => {
    const first = await kernel.begin(LIBRARY);
    const queued = ["'second'", "'third'"].map((code) => kernel.submit(code));
    await pause(200);
    kernel.interrupt(way);
    assert.is((await kernel.result(first)).reply.status, 'ok');
    for (const id of queued) assert.is((await kernel.result(id)).reply.status, 'aborted');
  });

  test(`${way}: a SIGINT listener that a cell adds does not make the next interrupt deadly`, async () => {
    await kernel.value("process.once('SIGINT', () => {}); 0");
    assert.is((await interrupted("console.log('started');\nwhile (true);")).error!.ename, 'Interrupted');
    assert.is((await interrupted("console.log('started');\nwhile (true);")).error!.ename, 'Interrupted');
    assert.is(await kernel.value('3'), '3');
  });
}

test('message: a synchronous loop after an await, in a timer and in setImmediate', async () => {
  const loops = [
    'await null; while (true);',
    'await new Promise(() => setTimeout(() => { while (true); }));',
    'await new Promise((r) => setImmediate(r)); while (true);',
  ];
  for (const loop of loops) {
    const id = await kernel.begin(`console.log('started'); await new Promise((r) => setTimeout(r, 60)); ${loop}`);
    await pause(200);
    kernel.interrupt('message');
    assert.is((await kernel.result(id)).error!.ename, 'Interrupted', loop);
    const code = 'await new Promise((r) => setTimeout(r, 5)); await new Promise((r) => setImmediate(r)); await null; 7';
    assert.is(await kernel.value(code), '7', loop);
  }
  const id = await kernel.begin(LIBRARY);
  process.kill(kernel.process.pid!, 0);
  kernel.interrupt('message');
  assert.is((await kernel.result(id)).reply.status, 'ok');
});

test('tidy() and grad() that were cut off leave TensorFlow.js usable', async () => {
  await kernel.value("import * as tf from '@tensorflow/tfjs'; tf.env().set('PROD', true); await tf.setBackend('cpu');");
  const before = await kernel.value('tf.memory().numTensors');
  const id = await kernel.begin(
    "tf.tidy(() => tf.grad((x) => tf.tidy(() => { const y = x.square(); console.log('started'); while (true); return y; }))(tf.scalar(2)));",
  );
  kernel.interrupt('message');
  assert.is((await kernel.result(id)).error!.ename, 'Interrupted');
  assert.is(await kernel.value('tf.memory().numTensors'), before);
  const code = 'const g = tf.grad((x) => x.square())(tf.scalar(3)); const v = g.dataSync()[0]; g.dispose(); v';
  assert.is(await kernel.value(code), '6');
});

test('an interrupt while the kernel itself is loading or compiling breaks nothing', async () => {
  const other = await Kernel.start();
  const id = other.submit("import * as tf from '@tensorflow/tfjs';\n1");
  other.interrupt('message');
  await other.result(id);
  assert.is(await other.value("import * as tf from '@tensorflow/tfjs';\ntypeof tf.conv2d"), "'function'");
  await other.stop();
});

test('a display, an imported file, a child behind a shell: none holds the kernel for ever', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kernel-endless-'));
  writeFileSync(join(folder, 'loop.ts'), "console.log('started'); while (true);");
  writeFileSync(join(folder, 'wait.ts'), "console.log('started'); await new Promise(() => {});");
  const endless = [
    "({ [Symbol.for('Jupyter.display')]() { console.log('started'); return new Promise(() => {}); } })",
    `import ${JSON.stringify(join(folder, 'loop.ts'))}`,
    `import ${JSON.stringify(join(folder, 'wait.ts'))}`,
  ];
  // only Linux tells whose children are whose
  if (process.platform === 'linux')
    endless.push("console.log('started'); require('child_process').execSync('sleep 100; true')");
  for (const code of endless) {
    const id = await kernel.begin(code);
    kernel.interrupt('message');
    assert.is((await kernel.result(id)).error!.ename, 'Interrupted', code);
    assert.is(await kernel.value('6'), '6', code);
  }
  // what was cut off in the middle is not taken for loaded
  writeFileSync(join(folder, 'loop.ts'), 'export const done = 1;');
  assert.is(await kernel.value(`import { done } from ${JSON.stringify(join(folder, 'loop.ts'))}; done`), '1');
  rmSync(folder, { recursive: true });
});

test('what a cell leaves running can be stopped too', async () => {
  await kernel.value('setTimeout(() => { while (true); }, 20); 0');
  await pause(100);
  kernel.interrupt('message');
  assert.is(await kernel.value('5'), '5');
});

test('while a cell computes, the kernel still answers', async () => {
  const id = await kernel.begin("console.log('started');\nwhile (true);");
  assert.is((await kernel.ask('kernel_info_request', {})).status, 'ok');
  kernel.interrupt('message');
  await kernel.result(id);
});

test.run();
