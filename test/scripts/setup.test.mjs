import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { reasonOf } from '../../scripts/doctor/texts.mjs';
import { anyNative, brokenNative, nativeFacts, planNative, sizesIn } from '../../scripts/setup/native.mjs';
import { installNative } from '../../scripts/setup/native-build.mjs';
import { checkNode, packagesInstalled, rememberMachine } from '../../scripts/setup/node-packages.mjs';
import { installEnvironment } from '../../scripts/setup/python.mjs';
import { prepareLibrary } from '../../scripts/setup/library.mjs';
import { inRoot, programIn, readJson, venvFolder, writeJson } from '../../scripts/setup/paths.mjs';
import { Report, SetupError } from '../../scripts/setup/report.mjs';
import { CommandError, run } from '../../scripts/setup/run.mjs';

const base = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-setup-'));
test.after(() => fs.rmSync(base, { recursive: true }));

const lock = {
  packages: {
    '': { version: '0' },
    'node_modules/one': { version: '1.0.0', integrity: 'x' },
    'node_modules/other-system': { version: '1.0.0', integrity: 'y', optional: true },
  },
};

function project(name) {
  const root = path.join(base, name);
  const write = (file, value) => {
    fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    fs.writeFileSync(path.join(root, file), JSON.stringify(value));
  };
  write('package-lock.json', lock);
  write('node_modules/one/package.json', { version: '1.0.0' });
  const { 'node_modules/one': one } = lock.packages;
  write('node_modules/.package-lock.json', { packages: { 'node_modules/one': one } });
  return { root, write };
}

test('complete npm packages are recognised; those of other systems may be absent', () => {
  const { root } = project('complete');
  assert.ok(packagesInstalled(root));
  rememberMachine(root);
  assert.ok(packagesInstalled(root));
});

test('an interrupted npm ci is repeated: npm writes its own lockfile last', () => {
  const { root } = project('interrupted');
  fs.rmSync(path.join(root, 'node_modules/.package-lock.json'));
  assert.not(packagesInstalled(root));
});

test('a changed lockfile, a deleted package, a folder from another machine: all are repaired', () => {
  const changed = project('changed');
  const packages = { ...lock.packages, 'node_modules/one': { version: '1.0.1', integrity: 'z' } };
  changed.write('package-lock.json', { packages });
  assert.not(packagesInstalled(changed.root));
  const deleted = project('deleted');
  fs.rmSync(path.join(deleted.root, 'node_modules/one'), { recursive: true });
  assert.not(packagesInstalled(deleted.root));
  const moved = project('moved');
  moved.write('node_modules/.convscope-machine.json', { machine: 'amiga-68000' });
  assert.not(packagesInstalled(moved.root));
});

test('an old Node.js is refused with a sentence', () => {
  checkNode('20.6.0');
  checkNode('24.1.0');
  assert.throws(() => checkNode('18.20.0'), /18\.20\.0/);
  assert.throws(() => checkNode('20.5.1'), /20\.5\.1/);
});

const machine = {
  platform: 'linux',
  arch: 'x64',
  glibc: true,
  compiler: '/usr/bin/g++',
  cuda: false,
  freeBytes: 1e11,
  wish: '',
};

test('where the native backend comes from', () => {
  const kind = (change) => planNative({ ...machine, ...change }).kind;
  assert.is(kind({}), 'build');
  assert.is(kind({ arch: 'arm64' }), 'build');
  assert.is(kind({ compiler: undefined }), 'prebuilt');
  assert.is(kind({ wish: 'prebuilt' }), 'prebuilt');
  assert.is(kind({ wish: 'off' }), 'none');
  assert.is(kind({ glibc: false }), 'none');
  assert.is(kind({ platform: 'win32' }), 'none');
  assert.is(kind({ platform: 'darwin' }), 'none');
  assert.is(kind({ arch: 'riscv64' }), 'none');
  assert.match(planNative({ ...machine, platform: 'win32' }).reason.zh, 'WSL2');
  assert.is(planNative({ ...machine, cuda: true }).flavour, 'cuda');
  assert.is(planNative({ ...machine, cuda: true, wish: 'cpu' }).flavour, 'cpu');
  assert.is(planNative({ ...machine, cuda: true, freeBytes: 5e9 }).flavour, 'cpu');
  assert.is.not(planNative({ ...machine, cuda: true }).key, planNative(machine).key);
});

/** Calls `work` with other environment variables. */
async function withEnvironment(changes, work) {
  const before = { ...process.env };
  Object.assign(process.env, changes);
  try {
    return await work();
  } finally {
    for (const name of Object.keys(changes)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  }
}

const quiet = new Report({ stream: { write: () => {} } });

test('a native backend that was not finished does not count, and is cleared away by the next try', async () => {
  const cache = path.join(base, 'cache');
  const plan = planNative({ ...machine, wish: 'prebuilt' });
  const draft = path.join(cache, 'native', `${plan.key}.draft-1`);
  fs.mkdirSync(draft, { recursive: true });
  fs.writeFileSync(path.join(draft, 'tfjs_binding.node'), 'half a file');
  // nobody listens on port 9 of this machine
  await withEnvironment({ CONVSCOPE_CACHE: cache, TFJS_NODE_CDN_STORAGE: 'http://127.0.0.1:9/' }, async () => {
    assert.is(nativeFacts(plan), undefined);
    assert.is(anyNative(plan), undefined);
    try {
      await installNative(plan, quiet);
      assert.unreachable();
    } catch (error) {
      assert.instance(error, SetupError);
      assert.match(error.texts.zh, '127.0.0.1');
    }
    assert.equal(fs.readdirSync(path.join(cache, 'native')), []);
  });
});

test('a native backend cut short does not count; the doctor’s reason is the error, not the last line', async () => {
  const cache = path.join(base, 'cache-cut');
  const plan = planNative({ ...machine, wish: 'prebuilt' });
  const folder = path.join(cache, 'native', plan.key);
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'tfjs_binding.node'), 'whole');
  fs.writeFileSync(path.join(folder, 'libtensorflow_cc.so.2'), 'library');
  writeJson(path.join(folder, 'ready.json'), { binding: 'tfjs_binding.node', sizes: sizesIn(folder) });
  await withEnvironment({ CONVSCOPE_CACHE: cache }, async () => {
    assert.ok(nativeFacts(plan) && !brokenNative(plan));
    fs.truncateSync(path.join(folder, 'tfjs_binding.node'), 2);
    assert.ok(!nativeFacts(plan) && brokenNative(plan));
    fs.writeFileSync(path.join(folder, 'tfjs_binding.node'), 'whole');
    fs.rmSync(path.join(folder, 'libtensorflow_cc.so.2'));
    assert.ok(!nativeFacts(plan) && brokenNative(plan) && !anyNative(plan));
  });
  const dies = async (code) => {
    const error = await run(process.execPath, ['-e', code]).catch((thrown) => thrown);
    assert.instance(error, CommandError);
    return reasonOf(error);
  };
  assert.is(
    (await dies('throw new Error("libtensorflow_cc.so.2: cannot open shared object file")')).zh,
    'libtensorflow_cc.so.2: cannot open shared object file',
  );
  const silent = await dies('process.kill(process.pid, "SIGSEGV"); setTimeout(() => {}, 1e4)');
  assert.equal(silent, { zh: '进程没有说明原因就结束了', en: 'it died without a word' });
});

test('a failing program is reported with the end of what it said', async () => {
  try {
    await run(process.execPath, ['-e', 'console.log("first"); console.error("last words"); process.exit(4)']);
    assert.unreachable();
  } catch (error) {
    assert.instance(error, CommandError);
    assert.is(error.code, 4);
    assert.match(error.message, 'last words');
  }
  const { code } = await run('/no/such/program', [], { check: false });
  assert.is(code, 127);
});

/** A Python environment that can be used up: everything but its own files is borrowed from the course's. */
function borrowedEnvironment(name) {
  const folder = path.join(base, name);
  fs.mkdirSync(path.dirname(programIn(folder, 'python')), { recursive: true });
  fs.copyFileSync(path.join(venvFolder(), 'pyvenv.cfg'), path.join(folder, 'pyvenv.cfg'));
  fs.symlinkSync(fs.realpathSync(programIn(venvFolder(), 'python')), programIn(folder, 'python'));
  fs.symlinkSync(path.join(venvFolder(), 'lib'), path.join(folder, 'lib'));
  return folder;
}

test('packed Python packages that do not fit this Python: offline, an error that names both versions', async () => {
  if (process.platform === 'win32') return console.log('SKIP packed Python packages: needs links');
  const folder = borrowedEnvironment('borrowed');
  const wheels = path.join(base, 'wheels');
  fs.mkdirSync(wheels);
  fs.writeFileSync(path.join(wheels, 'made-for.json'), '{"python": "3.1"}');
  const requirements = path.join(base, 'requirements.txt');
  fs.writeFileSync(requirements, 'convscope-nothing-of-that-name==1\n');
  const environment = {
    folder: () => folder,
    wheels: () => wheels,
    requirements: path.relative(inRoot(), requirements),
    bytes: 1,
    texts: ['安装', 'installing'],
  };
  try {
    await installEnvironment(environment, new Report({ stream: { write() {} } }), { offline: true });
    assert.unreachable('installed nothing from nowhere');
  } catch (error) {
    assert.instance(error, SetupError);
    assert.match(error.texts.en, /are for Python 3\.1, this is Python 3\.\d+/);
    assert.match(error.texts.zh, 'CONVSCOPE_PYTHON');
  }
  assert.not(readJson(path.join(folder, 'convscope.json')), 'it does not count as installed');
});

const COUNT = `
const { Compiler } = require('../kernel/compile/compiler.cjs');
const { prepare } = require('../kernel/compile/prepare.cjs');
const compiler = new Compiler();
const { library, service } = compiler;
const count = { compiled: 0, checked: 0 };
const { ts } = library;
library.ts = { ...ts, transpileModule: (...given) => (count.compiled++, ts.transpileModule(...given)) };
const check = service.diagnosticsOf.bind(service);
service.diagnosticsOf = (file) => (service.isCell(file) || count.checked++, check(file));
console.log(JSON.stringify({ problems: prepare(compiler), ...count, known: Object.keys(library.compiled).length }));`;

test('set-up has compiled and checked the library: nobody’s first cell does', async () => {
  await prepareLibrary();
  const output = execFileSync(process.execPath, ['-e', COUNT], { cwd: inRoot('notebooks') });
  const { known, ...rest } = JSON.parse(output.toString());
  assert.equal(rest, { problems: [], compiled: 0, checked: 0 });
  assert.ok(known > 200, `${known} files`);
});

test.run();
