/**
 * npm run mine -- --photos DIR --network alexnet --layer pool5 --out FOLDER: the strongest patches of every channel and
 * the features of every photo, for a folder of any size. What it writes and how to use many machines: docs/many-photos.md
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { bootstrap } from './setup/bootstrap.mjs';
import { withLock } from './setup/lock.mjs';
import { readWords } from './setup/options.mjs';
import { inRoot } from './setup/paths.mjs';
import { Report, SetupError } from './setup/report.mjs';
import { tsxArguments } from './setup/run.mjs';

/** What a worker process takes, in bytes, with a margin for big photos. */
const WORKER_MEMORY = 1e9;
const USAGE = `npm run mine -- --photos 照片文件夹 --out 结果文件夹 [--network alexnet] [--layer pool5]
  --top 9        每个通道留几块        --batch 16     一次解码几张
  --workers N    几个进程（缺省按核数与内存）   --shard 256    一份几张（中断后从没做完的份接着做）
  --plan         只列出照片、分好份`;

function refuse(message) {
  throw new SetupError(`${message}\n用法：${USAGE}`, `${message}\n${USAGE}`);
}

export function readOptions(words) {
  const text = { type: 'string' };
  const number = (value) => ({ ...text, default: String(value) });
  const options = { photos: text, out: text, network: { ...text, default: 'alexnet' }, layer: { ...text, default: 'pool5' } }; // prettier-ignore
  // nine patches make a sheet of three by three; a shard is some seconds of work, so that an interruption costs little
  const numbers = { top: 9, batch: 16, shard: 256, workers: defaultWorkers() };
  for (const [name, value] of Object.entries(numbers)) options[name] = number(value);
  const switches = { ...options, plan: { type: 'boolean', default: false } };
  const { values } = readWords(words, switches, { positionals: false, usage: `用法：${USAGE}` });
  for (const name of ['photos', 'out']) {
    if (!values[name]) refuse(`缺少 --${name}`);
    // npm changes to the project's folder and says in INIT_CWD where the user was
    values[name] = path.resolve(process.env.INIT_CWD ?? process.cwd(), values[name]);
  }
  for (const name of Object.keys(numbers)) {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < 1) refuse(`--${name} 应为正整数，得到 ${values[name]}`);
    values[name] = value;
  }
  if (!fs.statSync(values.photos, { throwIfNoEntry: false })?.isDirectory())
    refuse(`找不到照片文件夹 ${values.photos}`);
  return values;
}

function defaultWorkers() {
  return Math.max(1, Math.min(os.availableParallelism(), Math.floor(os.freemem() / WORKER_MEMORY)));
}

/** Runs main.ts with our own terminal; an interrupt reaches it directly, we wait for its end. */
function work(options) {
  return new Promise((resolve) => {
    const program = [...tsxArguments(), inRoot('mine', 'main.ts'), JSON.stringify(options)];
    const child = spawn(process.execPath, program, { stdio: ['ignore', 'inherit', 'inherit'], windowsHide: true });
    process.on('SIGINT', () => {});
    process.on('SIGTERM', () => child.kill('SIGTERM'));
    child.on('close', (code, signal) => resolve(signal === 'SIGINT' ? 130 : (code ?? 1)));
  });
}

const report = new Report({});
try {
  const options = readOptions(process.argv.slice(2));
  await bootstrap(report);
  const lock = path.join(options.out, 'work', 'lock');
  const waiting = {
    say: () => report.say('另一个进程正在写这个结果文件夹，等它完成…', 'another process writes this folder, waiting …'),
  };
  process.exitCode = await withLock(lock, waiting, () => work(options));
  if (process.exitCode === 130) console.log('已中断；用同样的命令再运行一次，会接着做。');
} catch (error) {
  report.error(error);
  process.exitCode = 1;
}
