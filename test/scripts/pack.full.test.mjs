/** What goes into the archive; `npm run pack -- --check` tries a whole one without a network. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { archiveName, contents, networksToPack, without } from '../../scripts/pack/contents.mjs';
import { packWeights, trackedFiles, writeArchive, writeNote } from '../../scripts/pack/steps.mjs';
import { venvProgram } from '../../scripts/setup/paths.mjs';
import { Report, SetupError } from '../../scripts/setup/report.mjs';
import { run } from '../../scripts/setup/run.mjs';
import { weightsReady } from '../../scripts/setup/weights.mjs';

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-pack-test-'));
test.after(() => fs.rmSync(scratch, { recursive: true }));
const silent = () => {
  const lines = [];
  return { lines, report: new Report({ lang: 'en', stream: { write: (text) => lines.push(text) }, terminal: false }) };
};

test('AlexNet 2012, whose repository states no licence, goes in only when it is asked for, and then the name says so', () => {
  assert.equal(networksToPack(), ['googlenet', 'squeezenet']);
  assert.equal(networksToPack({ withAlexnet: true }), ['googlenet', 'squeezenet', 'alexnet-2012', 'alexnet-2012-head']);
  const facts = { version: '1', python: '3.11', networks: ['squeezenet'] };
  assert.is(archiveName(facts), `convscope-1-${process.platform}-${process.arch}-py3.11.tar.gz`);
  assert.match(archiveName({ ...facts, networks: ['squeezenet', 'alexnet-2012'] }, true), /-with-alexnet\.zip$/);
});

test('in are the tracked files, npm packages, wheels, weights and the native backend; each exists at its place', async () => {
  const tracked = await trackedFiles();
  for (const file of ['package-lock.json', 'scripts/start.mjs', 'notebooks/01-filters.ipynb', 'data/classes.json'])
    assert.ok(tracked.includes(file), file);
  assert.not(tracked.some((file) => /^(node_modules|\.venv|\.cache|dist|\.jupyter)\//.test(file)));
  const entries = contents({ tracked, stage: '/stage', native: '/cache/native/linux-x64' });
  const names = entries.map(([, name]) => name);
  for (const name of ['node_modules', '.cache/wheels', '.cache/models', '.cache/native/linux-x64', 'lib/index.ts'])
    assert.ok(names.includes(`convscope/${name}`), name);
  assert.is(new Set(names).size, names.length);
  const without_ = contents({ tracked, stage: '/stage' }).map(([, name]) => name);
  assert.not(without_.some((name) => name.includes('.cache/native/')));
});

const listing = async (archive) => {
  const module = archive.endsWith('.zip') ? 'zipfile' : 'tarfile';
  const folder = path.join(scratch, path.basename(archive).replaceAll('.', '-'));
  await run(venvProgram('python'), ['-m', module, '-e', archive, folder]);
  return (name) => path.join(folder, 'convscope', name);
};

for (const ending of ['tar.gz', 'zip']) {
  test(`an archive (${ending}) gives back its files, and leaves out what it should`, async () => {
    const from = path.join(scratch, `from-${ending}`);
    fs.mkdirSync(path.join(from, 'inner'), { recursive: true });
    fs.writeFileSync(path.join(from, '猫.txt'), '喵');
    fs.writeFileSync(path.join(from, 'inner', 'big.bin'), Buffer.alloc(3e6, 7));
    fs.writeFileSync(path.join(from, 'inner', 'secret'), 'x');
    fs.writeFileSync(path.join(from, 'program'), '#!', { mode: 0o755 });
    const archive = path.join(scratch, `a.${ending}`);
    const { lines, report } = silent();
    const { bytes } = await writeArchive(report, archive, {
      entries: [[from, 'convscope']],
      without: [path.join(from, 'inner', 'secret')],
    });
    assert.is(bytes, 3e6 + 5);
    const file = await listing(archive);
    assert.is(fs.readFileSync(file('猫.txt'), 'utf8'), '喵');
    assert.is(fs.statSync(file('inner/big.bin')).size, 3e6);
    assert.not(fs.existsSync(file('inner/secret')));
    if (ending === 'tar.gz' && process.platform !== 'win32') assert.ok(fs.statSync(file('program')).mode & 0o100);
    assert.ok(lines.some((line) => line.includes(`a.${ending}`)));
    assert.equal(
      fs.readdirSync(scratch).filter((name) => /draft|list/.test(name)),
      [],
    );
  });
}

test('the link to this machine’s native backend stays here', () => {
  assert.ok(without().some((file) => file.endsWith('tfjs_binding.node')));
});

test('weights: GoogLeNet and SqueezeNet are checked and in, AlexNet 2012 is not and it is said why', async () => {
  if (!weightsReady()) return console.log('SKIP packed weights: the weights are not here');
  const folder = path.join(scratch, 'models');
  const { lines, report } = silent();
  assert.equal(await packWeights(report, folder, {}), ['googlenet', 'squeezenet']);
  const files = fs.readdirSync(folder);
  assert.is(files.filter((name) => name.startsWith('bvlc_googlenet.')).length, 116);
  assert.equal(files.filter((name) => !name.startsWith('bvlc_googlenet.')), ['compressed_SqueezeNet.net']); // prettier-ignore
  assert.match(lines.join(''), /AlexNet 2012's weights are left out.*--with-alexnet/);
});

test('weights that cannot be had: an error for people, no half archive', async () => {
  const before = { ...process.env };
  Object.assign(process.env, {
    CONVSCOPE_MODELS: '',
    CONVSCOPE_OFFLINE: '1',
    CONVSCOPE_CACHE: path.join(scratch, 'c'),
  });
  try {
    await packWeights(silent().report, path.join(scratch, 'none'), {});
    assert.unreachable('packed nothing');
  } catch (error) {
    assert.instance(error, SetupError);
    assert.match(error.message, '取不到 GoogLeNet');
  } finally {
    for (const name of ['CONVSCOPE_MODELS', 'CONVSCOPE_OFFLINE', 'CONVSCOPE_CACHE']) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  }
});

test('the note in the archive says how to start it and what may not be passed on', () => {
  const file = path.join(scratch, 'OFFLINE.md');
  writeNote(file, { version: '1', python: '3.11', networks: ['squeezenet'] });
  assert.match(fs.readFileSync(file, 'utf8'), 'npm start -- --offline');
  assert.not.match(fs.readFileSync(file, 'utf8'), 'AlexNet');
  writeNote(file, { version: '1', python: '3.11', networks: ['squeezenet', 'alexnet-2012'], native: 'linux' });
  assert.match(fs.readFileSync(file, 'utf8'), '不要再分发');
});

test.run();
