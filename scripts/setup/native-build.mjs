/** Makes the native backend: from the npm package's sources and PyPI's libraries, or the package's own binary. */
import fs from 'node:fs';
import path from 'node:path';
import { finished } from './draft.mjs';
import { folderOf, sizesIn, tfjsPackage } from './native.mjs';
import { inRoot, readJson, venvProgram, writeJson } from './paths.mjs';
import { SetupError } from './report.mjs';
import { findProgram, run } from './run.mjs';

const here = inRoot('scripts', 'setup');

/** Builds (or downloads) it next to its place, tries a real gradient, and only then moves it there. */
export const installNative = (plan, report) =>
  finished(folderOf(plan), async (draft) => {
    const binding = plan.kind === 'build' ? await build(plan, draft, report) : await fetchPrebuilt(plan, draft);
    const facts = await tryBinding(path.join(draft, binding));
    const sizes = sizesIn(draft);
    writeJson(path.join(draft, 'ready.json'), { binding, kind: plan.kind, flavour: plan.flavour, ...facts, sizes });
    return facts;
  });

/** Loads the binding (the installed one, or a file) in a process of its own and computes a gradient with it. */
export async function tryBinding(...binding) {
  const { stdout } = await run(process.execPath, [path.join(here, 'native-check.cjs'), ...binding], {
    env: { TF_CPP_MIN_LOG_LEVEL: '2' },
    // loading TensorFlow takes seconds, from a slow disk many: after minutes it hangs
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
  const sources = [binding, path.join(here, 'native')].flatMap((place) =>
    fs.readdirSync(place).map((name) => path.join(place, name)),
  );
  await run(plan.compiler, [
    '-std=c++17',
    '-O2',
    '-fPIC',
    '-shared',
    '-DNAPI_VERSION=8',
    `-I${inRoot('node_modules', 'node-api-headers', 'include')}`,
    `-I${path.join(folder, 'include')}`,
    `-I${tfjsPackage}`,
    ...sources.filter((file) => file.endsWith('.cc')),
    '-o',
    path.join(draft, 'tfjs_binding.node'),
    `-L${folder}`,
    '-l:libtensorflow_cc.so.2',
    '-l:libtensorflow_framework.so.2',
    `-Wl,-rpath,${rpath}`,
    '-Wl,--wrap=TFE_NewContext', // native/functions.cc keeps the context
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
    // it downloads some hundred MB, over a school's line too
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
    // it only asks whether the host can be reached, before npm tries for minutes
    await fetch(address, { method: 'HEAD', signal: AbortSignal.timeout(5000) });
  } catch {
    throw new SetupError(
      `5 秒内连不上预编译原生后端的主机（${new URL(address).host}）`,
      `the host of the prebuilt native backend does not answer within 5 s (${new URL(address).host})`,
    );
  }
}
