import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inRoot, jupyterFolder, venvProgram } from '../../scripts/setup/paths.mjs';
import { run } from '../../scripts/setup/run.mjs';
import { startCourse } from '../../scripts/start/started.mjs';
import { address, jupyterArguments } from '../../scripts/start/jupyter.mjs';

/** Without the network and without the native backend, whatever this machine has. */
const start = (...words) => startCourse('--offline', '--no-native', ...words);

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
  const { base, token, stop, output } = await start();
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
  const style = await fetch(`${base}/custom/custom.css`, { headers: { Authorization: `token ${token}` } });
  assert.match(await style.text(), /img\.plot-img \{ max-width: 100%/);
  const { id } = await api('/api/kernels', {
    method: 'POST',
    headers: { Authorization: `token ${token}` },
    body: JSON.stringify({ name: 'convscope' }),
  });
  const connection = jupyterFolder('runtime', `kernel-${id}.json`);
  const { stdout } = await run(venvProgram('python'), ['-c', askKernel, connection]);
  assert.is(stdout.trim(), "'wasm 1 42'");
  assert.is(await stop('SIGINT'), 0, output());
  const gone = await fetch(base).then(
    () => false,
    () => true,
  );
  assert.ok(gone, 'the server still answers');
});

test('a port that is taken is an error, not another port', async () => {
  const { base, stop } = await start();
  const refusal = await start('--port', new URL(base).port).then(
    () => assert.unreachable(),
    (error) => error.message,
  );
  assert.match(refusal, 'ended with 1');
  assert.match(refusal, 'JupyterLab 没有启动');
  assert.is(await stop('SIGTERM'), 0);
});

test('two starts at the same moment: two servers, each with a port of its own', async () => {
  const both = await Promise.all([start(), start()]);
  const ports = both.map(({ base }) => new URL(base).port);
  assert.is.not(ports[0], ports[1]);
  for (const { base, token } of both) {
    const answer = await fetch(`${base}/api/kernelspecs`, { headers: { Authorization: `token ${token}` } });
    assert.is(answer.status, 200);
  }
  assert.equal(await Promise.all(both.map(({ stop }) => stop('SIGINT'))), [0, 0]);
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
