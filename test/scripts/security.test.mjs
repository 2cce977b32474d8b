/** What docs/security.md promises of the server, of the packages and of the code that reads weights. */
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inRoot, jupyterFolder, readJson } from '../../scripts/setup/paths.mjs';
import { startCourse } from '../../scripts/start/started.mjs';

const linux = process.platform === 'linux';

/** The status of one request; unlike fetch it lets us say any Host and Origin. */
function status(base, { route = '/api/kernelspecs', headers = {} } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.get(new URL(route, base), { headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on('upgrade', (_, socket) => {
      socket.destroy();
      resolve(101);
    });
    request.on('error', reject);
  });
}

const upgrade = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
};

/** A process with all its descendants, from /proc. */
function family(pid) {
  const children = fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return fs.readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1].split(' ')[1] === String(pid);
      } catch {
        return false; // it has ended
      }
    });
  return [String(pid), ...children.flatMap(family)];
}

/** Addresses on which these processes listen, as the kernel of the system has them. */
function listening(pids) {
  const sockets = new Set();
  for (const pid of pids) {
    for (const fd of fs.readdirSync(`/proc/${pid}/fd`)) {
      const target = fs.readlinkSync(`/proc/${pid}/fd/${fd}`, { encoding: 'utf8' });
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (inode) sockets.add(inode);
    }
  }
  const rows = ['tcp', 'tcp6'].flatMap((name) =>
    fs.readFileSync(`/proc/net/${name}`, 'utf8').trim().split('\n').slice(1),
  );
  const LISTEN = '0A';
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter((fields) => fields[3] === LISTEN && sockets.has(fields[9]))
    .map((fields) => fields[1].split(':')[0]);
}

test('the server: no way in without the token, from another address, or for another site', async () => {
  const { base, token, stop } = await startCourse('--offline', '--no-native');
  try {
    const authorized = { Authorization: `token ${token}` };
    assert.match(token, /^[0-9a-f]{48}$/);
    assert.is(await status(base, { headers: authorized }), 200);
    assert.is(await status(base), 403, 'no token');
    assert.is(await status(base, { headers: { Authorization: `token ${token.slice(1)}0` } }), 403, 'a wrong token');
    assert.is(await status(base, { route: '/files/README.md' }), 302, 'files: to the page that asks for the token');
    const kernel = await (await fetch(`${base}/api/kernels`, { method: 'POST', headers: authorized, body: '{"name":"convscope"}' })).json(); // prettier-ignore
    const route = `/api/kernels/${kernel.id}/channels`;
    assert.is(await status(base, { route, headers: upgrade }), 403, 'the channel of a kernel, no token');
    assert.is(await status(base, { route, headers: { ...upgrade, ...authorized } }), 101);
    // a page elsewhere whose name points here (DNS rebinding), or that opens a channel here
    assert.is(await status(base, { headers: { Host: 'evil.example' } }), 403, 'another Host');
    const { port } = new URL(base);
    const facts = fs.readdirSync(jupyterFolder('runtime')).filter((name) => /^jpserver-\d+\.json$/.test(name)).map((name) => readJson(jupyterFolder('runtime', name))).find((f) => f?.port === Number(port)); // prettier-ignore
    if (linux) {
      const pids = family(facts.pid);
      assert.ok(pids.length >= 2, 'server and kernel');
      const addresses = listening(pids);
      const LOOPBACK = '0100007F';
      assert.ok(addresses.length >= 6, 'one port of the server, five of the kernel');
      assert.equal(addresses.filter((address) => address !== LOOPBACK), []); // prettier-ignore
      for (const pid of pids)
        assert.not.match(fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8'), token, 'every user sees the command lines');
      const secret = [
        jupyterFolder('runtime', `kernel-${kernel.id}.json`),
        jupyterFolder('runtime', `jpserver-${facts.pid}.json`),
      ];
      for (const file of secret) assert.is(fs.statSync(file).mode & 0o077, 0, `${file} is for its owner alone`);
    }
  } finally {
    await stop('SIGINT');
  }
});

test('packages: exact versions, npm ones with a checksum and without install scripts', () => {
  const npmrc = fs.readFileSync(inRoot('.npmrc'), 'utf8');
  assert.match(npmrc, /^ignore-scripts=true$/m);
  const { packages } = readJson(inRoot('package-lock.json'));
  const entries = Object.entries(packages).filter(([folder]) => folder !== '');
  assert.ok(entries.length > 100);
  for (const [folder, { integrity, resolved, link }] of entries) {
    assert.match(integrity ?? '', /^sha512-/, folder);
    assert.is(resolved ?? link, undefined, `${folder}: from the registry, nowhere else`);
  }
  const { dependencies, devDependencies } = readJson(inRoot('package.json'));
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies }))
    assert.match(version, /^(npm:@?[\w/-]+@)?\d+\.\d+\.\d+$/, name);
  const python = ['requirements.txt', 'deploy/requirements.txt', 'mine/dask/requirements.txt'];
  for (const file of python) {
    const lines = fs.readFileSync(inRoot(file), 'utf8').split('\n').filter((line) => line && !line.startsWith('#')); // prettier-ignore
    for (const line of lines) assert.match(line, /^[\w.-]+==[\w.]+( ;.*)?$/, file);
  }
});

/** The first version without the fault, of packages that other packages ask for in older ones (see `overrides`) or did. */
const MENDED = {
  tar: ['7.5.8', 'CVE-2026-26960, CVE-2026-23745'],
  minimist: ['1.2.6', 'CVE-2021-44906, CVE-2020-7598'],
  'static-eval': ['2.0.2', 'npm 548, npm 758'],
  'form-data': ['4.0.4', 'CVE-2025-7783'],
  'brace-expansion': ['1.1.12', 'CVE-2025-5889'],
  'node-fetch': ['2.6.7', 'CVE-2022-0235'],
  minimatch: ['3.0.5', 'CVE-2022-3517'],
  'ansi-regex': ['5.0.1', 'CVE-2021-3807'],
  rollup: ['2.79.2', 'CVE-2024-47068'],
  'adm-zip': ['0.5.2', 'SNYK-JS-ADMZIP-1065796'],
};

test('packages: none that ships with the course is older than the repair of a fault that is known to us', () => {
  const { packages } = readJson(inRoot('package-lock.json'));
  const seen = new Set();
  for (const [where, { version, dev }] of Object.entries(packages)) {
    const name = where.split('node_modules/').at(-1);
    if (dev || !MENDED[name]) continue;
    const [first, fault] = MENDED[name];
    seen.add(name);
    assert.ok(version.localeCompare(first, 'en', { numeric: true }) >= 0, `${where} ${version}: ${fault}, ${first}`);
  }
  assert.equal([...seen].sort(), Object.keys(MENDED).sort());
});

/** What could turn data into code. */
const CODE =
  /\beval\s*\(|\bnew Function\b|\bFunction\s*\(|['"](node:)?(vm|child_process)['"]|\beval: *true|\bimport\s*\(\s*[^'"`\s]/;

/** What runs in a thread: a program that is a constant of the module, or of TensorFlow.js' package. */
const THREADS = ['03-embedding/layouts/tsne-js.ts', 'tf/wasm-threads.ts'];

test('weights are data: the library neither evaluates text nor starts programs', () => {
  const files = fs
    .readdirSync(inRoot('lib'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'));
  assert.ok(files.length > 100);
  for (const name of files) {
    const text = fs.readFileSync(path.join(inRoot('lib'), name), 'utf8').replace(/\/\*[^]*?\*\/|\/\/.*/g, '');
    if (!THREADS.includes(name.split(path.sep).join('/'))) assert.not.match(text, CODE, name);
    for (const [, what] of text.matchAll(/\brequire\(([^'"][^)]*)\)/g))
      assert.is(`${path.basename(name)}: ${what}`, 'tsne-js.ts: w.path', 'only packages by their names');
  }
  for (const danger of ['eval(x)', 'new Function(x)', "require('node:vm')", 'import(file)', '{ eval: true }'])
    assert.match(danger, CODE);
});

test.run();
