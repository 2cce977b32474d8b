import { spawn } from 'node:child_process';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inRoot, jupyterFolder, venvProgram } from '../../scripts/setup/place.mjs';
import { run } from '../../scripts/setup/run.mjs';
import { address, jupyterArguments } from '../../scripts/start/jupyter.mjs';

/** Starts the course as `npm start -- --no-browser --offline` does, and waits for the address. */
function start(...words) {
  const args = [inRoot('scripts', 'start.mjs'), '--no-browser', '--offline', '--no-native', ...words];
  const child = spawn(process.execPath, args, { cwd: path.parse(inRoot()).root });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  let output = '';
  const ready = new Promise((resolve, reject) => {
    const take = (text) => {
      output += text;
      const found = output.match(/(http:\/\/127\.0\.0\.1:\d+)(\S*)\?token=(\w+)/);
      if (found) resolve({ base: found[1], page: found[2], token: found[3] });
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    ended.then(() => reject(new Error(`ended before it was ready:\n${output}`)));
  });
  return { child, ended, ready, output: () => output };
}

const askKernel = `
import sys
from jupyter_client import BlockingKernelClient
client = BlockingKernelClient(connection_file=sys.argv[1])
client.load_connection_file()
client.start_channels()
client.wait_for_ready(timeout=120)
def show(message):
    if message["msg_type"] == "execute_result":
        print(message["content"]["data"]["text/plain"])
client.execute_interactive("[process.env.CONVSCOPE_BACKEND, process.env.CONVSCOPE_OFFLINE, 6 * 7].join(' ')", timeout=120, output_hook=show)
`;

test('npm start prints an address, JupyterLab is Chinese, the kernel answers, Ctrl-C ends it', async () => {
  const { child, ended, ready, output } = start();
  const { base, token } = await ready;
  const api = async (route, init) =>
    (await fetch(`${base}${route}`, { headers: { Authorization: `token ${token}` }, ...init })).json();
  assert.is((await fetch(`${base}/api/kernelspecs`)).status, 403, 'without the token nobody gets in');
  const { kernelspecs, default: chosen } = await api('/api/kernelspecs');
  assert.equal(Object.keys(kernelspecs), ['convscope']);
  assert.ok(chosen);
  const language = await api('/lab/api/settings/@jupyterlab/translation-extension:plugin');
  assert.is(language.schema.properties.locale.default, 'zh_CN');
  const news = await api('/lab/api/settings/@jupyterlab/apputils-extension:notification');
  assert.is(news.schema.properties.fetchNews.default, 'false');
  const { id } = await api('/api/kernels', {
    method: 'POST',
    headers: { Authorization: `token ${token}` },
    body: JSON.stringify({ name: 'convscope' }),
  });
  const connection = jupyterFolder('runtime', `kernel-${id}.json`);
  const { stdout } = await run(venvProgram('python'), ['-c', askKernel, connection]);
  assert.is(stdout.trim(), "'wasm 1 42'");
  child.kill('SIGINT');
  assert.is(await ended, 0, output());
  const gone = await fetch(base).then(
    () => false,
    () => true,
  );
  assert.ok(gone, 'the server still answers');
});

test('a port that is taken is an error, not another port', async () => {
  const first = start();
  const { base } = await first.ready;
  const second = start('--port', new URL(base).port);
  second.ready.catch(() => {});
  assert.is(await second.ended, 1);
  assert.match(second.output(), 'JupyterLab 没有启动');
  first.child.kill('SIGTERM');
  assert.is(await first.ended, 0);
});

test('the server listens on this machine alone, unless --ip is given', () => {
  assert.ok(jupyterArguments({}).includes('--ServerApp.ip=127.0.0.1'));
  assert.ok(jupyterArguments({ ip: '0.0.0.0' }).includes('--ServerApp.ip=0.0.0.0'));
  assert.match(address({ port: 1, hostname: '0.0.0.0' }, 't'), 'http://127.0.0.1:1/lab');
});

test('an unknown option and --help end at once', async () => {
  const script = inRoot('scripts', 'start.mjs');
  const unknown = await run(process.execPath, [script, '--prot', '1'], { check: false });
  assert.is(unknown.code, 1);
  assert.match(unknown.output, '不认识的选项 --prot');
  const help = await run(process.execPath, [script, '--help', '--lang', 'en']);
  assert.match(help.output, 'only print the address');
});

test.run();
