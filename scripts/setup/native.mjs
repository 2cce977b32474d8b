/**
 * The native backend: TensorFlow's own C library under TensorFlow.js.
 *
 * The npm package downloads its binary from a host that many schools cannot reach, and that binary is linked
 * against CUDA 11. Its sources lie in the package, so we compile them (8 s) against the libraries inside PyPI's
 * TensorFlow wheel: whoever can install Python packages can have the native backend.
 *
 * The result lies in the cache, and node_modules only links to it: `npm ci` may wipe node_modules at any time.
 */
import fs from 'node:fs';
import path from 'node:path';
import { cacheFolder, inRoot, readJson, venvProgram, writeJson } from './place.mjs';
import { SetupError } from './report.mjs';
import { findProgram, run } from './run.mjs';

const here = inRoot('scripts', 'setup');
const tfjsPackage = inRoot('node_modules', '@tensorflow', 'tfjs-node-gpu');
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

/** The CUDA libraries: 3.4 GB to download, 6.2 GB unpacked, both at once while pip works. */
const CUDA_BYTES = 12e9;

function freeBytes() {
  const { bavail, bsize } = fs.statfsSync(inRoot());
  return bavail * bsize;
}

/** What the machine offers; the tests hand in their own. */
export function lookAtMachine() {
  return {
    platform: process.platform,
    arch: process.arch,
    glibc: Boolean(process.report?.getReport().header.glibcVersionRuntime),
    compiler: findProgram(process.env.CXX || 'g++', 'g++', 'c++', 'clang++'),
    cuda: Boolean(findProgram('nvidia-smi')) && fs.existsSync('/dev/nvidiactl'),
    freeBytes: freeBytes(),
    wish: process.env.CONVSCOPE_NATIVE ?? '',
  };
}

/** Decides where the native backend comes from; `kind: 'none'` carries the reason, for the doctor. */
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
  return { kind: 'build', flavour, key: `${platform}-${arch}-tf${version}-${flavour}`, wheel, compiler };
}

const folderOf = (plan) => cacheFolder('native', plan.key);
const readyFile = (plan) => path.join(folderOf(plan), 'ready.json');

/** The facts about a finished native backend of this plan, or undefined. */
export function nativeFacts(plan) {
  if (plan.kind === 'none') return undefined;
  const facts = readJson(readyFile(plan));
  return facts && fs.existsSync(path.join(folderOf(plan), facts.binding)) ? facts : undefined;
}

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

/** Builds (or downloads) it next to its place, tries a real gradient, and only then moves it there. */
export async function installNative(plan, report) {
  const final = folderOf(plan);
  removeDrafts(plan);
  const draft = `${final}.draft-${process.pid}`;
  fs.mkdirSync(draft, { recursive: true });
  try {
    const binding = plan.kind === 'build' ? await build(plan, draft, report) : await fetchPrebuilt(plan, draft);
    const facts = await tryBinding(path.join(draft, binding));
    writeJson(path.join(draft, 'ready.json'), { binding, kind: plan.kind, flavour: plan.flavour, ...facts });
    fs.rmSync(final, { recursive: true, force: true });
    fs.renameSync(draft, final);
    return facts;
  } finally {
    fs.rmSync(draft, { recursive: true, force: true });
  }
}

/** What a killed run left behind. */
function removeDrafts(plan) {
  const folder = cacheFolder('native');
  fs.mkdirSync(folder, { recursive: true });
  for (const name of fs.readdirSync(folder)) {
    if (name.startsWith(`${plan.key}.draft-`)) fs.rmSync(path.join(folder, name), { recursive: true, force: true });
  }
}

/** Loads the binding (the installed one, or a file) in a process of its own and computes a gradient with it. */
export async function tryBinding(...binding) {
  const { stdout } = await run(process.execPath, [path.join(here, 'native-check.cjs'), ...binding], {
    env: { TF_CPP_MIN_LOG_LEVEL: '2' },
    limitSeconds: 180,
  });
  return JSON.parse(stdout.trim().split('\n').pop());
}

async function build(plan, draft, report) {
  const libraries =
    plan.flavour === 'cuda' ? await installWithCuda(plan, draft, report) : await unpackLibraries(plan, draft, report);
  report.progress('编译原生后端（约 10 秒）', 'compiling the native backend (about 10 s)');
  await compile(plan, draft, libraries);
  if (plan.flavour === 'cpu') await keepOnlyNeeded(draft, libraries);
  return 'tfjs_binding.node';
}

const pipPlatform = (wheel) => [
  '--only-binary=:all:',
  '--python-version=3.11',
  '--implementation=cp',
  '--abi=cp311',
  ...wheel.platforms.flatMap((name) => ['--platform', name]),
];

/** pip, with a folder for its temporary files that we can watch grow and that goes with the draft. */
async function pip(args, plan, draft, report) {
  const temporary = path.join(draft, 'tmp');
  fs.mkdirSync(temporary, { recursive: true });
  const text = [`下载 ${plan.wheel.requirement}`, `downloading ${plan.wheel.requirement}`];
  const total = plan.flavour === 'cpu' ? plan.wheel.bytes : undefined; // with CUDA the folder holds more than the wheels
  await report.watchSize(draft, text, total, () =>
    run(venvProgram('python'), ['-m', 'pip', ...args, ...pipPlatform(plan.wheel), plan.wheel.requirement], {
      env: { TMPDIR: temporary, PIP_DISABLE_PIP_VERSION_CHECK: '1' },
    }),
  );
  fs.rmSync(temporary, { recursive: true, force: true });
}

async function unpackLibraries(plan, draft, report) {
  const wheels = path.join(draft, 'wheel');
  await pip(['download', '--quiet', '--no-deps', '--dest', wheels], plan, draft, report);
  const [wheel] = fs.readdirSync(wheels).filter((name) => name.endsWith('.whl'));
  await run(venvProgram('python'), [path.join(here, 'unpack-wheel.py'), path.join(wheels, wheel), draft]);
  fs.rmSync(wheels, { recursive: true, force: true });
  return { folder: path.join(draft, 'tensorflow'), rpath: '$ORIGIN' };
}

/** TensorFlow finds its CUDA libraries beside itself in site-packages, so everything stays where pip puts it. */
async function installWithCuda(plan, draft, report) {
  const site = path.join(draft, 'site');
  await pip(['install', '--quiet', '--target', site], plan, draft, report);
  return { folder: path.join(site, 'tensorflow'), rpath: '$ORIGIN/site/tensorflow' };
}

async function compile(plan, draft, { folder, rpath }) {
  const binding = path.join(tfjsPackage, 'binding');
  const sources = fs.readdirSync(binding).filter((name) => name.endsWith('.cc'));
  await run(plan.compiler, [
    '-std=c++17',
    '-O2',
    '-fPIC',
    '-shared',
    '-DNAPI_VERSION=8',
    `-I${inRoot('node_modules', 'node-api-headers', 'include')}`,
    `-I${path.join(folder, 'include')}`,
    `-I${tfjsPackage}`,
    ...sources.map((name) => path.join(binding, name)),
    '-o',
    path.join(draft, 'tfjs_binding.node'),
    `-L${folder}`,
    '-l:libtensorflow_cc.so.2',
    '-l:libtensorflow_framework.so.2',
    `-Wl,-rpath,${rpath}`,
  ]);
}

async function keepOnlyNeeded(draft, { folder }) {
  const strip = findProgram('strip');
  for (const name of ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2']) {
    if (strip) await run(strip, ['--strip-unneeded', path.join(folder, name)], { check: false });
    fs.renameSync(path.join(folder, name), path.join(draft, name));
  }
  fs.rmSync(folder, { recursive: true, force: true });
}

/** The package's own installer, in a copy of the package, after a short look whether its host answers at all. */
async function fetchPrebuilt(plan, draft) {
  await probePrebuiltHost();
  for (const part of ['package.json', 'scripts', 'binding', 'binding.gyp']) {
    fs.cpSync(path.join(tfjsPackage, part), path.join(draft, part), { recursive: true });
  }
  const modules = inRoot('node_modules');
  await run(process.execPath, ['scripts/install.js', plan.flavour === 'cuda' ? 'gpu' : 'cpu', 'download'], {
    cwd: draft,
    env: { NODE_PATH: modules, PATH: path.join(modules, '.bin') + path.delimiter + process.env.PATH },
    limitSeconds: 1800,
  });
  const binding = path.join('lib', 'napi-v8', 'tfjs_binding.node');
  if (!fs.existsSync(path.join(draft, binding))) {
    throw new SetupError('预编译的原生后端下载后不完整', 'the prebuilt native backend is incomplete');
  }
  return binding;
}

async function probePrebuiltHost() {
  const { host } = readJson(path.join(tfjsPackage, 'package.json')).binary;
  const address = process.env.TFJS_NODE_CDN_STORAGE || process.env.CDN_STORAGE || host;
  try {
    await fetch(address, { method: 'HEAD', signal: AbortSignal.timeout(5000) });
  } catch {
    throw new SetupError(
      `5 秒内连不上预编译原生后端的主机（${new URL(address).host}）`,
      `the host of the prebuilt native backend does not answer within 5 s (${new URL(address).host})`,
    );
  }
}
