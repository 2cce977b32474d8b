import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withLock } from '../../scripts/setup/lock.mjs';
import { run } from '../../scripts/setup/run.mjs';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-lock-'));
test.after(() => fs.rmSync(folder, { recursive: true }));
const report = { say: () => {} };
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

test('of two at once, one waits for the other', async () => {
  const file = path.join(folder, 'two', 'lock');
  const events = [];
  const messages = [];
  const holder = (name) =>
    withLock(
      file,
      { say: (text) => messages.push(text) },
      async () => {
        events.push(`${name} in`);
        await wait(60);
        events.push(`${name} out`);
      },
      { pollMs: 10 },
    );
  await Promise.all([holder('a'), holder('b')]);
  assert.equal(events, ['a in', 'a out', 'b in', 'b out']);
  assert.is(messages.length, 1);
  assert.match(messages[0], String(process.pid));
  assert.not(fs.existsSync(file));
});

test('work that fails gives the lock back', async () => {
  const file = path.join(folder, 'failing');
  try {
    await withLock(file, report, () => Promise.reject(new Error('no')));
    assert.unreachable();
  } catch (error) {
    assert.is(error.message, 'no');
  }
  assert.not(fs.existsSync(file));
});

test('the lock of a killed process does not hold anybody up', async () => {
  const file = path.join(folder, 'killed');
  const script = `import { withLock } from ${JSON.stringify(new URL('../../scripts/setup/lock.mjs', import.meta.url).href)};
    await withLock(${JSON.stringify(file)}, { say() {} }, () => new Promise((r) => setTimeout(r, 60000)));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
  while (!fs.existsSync(file)) await wait(20);
  const ended = new Promise((resolve) => child.on('exit', resolve));
  child.kill('SIGKILL');
  await ended;
  assert.ok(fs.existsSync(file), 'the killed process could not clean up');
  assert.is(await withLock(file, report, () => 'done', { pollMs: 10 }), 'done');
});

test('a program is named in the lock as soon as it has started, not at the next heartbeat', async () => {
  const file = path.join(folder, 'named');
  await withLock(file, report, async () => {
    const program = run(process.execPath, ['-e', 'setTimeout(() => {}, 50)']);
    assert.is(JSON.parse(fs.readFileSync(file, 'utf8')).programs.length, 1);
    await program;
  });
  assert.not(fs.existsSync(file));
});

test('a program that outlives its killed owner is waited for', async () => {
  const file = path.join(folder, 'orphan');
  const orphan = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)']);
  const dead = spawn(process.execPath, ['-e', '']);
  await new Promise((resolve) => dead.on('exit', resolve));
  fs.writeFileSync(file, JSON.stringify({ pid: dead.pid, host: os.hostname(), programs: [orphan.pid] }));
  let got = false;
  const waiting = withLock(file, report, () => (got = true), { pollMs: 10 });
  await wait(100);
  assert.not(got);
  orphan.kill('SIGKILL');
  await waiting;
  assert.ok(got);
});

test("the lock of yesterday's machine, whose process number lives again, does not either", async () => {
  const file = path.join(folder, 'old');
  fs.writeFileSync(file, JSON.stringify({ pid: process.ppid, host: os.hostname() }));
  const yesterday = new Date(Date.now() - 86_400_000);
  fs.utimesSync(file, yesterday, yesterday);
  assert.is(await withLock(file, report, () => 'done', { pollMs: 10 }), 'done');
});

test.run();
