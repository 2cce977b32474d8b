import { spawn, spawnSync } from 'node:child_process';
import * as path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Kernel, plain, root } from './client';

test('process.exit in a cell: an error that explains it, then the process really ends', async () => {
  const kernel = await Kernel.start();
  const first = kernel.submit("console.log('said');\nprocess.exit(3);");
  const queued = kernel.submit('1');
  const { error, reply, stdout } = await kernel.result(first);
  assert.is(stdout, 'said\n');
  assert.is(reply.status, 'error');
  assert.match(plain(error!.traceback), 'process.exit(3)');
  assert.match(plain(error!.traceback), '新内核');
  assert.is((await kernel.result(queued)).reply.status, 'aborted');
  assert.is(await kernel.exited, 3);
  await kernel.stop();
});

test('a shutdown request is answered and obeyed, also while timers run', async () => {
  const kernel = await Kernel.start();
  await kernel.value('setInterval(() => {}, 1000); 0');
  assert.equal(await kernel.ask('shutdown_request', { restart: false }, 'control'), { status: 'ok', restart: false });
  assert.is(await kernel.exited, 0);
  await kernel.stop();
});

test('a kernel that is busy for ever ends as well', async () => {
  const kernel = await Kernel.start();
  await kernel.begin("console.log('started');\nwhile (true);");
  await kernel.ask('shutdown_request', { restart: false }, 'control');
  await kernel.exited;
  await kernel.stop();
});

test('a kernel whose Jupyter is gone ends by itself, also in the middle of a loop', async () => {
  if (process.platform === 'win32') return;
  // A process in between starts the kernel and dies.
  const script = `
    const { Kernel } = require('./test/kernel/client.ts');
    (async () => {
      process.env.JPY_PARENT_PID = String(process.pid);
      const kernel = await Kernel.start();
      await kernel.begin("console.log('started'); while (true);");
      console.log('kernel ' + kernel.process.pid);
      process.kill(process.pid, 'SIGKILL');
    })();`;
  const words = ['--require', require.resolve('tsx/cjs'), '-e', script];
  const { stdout, stderr } = spawnSync(process.execPath, words, { cwd: root, encoding: 'utf8', timeout: 120_000 });
  const pid = Number(/kernel (\d+)/.exec(stdout)?.[1]);
  assert.ok(pid, stderr);
  const alive = () => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  for (let i = 0; i < 300 && alive(); i++) await new Promise((done) => setTimeout(done, 100));
  assert.not(alive());
});

test('a kernel whose Jupyter has gone before it could look ends as well', async () => {
  if (process.platform === 'win32') return;
  const parent = path.join(root, 'kernel', 'run', 'parent.cjs');
  // The shell that stands for Jupyter ends at once; the process looks only when it has another parent.
  const program = `const wait = setInterval(() => {
      if (process.ppid === Number(process.env.JPY_PARENT_PID)) return;
      clearInterval(wait);
      setTimeout(() => process.stdout.write('alive ' + process.ppid), 5000);
      require(${JSON.stringify(parent)}).endWithParent(() => process.stdout.write('ended', () => process.exit()));
    }, 20);`;
  const script = 'export JPY_PARENT_PID=$$; "$NODE" -e "$PROGRAM" &';
  const child = spawn('sh', ['-c', script], { env: { ...process.env, NODE: process.execPath, PROGRAM: program } });
  const said = (await child.stdout.toArray()).join('');
  // (where orphans get another parent than 1, it cannot be told from a wrapper)
  if (!/^alive (?!1$)/.test(said)) assert.is(said, 'ended');
});

test.run();
