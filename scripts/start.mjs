/** npm start: installs what is missing and opens JupyterLab on the first notebook. */
import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import { bootstrap } from './setup/bootstrap.mjs';
import { parseOptions } from './setup/options.mjs';
import { nativeFacts } from './setup/native.mjs';
import { inRoot, jupyterFolder, venvProgram, windows } from './setup/paths.mjs';
import { Report, SetupError } from './setup/report.mjs';
import { address, jupyterArguments, jupyterEnvironment, serverFacts, writeSettings } from './start/jupyter.mjs';

const USAGE = {
  zh: `npm start -- [选项]
  --no-browser   只打印地址，不打开浏览器
  --port N       指定端口（缺省从 8888 起找空闲的）
  --ip ADDRESS   监听的地址（缺省只有本机 127.0.0.1）
  --no-native    不编译、不使用原生后端，用 wasm
  --offline      不使用网络
  --lang en      英文界面`,
  en: `npm start -- [options]
  --no-browser   only print the address
  --port N       this port (default: the first free one from 8888)
  --ip ADDRESS   listen on this address (default: 127.0.0.1, this machine only)
  --no-native    do not build or use the native backend, use wasm
  --offline      do not use the network
  --lang en      English interface`,
};

const LOG = () => jupyterFolder('server.log');
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function startServer(options) {
  fs.mkdirSync(jupyterFolder(), { recursive: true });
  const log = fs.openSync(LOG(), 'w');
  const token = process.env.JUPYTER_TOKEN || crypto.randomBytes(24).toString('hex');
  const server = spawn(venvProgram('python'), jupyterArguments(options), {
    cwd: inRoot(),
    env: {
      ...process.env,
      ...jupyterEnvironment(),
      JUPYTER_TOKEN: token,
      ...(options.noNative ? { CONVSCOPE_BACKEND: 'wasm' } : {}),
      ...(options.offline ? { CONVSCOPE_OFFLINE: '1' } : {}),
      ...(options.lang === 'en' ? { CONVSCOPE_LANG: 'en' } : {}),
    },
    stdio: ['ignore', log, log],
    // a group of its own: Ctrl-C reaches us alone, and we end the server in good order
    detached: !windows,
  });
  const ended = new Promise((resolve) => {
    server.on('error', () => resolve(127));
    server.on('exit', (code) => resolve(code ?? 0));
  });
  return { server, token, ended };
}

async function waitUntilReady({ server, ended }) {
  let code;
  ended.then((value) => (code = value));
  // two minutes: JupyterLab is there after some seconds, from a cold and slow disk after one minute
  for (let tries = 0; tries < 600; tries++) {
    const facts = serverFacts(server.pid);
    if (facts && (await answers(facts))) return facts;
    if (code !== undefined) break;
    await wait(200);
  }
  const tail = fs.readFileSync(LOG(), 'utf8').trim().split('\n').slice(-15).join('\n');
  throw new SetupError(`JupyterLab 没有启动。日志 ${LOG()}：\n${tail}`, `JupyterLab did not start. ${LOG()}:\n${tail}`);
}

async function answers({ url }) {
  try {
    return (await fetch(`${url.replace('0.0.0.0', '127.0.0.1')}api`)).ok;
  } catch {
    return false;
  }
}

/** Ctrl-C ends the server and its kernels; a second one does not wait for them. */
function stopOnSignals({ server, ended }, report) {
  let asked = false;
  const stop = () => {
    server.kill(asked ? 'SIGKILL' : 'SIGTERM');
    if (!asked) report.say('\n正在停止 JupyterLab…', '\nstopping JupyterLab ...');
    asked = true;
    // what JupyterLab gives its kernels to end, twice over
    void Promise.race([ended, wait(10_000)]).then(() => server.kill('SIGKILL'));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);
  return () => asked;
}

/** The one that the chapters will take, by what set-up has seen (lib/tf/starters.ts). */
function likelyBackend({ native, webgpu }) {
  const card = webgpu && !webgpu.software;
  if (native && (nativeFacts(native).gpu || !card)) return 'TensorFlow';
  return card ? `webgpu, ${webgpu.adapter}` : 'wasm';
}

async function main(report, options) {
  const found = await bootstrap(report, options);
  writeSettings(options.lang);
  const running = startServer(options);
  const stopping = stopOnSignals(running, report);
  const facts = await waitUntilReady(running).catch((error) => {
    running.server.kill('SIGKILL');
    if (!stopping()) throw error;
  });
  if (facts) {
    const backend = options.noNative ? 'wasm' : likelyBackend(found);
    report.say(
      `JupyterLab 已就绪（计算后端：${backend}）：\n  ${address(facts, running.token)}\n按 Ctrl-C 停止。`,
      `JupyterLab is ready (backend: ${backend}):\n  ${address(facts, running.token)}\nCtrl-C stops it.`,
    );
  }
  const code = await running.ended;
  if (code !== 0 && !stopping()) {
    throw new SetupError(`JupyterLab 意外结束（${code}），日志：${LOG()}`, `JupyterLab ended (${code}), see ${LOG()}`);
  }
}

let report = new Report();
try {
  const options = parseOptions(process.argv.slice(2));
  report = new Report(options);
  if (options.help) report.say(USAGE.zh, USAGE.en);
  else await main(report, options);
  process.exit(0);
} catch (error) {
  report.error(error);
  process.exit(1);
}
