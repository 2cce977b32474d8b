/**
 * The backend webgpu: graphics cards of any make, through Dawn, Chromium's WebGPU, as a binding for Node.
 *
 * Its npm package has the bindings of five systems (132 MB) and is of use to few, so it is no dependency of the course:
 * where it is wanted it is installed by a lockfile of its own (webgpu/), and this system's binding is kept in the
 * cache. node_modules only links to it, as to the native backend.
 */
import fs from 'node:fs';
import path from 'node:path';
import { finished } from './draft.mjs';
import { lookAtMachine, planNative, sizesIn } from './native.mjs';
import { installLocked } from './node-packages.mjs';
import { cacheFolder, inRoot, readJson, writeJson } from './paths.mjs';
import { run, tsxArguments } from './run.mjs';

const locked = inRoot('scripts', 'setup', 'webgpu');
const link = inRoot('node_modules', 'webgpu');
const SYSTEMS = ['win32-x64', 'win32-arm64', 'darwin-x64', 'darwin-arm64', 'linux-x64', 'linux-arm64'];

export const webgpuVersion = () => readJson(path.join(locked, 'package.json')).dependencies.webgpu;

/**
 * Whether this machine should have it; `kind: 'none'` carries the reason. Windows and macOS, which have no native
 * backend, get it by themselves; elsewhere whoever asks for it.
 */
export function planWebgpu(
  { wished = false, off = process.env.CONVSCOPE_WEBGPU === 'off' } = {},
  machine = lookAtMachine(),
) {
  const { platform, arch, glibc } = machine;
  const key = `${platform}-${arch}`;
  const none = (zh, en) => ({ kind: 'none', reason: { zh, en } });
  if (off) return none('CONVSCOPE_WEBGPU=off 关闭了它', 'switched off by CONVSCOPE_WEBGPU=off');
  if (!SYSTEMS.includes(key)) return none(`没有 ${key} 的 webgpu`, `there is no webgpu for ${key}`);
  if (platform === 'linux' && !glibc) return none('它需要 glibc', 'it needs glibc');
  const alone = platform !== 'linux' && planNative(machine).kind === 'none';
  return wished || alone ? { kind: 'install', key } : none('没有要求装它', 'nobody asked for it');
}

/** It was asked for: by a word or by the environment. */
export const webgpuWished = (option = false) => option || process.env.CONVSCOPE_BACKEND === 'webgpu';

/** A folder like node_modules, with the one package. */
const placeOf = (key) => cacheFolder('webgpu', key);
const folderOf = (key) => path.join(placeOf(key), 'webgpu');
const thisMachine = `${process.platform}-${process.arch}`;

/** The facts about a finished one with all its files, of the version that is wanted, or undefined. */
export function webgpuFacts(key = thisMachine) {
  const facts = readJson(path.join(folderOf(key), 'ready.json'));
  if (facts?.version !== webgpuVersion()) return undefined;
  const sizeOf = (name) => fs.statSync(path.join(folderOf(key), name), { throwIfNoEntry: false })?.size;
  return Object.entries(facts.sizes).every(([name, size]) => sizeOf(name) === size) ? facts : undefined;
}

/** How a process finds the one there: Node looks into NODE_PATH where node_modules has nothing. */
export const webgpuFrom = (key) => ({ NODE_PATH: placeOf(key) });

/** Installs it next to its place, tries a real gradient, and only then moves it there. (The tests have a place of their own.) */
export const installWebgpu = ({ key, place = key, env = {} }, report) =>
  finished(placeOf(place), async (draft) => {
    await download(key, draft, report);
    if (place === key) unlink(); // node_modules would be asked before the draft
    const facts = await tryWebgpu({ ...env, NODE_PATH: draft }).catch((error) => {
      // a machine without a card has none tomorrow either
      throw Object.assign(error, { lasting: true });
    });
    const folder = path.join(draft, 'webgpu');
    writeJson(path.join(folder, 'ready.json'), { version: webgpuVersion(), ...facts, sizes: sizesIn(folder) });
    return facts;
  });

/** By the lockfile, which names the content, from wherever the user's npm gets its packages. */
async function download(key, draft, report) {
  for (const name of ['package.json', 'package-lock.json'])
    fs.copyFileSync(path.join(locked, name), path.join(draft, name));
  await report.watchSize(draft, ['下载 webgpu', 'downloading webgpu'], 132e6, () => installLocked(draft));
  const packed = path.join(draft, 'node_modules', 'webgpu');
  // one file there serves both of Apple's processors
  const own = path.join(packed, 'dist', key.startsWith('darwin') ? 'darwin-universal' : key);
  fs.renameSync(own, path.join(draft, 'webgpu'));
  fs.renameSync(path.join(packed, 'LICENSE.md'), path.join(draft, 'webgpu', 'LICENSE.md'));
  writeJson(path.join(draft, 'webgpu', 'package.json'), {
    name: 'webgpu',
    version: webgpuVersion(),
    main: 'dawn.node',
  });
  fs.rmSync(path.join(draft, 'node_modules'), { recursive: true });
}

/** Starts the linked one, or that of NODE_PATH, in a process of its own and computes a gradient with it. */
export async function tryWebgpu(env = {}) {
  const check = inRoot('scripts', 'setup', 'webgpu-check.ts');
  // as tryBinding of native-build.mjs
  const { stdout } = await run(process.execPath, [...tsxArguments(), check], { env, limitSeconds: 180 });
  return JSON.parse(stdout.trim().split('\n').pop());
}

const isOurs = () => fs.lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink();

function unlink() {
  if (isOurs()) fs.rmSync(link);
}

/** Links node_modules to the finished one; without one, our link goes. */
export function linkWebgpu() {
  const target = webgpuFacts() && folderOf(thisMachine);
  if (target && isOurs() && fs.existsSync(link) && fs.realpathSync(link) === fs.realpathSync(target)) return;
  unlink();
  if (!target || fs.existsSync(link)) return;
  // relative inside the project, so that the folder can be moved; a junction, which Windows lets everybody make, is not
  const inside = !process.env.CONVSCOPE_CACHE && process.platform !== 'win32';
  fs.symlinkSync(inside ? path.relative(path.dirname(link), target) : target, link, 'junction');
}
