/** Looks at everything once; changes nothing. */
import fs from 'node:fs';
import path from 'node:path';
import { nativeFailureFile } from '../setup/bootstrap.mjs';
import { kernelspecFile } from '../setup/kernel.mjs';
import { anyNative, brokenNative, nativeFacts, planNative } from '../setup/native.mjs';
import { tryBinding } from '../setup/native-build.mjs';
import { checkNode, packagesInstalled } from '../setup/node-packages.mjs';
import { cacheFolder, folderSize, inRoot, jupyterFolder, readJson, root, venvFolder } from '../setup/paths.mjs';
import { findPython, pythonReady } from '../setup/python.mjs';
import { megabytes } from '../setup/report.mjs';
import { findChromium, run } from '../setup/run.mjs';
import { weightsState } from '../setup/weights.mjs';
import { graphicsCard } from './graphics-card.mjs';
import { bad, both, could, good, reasonOf, same } from './texts.mjs';

const size = (folder) => `${megabytes(folderSize(folder))} MB`;

const SET_UP = both('安装缺少的部分：npm start', 'install what is missing: npm start');

export async function examine() {
  const installed = packagesInstalled();
  return [
    node(),
    packages(installed),
    await python(),
    kernel(),
    ...(await backends(installed)),
    ...(installed ? await networks() : []),
    chromium(),
    disk(),
    ...settings(),
  ];
}

function node() {
  const label = same('Node.js');
  const text = same(`${process.version}  ${process.execPath}`);
  try {
    checkNode();
    return good(label, text);
  } catch (error) {
    return bad(label, error.texts, both('安装 Node.js 20 或 22（长期支持版）', 'install Node.js 20 or 22 (LTS)'));
  }
}

function packages(installed) {
  const label = both('npm 软件包', 'npm packages');
  if (installed) return good(label, same(size(inRoot('node_modules'))));
  return bad(label, both('没有安装，或与 package-lock.json 不一致', 'missing, or not as in package-lock.json'), SET_UP);
}

async function python() {
  const label = same('Python');
  if (await pythonReady()) {
    const code = 'import platform, jupyterlab; print(platform.python_version(), "JupyterLab", jupyterlab.__version__)';
    const { stdout } = await run(venvPython(), ['-c', code], { check: false });
    return good(label, same(`${stdout.trim()}  .venv ${size(venvFolder())}`));
  }
  try {
    const { program, version } = await findPython();
    return bad(label, both(`${version}（${program}），还没有 .venv`, `${version} (${program}), no .venv yet`), SET_UP);
  } catch (error) {
    return bad(
      label,
      error.texts,
      both('sudo apt install python3 python3-venv', 'sudo apt install python3 python3-venv'),
    );
  }
}

const venvPython = () => path.join(venvFolder(), process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');

function kernel() {
  const label = both('内核', 'Kernel');
  const spec = readJson(kernelspecFile());
  if (spec && spec.argv.every((word) => !path.isAbsolute(word) || fs.existsSync(word))) {
    return good(label, same(`${spec.display_name}  ${path.relative(root, path.dirname(kernelspecFile()))}`));
  }
  const text = spec ? both('指向旧的位置', 'points to where it was') : both('没有安装', 'not installed');
  return bad(label, text, SET_UP);
}

async function backends(installed) {
  const card = installed ? await graphicsCard() : undefined;
  const best = await backend(installed, card?.usable);
  return card?.finding ? [best, card.finding] : [best];
}

/** The native backend is really started, in a process of its own: a file that is there may still not load. */
async function backend(installed, card) {
  const label = both('计算后端', 'Backend');
  const plan = planNative();
  const usable = anyNative(plan);
  if (installed && usable) {
    const facts = await tryBinding().catch((error) => ({ problem: reasonOf(error) }));
    if (!facts.problem) return nativeFinding(label, plan, usable, facts);
    return could(
      label,
      both(`wasm；原生后端启动失败：${facts.problem.zh}`, `wasm; native fails: ${facts.problem.en}`),
      {
        zh: '重新编译原生后端：删除 .cache/native 后 npm run setup',
        en: 'build the native backend again: delete .cache/native, then npm run setup',
      },
    );
  }
  if (card) return good(label, both(`webgpu，GPU：${card}`, `webgpu, GPU: ${card}`));
  return could(
    label,
    both(`wasm，CPU（没有原生后端：${why(plan).zh}）`, `wasm, CPU (no native backend: ${why(plan).en})`),
    {
      zh: nativeCommand(plan).zh,
      en: nativeCommand(plan).en,
    },
  );
}

function nativeFinding(label, plan, usable, { version, gpu }) {
  const place = size(cacheFolder('native', usable.key));
  const text = same(`TensorFlow ${version}, ${gpu ? 'GPU' : 'CPU'}, ${place} (${nativeFacts(usable).kind})`);
  if (plan.flavour === 'cuda' && !gpu) {
    return could(label, text, {
      zh: '有 NVIDIA 显卡但没有用上：npm run setup（下载 3.4 GB）；不想用：CONVSCOPE_NATIVE=cpu',
      en: 'there is an NVIDIA GPU that is not used: npm run setup (3.4 GB to download), or CONVSCOPE_NATIVE=cpu',
    });
  }
  return good(label, text);
}

function why(plan) {
  if (plan.kind === 'none') return plan.reason;
  if (plan.noCompiler) return both('没有 C++ 编译器', 'no C++ compiler');
  if (brokenNative(plan)) return both('它的文件不全，被截断或删除了', 'files of it are missing or cut short');
  const failure = readJson(nativeFailureFile());
  if (failure) return both(lastLine(failure.texts.zh), lastLine(failure.texts.en));
  return both('还没有安装', 'not installed yet');
}

const lastLine = (text) => text.trim().split('\n').pop().slice(0, 160);

function nativeCommand(plan) {
  if (plan.kind === 'none')
    return both(`更快的原生后端：${plan.reason.zh}`, `the faster native backend: ${plan.reason.en}`);
  if (plan.noCompiler) {
    return both(
      '更快的原生后端：sudo apt install g++ && npm run setup（Fedora：sudo dnf install gcc-c++）',
      'the faster native backend: sudo apt install g++ && npm run setup (Fedora: sudo dnf install gcc-c++)',
    );
  }
  return both('更快的原生后端：npm run setup', 'the faster native backend: npm run setup');
}

async function networks() {
  const embedded = good(
    both('网络', 'Networks'),
    both(
      'AlexNet（BSD）、EfficientNet-Lite0（Apache-2.0）：随课程附带',
      'AlexNet (BSD), EfficientNet-Lite0 (Apache-2.0): embedded',
    ),
  );
  let state;
  try {
    state = await weightsState();
  } catch (error) {
    return [embedded, could(both('网络', 'Networks'), same(lastLine(error.message)), SET_UP)];
  }
  return [embedded, ...state.map(networkFinding)];
}

function networkFinding({ title, present, bytes, total, where, licence, english }, index) {
  const label = both('    ', '        ');
  const there = present ? `${megabytes(total)} MB` : `${megabytes(bytes)} / ${megabytes(total)} MB`;
  const place = present ? `  ${shortPath(where)}` : '';
  const text = both(
    `${title}：${there}${place}；许可：${licence}`,
    `${english.title}: ${there}${place}; licence: ${english.licence}`,
  );
  if (present) return good(label, text);
  // The chapters want the first one; the others are fetched by whoever loads them.
  if (index > 0) return { mark: '-', label, text };
  return could(label, text, {
    zh: `下载 ${title}：npm run setup，或把文件放进一个目录并设 CONVSCOPE_MODELS`,
    en: `get ${english.title}: npm run setup, or put the files into a folder and set CONVSCOPE_MODELS`,
  });
}

const shortPath = (folder) => (path.relative(root, folder).startsWith('..') ? folder : path.relative(root, folder));

function chromium() {
  const label = both('浏览器测试', 'Browser tests');
  const program = findChromium();
  if (program) return good(label, same(program));
  return { mark: '-', label, text: both('没有 Chromium（只有开发者需要）', 'no Chromium (only developers need it)') };
}

function disk() {
  const folders = [inRoot('node_modules'), venvFolder(), cacheFolder(), jupyterFolder()];
  const used = folders.reduce((sum, folder) => sum + folderSize(folder), 0);
  const { bavail, bsize } = fs.statfsSync(root);
  const free = bavail * bsize;
  const text = both(
    `安装占用 ${megabytes(used)} MB，磁盘剩余 ${(free / 1e9).toFixed(1)} GB`,
    `installed ${megabytes(used)} MB, free ${(free / 1e9).toFixed(1)} GB`,
  );
  const label = both('磁盘', 'Disk');
  // the native backend alone is half a gigabyte, and chapters write a cache
  return free < 1e9 ? could(label, text, both('磁盘快满了：请腾出空间', 'the disk is nearly full')) : good(label, text);
}

function settings() {
  const set = Object.entries(process.env).filter(([name, value]) => name.startsWith('CONVSCOPE_') && value);
  if (set.length === 0) return [];
  const text = same(set.map(([name, value]) => `${name}=${value}`).join('  '));
  return [{ mark: '-', label: both('环境变量', 'Environment'), text }];
}
