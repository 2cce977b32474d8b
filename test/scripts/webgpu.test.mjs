import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inRoot, readJson, writeJson } from '../../scripts/setup/paths.mjs';
import { planWebgpu, webgpuFacts, webgpuFrom, webgpuVersion } from '../../scripts/setup/webgpu.mjs';

const machine = { platform: 'linux', arch: 'x64', glibc: true, compiler: '/usr/bin/g++', cuda: false, freeBytes: 1e11, wish: '' }; // prettier-ignore
const kind = (change, wished = false, off = false) => planWebgpu({ wished, off }, { ...machine, ...change }).kind;

test('webgpu is installed where there is no native backend, and where somebody asks for it', () => {
  assert.is(kind({ platform: 'win32' }), 'install');
  assert.is(kind({ platform: 'darwin', arch: 'arm64' }), 'install');
  assert.is(kind({ platform: 'darwin', arch: 'arm64', wish: 'prebuilt' }), 'none');
  assert.is(kind({}), 'none');
  assert.is(kind({}, true), 'install');
  assert.is(kind({ glibc: false }, true), 'none');
  assert.is(kind({ arch: 'riscv64' }, true), 'none');
  assert.is(kind({ platform: 'win32' }, true, true), 'none');
});

test('the version is pinned, by the content of the package, and no address of a registry is written down', () => {
  const lock = readJson(inRoot('scripts', 'setup', 'webgpu', 'package-lock.json'));
  const { version, integrity } = lock.packages['node_modules/webgpu'];
  assert.is(version, webgpuVersion());
  assert.match(integrity, /^sha512-/);
  for (const entry of Object.values(lock.packages)) assert.not('resolved' in entry);
});

test('one cut short, or of another version, does not count', () => {
  const cache = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-webgpu-'));
  const before = process.env.CONVSCOPE_CACHE;
  process.env.CONVSCOPE_CACHE = cache;
  try {
    assert.is(webgpuFacts('linux-x64'), undefined);
    const folder = path.join(webgpuFrom('linux-x64').NODE_PATH, 'webgpu');
    const [binding, ready] = ['dawn.node', 'ready.json'].map((name) => path.join(folder, name));
    const facts = { version: webgpuVersion(), adapter: 'card', software: false, sizes: { 'dawn.node': 5 } };
    writeJson(ready, facts);
    assert.is(webgpuFacts('linux-x64'), undefined);
    fs.writeFileSync(binding, 'whole');
    assert.equal(webgpuFacts('linux-x64'), facts);
    fs.truncateSync(binding, 2);
    assert.is(webgpuFacts('linux-x64'), undefined);
    fs.writeFileSync(binding, 'whole');
    writeJson(ready, { ...facts, version: '0.0.1' });
    assert.is(webgpuFacts('linux-x64'), undefined);
  } finally {
    if (before === undefined) delete process.env.CONVSCOPE_CACHE;
    else process.env.CONVSCOPE_CACHE = before;
    fs.rmSync(cache, { recursive: true });
  }
});

test.run();
