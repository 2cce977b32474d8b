/** What `npm start` and `npm test` do first: bring everything up to date, or find in a moment that it is. */
import fs from 'node:fs';
import { cacheFolder, inRoot, readJson, venvFolder, writeJson } from './paths.mjs';
import { SetupError } from './report.mjs';
import { withLock } from './lock.mjs';
import { checkNode, installPackages, packagesInstalled, rememberMachine } from './node-packages.mjs';
import { installPython, pythonReady, wheelsPacked } from './python.mjs';
import { installKernel } from './kernel.mjs';
import { prepareLibrary } from './library.mjs';
import { installHtmlTemplate } from '../html/install.mjs';
import { anyNative, linkNative, nativeFacts, planNative, unlinkNative } from './native.mjs';
import { installNative } from './native-build.mjs';
import { installWebgpu, linkWebgpu, planWebgpu, webgpuFacts, webgpuWished } from './webgpu.mjs';
import { fetchWeights, weightsReady } from './weights.mjs';

const lockFile = () => inRoot('.cache', 'setup.lock');
/** A try that failed is not made again at every start of the same day: it can take minutes. */
const DAY = 24 * 3600 * 1000;
const offlineWished = () => process.env.CONVSCOPE_OFFLINE === '1';

/**
 * Does the steps that are not done yet. Every step leaves either its finished result or nothing that counts,
 * so it can be killed at any moment and simply be started again.
 */
export async function bootstrap(
  report,
  { offline = offlineWished(), noNative = false, webgpu: wished = false, weights = true, again = false } = {},
) {
  checkNode();
  return withLock(lockFile(), report, async () => {
    await nodeStep(report, offline);
    await pythonStep(report, offline);
    installKernel();
    const preparing = prepareLibrary();
    await htmlStep(report);
    const native = noNative ? undefined : await nativeStep(report, offline, again);
    const webgpu = await webgpuStep(report, { offline, again, wished: webgpuWished(wished), noNative });
    if (weights) await weightsStep(report, offline, again);
    await preparing;
    return { native, webgpu };
  });
}

function refuseOffline(offline, zh, en) {
  if (!offline) return;
  throw new SetupError(
    `${zh}还没有安装，--offline 时装不了。请先联网运行一次 npm start`,
    `${en} are not installed, which --offline forbids. Run npm start once with a network`,
  );
}

async function nodeStep(report, offline) {
  if (packagesInstalled()) return rememberMachine();
  refuseOffline(offline, 'npm 软件包', 'the npm packages');
  await report.step(['安装 npm 软件包（约 500 MB，磁盘占用）', 'npm packages (about 500 MB on disk)'], () =>
    report.watchSize(inRoot('node_modules'), ['npm 软件包', 'npm packages'], undefined, installPackages),
  );
}

async function pythonStep(report, offline) {
  if (await pythonReady()) return;
  if (!wheelsPacked()) refuseOffline(offline, 'Python 软件包', 'the Python packages');
  await report.step(
    ['安装 JupyterLab（Python 虚拟环境，约 310 MB）', 'JupyterLab (Python environment, about 310 MB)'],
    () => installPython(report, { offline }),
  );
}

/** Reading and running the course does not need it, so nothing is held up when it fails. */
async function htmlStep(report) {
  try {
    await installHtmlTemplate(venvFolder());
  } catch (error) {
    report.say(
      `! 导出 HTML 的模板没有装上（图只是静态的）：${error.message}`,
      `! no template for exported HTML (figures will be static): ${error.message}`,
    );
  }
}

/**
 * A failure that will repeat itself (no compiler and no host, say) is not tried again at every start. One of the future,
 * from before the clock was put right, does not count.
 */
export function failedLately(file, key) {
  const failure = readJson(file);
  return failure?.key === key && Math.abs(Date.now() - Date.parse(failure.at)) < DAY;
}

export const nativeFailureFile = () => cacheFolder('native', 'failed.json');

async function nativeStep(report, offline, again) {
  const plan = planNative();
  if (plan.kind === 'none') return undefined;
  const tryNow = !nativeFacts(plan) && !offline && (again || !failedLately(nativeFailureFile(), plan.key));
  if (tryNow) {
    await withLock(cacheFolder('native.lock'), report, () => buildNative(plan, report));
  }
  const usable = anyNative(plan);
  if (usable) linkNative(usable);
  else unlinkNative();
  return usable;
}

async function buildNative(plan, report) {
  if (nativeFacts(plan)) return; // the other process, whose lock we waited for, made it
  const [zh, en] =
    plan.kind === 'build'
      ? [`编译原生 TensorFlow 后端（下载 ${size(plan)}）`, `native TensorFlow backend (${size(plan)} to download)`]
      : ['下载预编译的原生 TensorFlow 后端', 'prebuilt native TensorFlow backend'];
  try {
    await report.step([zh, en], () => installNative(plan, report));
    fs.rmSync(nativeFailureFile(), { force: true });
  } catch (error) {
    const texts = error instanceof SetupError ? error.texts : { zh: error.message, en: error.message };
    writeJson(nativeFailureFile(), { key: plan.key, at: new Date().toISOString(), texts });
    const first = (text) => text.split('\n').pop().slice(0, 200);
    // without a compiler the download was only the second choice
    const [cause, causeEn] = plan.noCompiler
      ? [`没有 C++ 编译器（g++），也下载不到预编译的：${first(texts.zh)}`, `no C++ compiler, and ${first(texts.en)}`]
      : [first(texts.zh), first(texts.en)];
    report.say(
      `! 没有原生后端，改用 wasm（慢几倍，结果相同）。原因：${cause}。怎样装上：npm run doctor`,
      `! no native backend, wasm is used instead (slower, same results): ${causeEn}. npm run doctor says how to get it`,
    );
  }
}

const size = ({ wheel }) => (wheel.bytes > 1e9 ? `${(wheel.bytes / 1e9).toFixed(1)} GB` : `${wheel.bytes / 1e6} MB`);

export const webgpuFailureFile = () => cacheFolder('webgpu', 'failed.json');

/** With --no-native nobody wants a faster backend, unless it is asked for by name. */
async function webgpuStep(report, { offline, again, wished, noNative }) {
  const plan = planWebgpu({ wished });
  const wanted = plan.kind === 'install' && (wished || !noNative) && !webgpuFacts();
  const failed = () => readJson(webgpuFailureFile())?.lasting || failedLately(webgpuFailureFile(), plan.key);
  if (wanted && !offline && (again || !failed())) {
    await withLock(cacheFolder('webgpu.lock'), report, () => fetchWebgpu(plan, report));
  }
  linkWebgpu();
  return webgpuFacts();
}

async function fetchWebgpu(plan, report) {
  if (webgpuFacts()) return; // the other process made it
  try {
    await report.step(['安装 webgpu 后端（约 50 MB，显卡）', 'backend webgpu (about 50 MB, graphics cards)'], () =>
      installWebgpu(plan, report),
    );
    fs.rmSync(webgpuFailureFile(), { force: true });
  } catch (error) {
    const texts = error instanceof SetupError ? error.texts : { zh: error.message, en: error.message };
    writeJson(webgpuFailureFile(), { key: plan.key, at: new Date().toISOString(), texts, lasting: error.lasting });
    const last = (text) => text.trim().split('\n').pop().slice(0, 200);
    report.say(
      `! 没有 webgpu 后端（结果不受影响，只是用不上显卡）：${last(texts.zh)}`,
      `! no backend webgpu (the results are the same, without the graphics card): ${last(texts.en)}`,
    );
  }
}

const weightsFailureFile = () => cacheFolder('weights-failed.json');

async function weightsStep(report, offline, again) {
  const key = `weights ${process.env.CONVSCOPE_MODELS ?? ''}`;
  if (offline || weightsReady() || (!again && failedLately(weightsFailureFile(), key))) return;
  try {
    await report.step(['下载 GoogLeNet 的权值（28 MB）', 'weights of GoogLeNet (28 MB)'], () => fetchWeights(report));
    fs.rmSync(weightsFailureFile(), { force: true });
  } catch (error) {
    writeJson(weightsFailureFile(), { key, at: new Date().toISOString(), message: error.message });
    report.say(
      '! GoogLeNet 的权值暂时下载不到：第 05、06 章会先用自带的 EfficientNet-Lite0。详情：npm run doctor',
      '! the weights of GoogLeNet cannot be fetched now: chapters 05 and 06 use the embedded EfficientNet-Lite0. See npm run doctor',
    );
  }
}
