/**
 * The native backend: TensorFlow's own C library under TensorFlow.js.
 *
 * The npm package downloads its binary from a host that many schools cannot reach, and that binary is linked
 * against CUDA 11. Its sources lie in the package, so we compile them (8 s) against the libraries inside PyPI's
 * TensorFlow wheel: whoever can install Python packages can have the native backend. Operations of ours are compiled
 * with them (native/: the gradient of max pooling, and many operations as one function).
 *
 * The result lies in the cache, and node_modules only links to it: `npm ci` may wipe node_modules at any time.
 */
import fs from 'node:fs';
import path from 'node:path';
import { cacheFolder, inRoot, readJson } from './paths.mjs';
import { findProgram } from './run.mjs';

export const tfjsPackage = inRoot('node_modules', '@tensorflow', 'tfjs-node-gpu');
const bindingLink = path.join(tfjsPackage, 'lib', 'napi-v8', 'tfjs_binding.node');

/** Wheels for the processor: 2.15.1 is the smallest that works. For a GPU: 2.21 with its own CUDA libraries. */
const WHEELS = {
  'cpu-x64': {
    requirement: 'tensorflow-cpu==2.15.1',
    bytes: 207e6,
    platforms: ['manylinux_2_17_x86_64', 'manylinux2014_x86_64'],
  },
  'cpu-arm64': {
    requirement: 'tensorflow-cpu-aws==2.15.1',
    bytes: 230e6,
    platforms: ['manylinux_2_17_aarch64', 'manylinux2014_aarch64'],
  },
  'cuda-x64': {
    requirement: 'tensorflow[and-cuda]==2.21.0',
    bytes: 3.4e9,
    platforms: ['manylinux_2_27_x86_64', 'manylinux_2_17_x86_64', 'manylinux2014_x86_64', 'manylinux1_x86_64'],
  },
};

/** Goes up when what we compile into the binding changes, so that older caches are made anew. */
const SOURCES = 3;

/** The CUDA libraries: 3.4 GB to download, 6.2 GB unpacked, both at once while pip works. */
const CUDA_BYTES = 12e9;

function freeBytes() {
  const { bavail, bsize } = fs.statfsSync(inRoot());
  return bavail * bsize;
}

/**
 * What the machine offers; the tests hand in their own.
 * @typedef {{
 *   platform: string, arch: string, glibc: boolean, compiler?: string, cuda: boolean, freeBytes: number, wish: string,
 * }} Machine
 * @returns {Machine}
 */
export function lookAtMachine() {
  return {
    platform: process.platform,
    arch: process.arch,
    glibc: Boolean(/** @type {any} */ (process.report?.getReport())?.header.glibcVersionRuntime),
    compiler: findProgram(process.env.CXX || 'g++', 'g++', 'c++', 'clang++'),
    cuda: Boolean(findProgram('nvidia-smi')) && fs.existsSync('/dev/nvidiactl'),
    freeBytes: freeBytes(),
    wish: process.env.CONVSCOPE_NATIVE ?? '',
  };
}

/**
 * Decides where the native backend comes from; `kind: 'none'` carries the reason, for the doctor.
 * @param {Machine} [machine]
 */
export function planNative(machine = lookAtMachine()) {
  const { platform, arch, glibc, compiler, cuda, freeBytes: free, wish } = machine;
  const none = (zh, en) => ({ kind: 'none', reason: { zh, en } });
  if (wish === 'off') return none('CONVSCOPE_NATIVE=off 关闭了它', 'switched off by CONVSCOPE_NATIVE=off');
  if (platform === 'win32') {
    return none('Windows 上请在 WSL2 里运行本课程', 'on Windows, run the course inside WSL2');
  }
  if (platform !== 'linux' && wish !== 'prebuilt') {
    return none(
      `${platform} 上没有自动编译；可以试试 CONVSCOPE_NATIVE=prebuilt npm start`,
      `it is not built on ${platform}; CONVSCOPE_NATIVE=prebuilt npm start may work`,
    );
  }
  if (platform === 'linux' && !glibc) {
    return none('它需要 glibc（Alpine 等系统没有）', 'it needs glibc, which Alpine and others lack');
  }
  const useGpu = cuda && arch === 'x64' && free > CUDA_BYTES && wish !== 'cpu';
  const flavour = useGpu ? 'cuda' : 'cpu';
  const wheel = WHEELS[`${flavour}-${arch}`];
  if (wish === 'prebuilt') return { kind: 'prebuilt', flavour, key: `${platform}-${arch}-prebuilt-${flavour}` };
  if (!wheel) return none(`没有 ${arch} 处理器的 TensorFlow`, `there is no TensorFlow for ${arch}`);
  if (!compiler) return { kind: 'prebuilt', flavour, key: `${platform}-${arch}-prebuilt-${flavour}`, noCompiler: true };
  const version = wheel.requirement.split('==')[1];
  return { kind: 'build', flavour, key: `${platform}-${arch}-tf${version}-${flavour}-${SOURCES}`, wheel, compiler };
}

export const folderOf = (plan) => cacheFolder('native', plan.key);
const readyFile = (plan) => path.join(folderOf(plan), 'ready.json');

/** The files in a folder with their sizes. */
export function sizesIn(folder) {
  const names = fs.readdirSync(folder, { recursive: true }).map(String).sort();
  const files = names.map((name) => ({ name, stat: fs.statSync(path.join(folder, name)) }));
  return Object.fromEntries(files.filter(({ stat }) => stat.isFile()).map(({ name, stat }) => [name, stat.size]));
}

/**
 * The facts about a finished native backend of this plan, or undefined. One of whose files something is missing does
 * not count: the process that loads a binding cut short dies without a word.
 */
export function nativeFacts(plan) {
  if (plan.kind === 'none') return undefined;
  const facts = readJson(readyFile(plan));
  if (!facts || !fs.existsSync(path.join(folderOf(plan), facts.binding))) return undefined;
  const sizeOf = (name) => fs.statSync(path.join(folderOf(plan), name), { throwIfNoEntry: false })?.size;
  return Object.entries(facts.sizes ?? {}).every(([name, size]) => sizeOf(name) === size) ? facts : undefined;
}

/** It was finished once, and now it is not whole. */
export const brokenNative = (plan) => plan.kind !== 'none' && fs.existsSync(readyFile(plan)) && !nativeFacts(plan);

/** Any finished one will do when the planned one cannot be made (g++ was uninstalled, no network today). */
export function anyNative(plan) {
  if (plan.kind === 'none') return undefined;
  if (nativeFacts(plan)) return plan;
  const prefix = `${process.platform}-${process.arch}-`;
  let keys = [];
  try {
    keys = fs.readdirSync(cacheFolder('native')).filter((key) => key.startsWith(prefix));
  } catch {
    // no cache yet
  }
  return keys.map((key) => ({ ...plan, key })).find(nativeFacts);
}

/** Without a usable one, our link may not lead to what is broken; a file there is somebody's own. */
export function unlinkNative() {
  if (fs.lstatSync(bindingLink, { throwIfNoEntry: false })?.isSymbolicLink()) fs.rmSync(bindingLink);
}

/** Puts a link to the finished binding where the npm package looks for it. Costs nothing when it is there. */
export function linkNative(plan) {
  const facts = nativeFacts(plan);
  if (!facts || !fs.existsSync(tfjsPackage)) return false;
  const binding = path.join(folderOf(plan), facts.binding);
  if (fs.existsSync(bindingLink) && fs.realpathSync(bindingLink) === fs.realpathSync(binding)) return true;
  const folder = path.dirname(bindingLink);
  fs.mkdirSync(folder, { recursive: true });
  // relative inside the project, so that the folder can be moved
  const relative = path.relative(fs.realpathSync(folder), fs.realpathSync(binding));
  const target = process.env.CONVSCOPE_CACHE ? binding : relative;
  const draft = `${bindingLink}.${process.pid}`;
  fs.rmSync(draft, { force: true });
  fs.symlinkSync(target, draft);
  fs.renameSync(draft, bindingLink);
  return true;
}
