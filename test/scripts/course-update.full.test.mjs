/** Students' notebooks: what publish.py publishes, and what nbgitpuller then does to a folder that was worked in. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inRoot, venvProgram } from '../../scripts/setup/paths.mjs';
import { findProgram, run } from '../../scripts/setup/run.mjs';

const base = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-update-'));
test.after(() => fs.rmSync(base, { recursive: true }));

const course = path.join(base, 'course');
const git = async (folder, ...words) => {
  const person = ['-c', 'user.name=t', '-c', 'user.email=t@example.invalid', '-c', 'commit.gpgsign=false'];
  return (await run('git', ['-C', folder, ...person, ...words])).stdout.trim();
};
const notebook = (title, outputs = []) =>
  `${JSON.stringify({ cells: [{ cell_type: 'code', source: [title], outputs }], metadata: {}, nbformat: 4, nbformat_minor: 5 }, null, 1)}\n`;

async function commit(files, ...more) {
  for (const [name, content] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(course, name)), { recursive: true });
    fs.writeFileSync(path.join(course, name), content);
  }
  await git(course, 'add', '.');
  await git(course, 'commit', '--quiet', '-m', 'change', ...more);
}

const publish = (target) => run(venvProgram('python'), ['-B', inRoot('deploy', 'publish.py'), course, target]);
const tip = (target) => git(target, 'rev-parse', 'main');
const names = async (target) => (await git(target, 'ls-tree', '-r', '--name-only', 'main')).split('\n').sort();

const hasGit = Boolean(findProgram('git'));
if (!hasGit) console.log('SKIP course-update: no git');

test.before(async () => {
  if (!hasGit) return;
  fs.mkdirSync(course);
  await git(course, 'init', '--quiet', '--initial-branch=main');
  await commit({
    'lib/index.ts': 'export {};\n',
    'notebooks/00.ipynb': notebook('zero'),
    'notebooks/01.ipynb': notebook('one'),
  });
});

const withGit = hasGit ? test : test.skip;
const first = path.join(base, 'first.git');

withGit('only notebooks are published, in the same commits whoever publishes them', async () => {
  const second = path.join(base, 'second.git');
  await publish(first);
  await publish(second);
  assert.equal(await names(first), ['.gitattributes', '00.ipynb', '01.ipynb']);
  assert.is(await tip(first), await tip(second));
  const before = await tip(first);
  await commit({ 'lib/index.ts': 'export const x = 1;\n' });
  await publish(first);
  assert.is(await tip(first), before, 'a change of the library is none of the students’');
  fs.writeFileSync(path.join(course, 'notebooks/00.ipynb'), notebook('not committed'));
  const { stdout } = await publish(first);
  assert.match(stdout, '没有提交');
  assert.is(await tip(first), before);
  await git(course, 'checkout', '--quiet', '.');
});

withGit('history is only ever added to, even when the course’s own was rewritten', async () => {
  await commit({ 'notebooks/02.ipynb': notebook('two') });
  await publish(first);
  const old = await tip(first);
  await commit({ 'notebooks/02.ipynb': notebook('two, rewritten') }, '--amend');
  await publish(first);
  assert.is.not(await tip(first), old);
  await git(first, 'merge-base', '--is-ancestor', old, 'main');
  assert.match(await git(first, 'show', 'main:02.ipynb'), 'two, rewritten');
  const now = await tip(first);
  await publish(first);
  assert.is(await tip(first), now, 'publishing again changes nothing');
});

/** The version that a class gets, beside the project's own packages; small, and without its dependencies. */
async function installPuller() {
  const wanted = /^nbgitpuller==.*$/m.exec(fs.readFileSync(inRoot('deploy', 'requirements.txt'), 'utf8'))[0];
  const target = path.join(base, 'packages');
  const args = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', target, wanted];
  const { code, output } = await run(venvProgram('python'), args, { check: false, limitSeconds: 120 });
  if (code !== 0) console.log(`SKIP nbgitpuller: it could not be installed: ${output.trim().split('\n').pop()}`);
  return code === 0 ? target : undefined;
}

withGit('an update renews what was left alone and leaves alone what was worked on', async () => {
  const packages = await installPuller();
  if (!packages) return;
  const home = path.join(base, 'home');
  fs.mkdirSync(home);
  const pull = () =>
    run(venvProgram('python'), ['-m', 'nbgitpuller.pull', pathToFileURL(first).href, 'main', 'convscope'], {
      cwd: home,
      env: { PYTHONPATH: packages, HOME: home },
    });
  const at = (name) => path.join(home, 'convscope', name);
  const read = (name) => fs.readFileSync(at(name), 'utf8');
  await pull();
  assert.match(read('01.ipynb'), 'one');
  const mine = notebook('mine', [{ output_type: 'stream', name: 'stdout', text: ['42'] }]);
  fs.writeFileSync(at('01.ipynb'), mine);
  fs.writeFileSync(at('notes.txt'), 'my notes');
  await commit({ 'notebooks/00.ipynb': notebook('zero, new'), 'notebooks/01.ipynb': notebook('one, new') });
  await publish(first);
  await pull();
  assert.is(read('01.ipynb'), mine, 'byte for byte');
  assert.is(read('notes.txt'), 'my notes');
  assert.match(read('00.ipynb'), 'zero, new');

  fs.renameSync(at('01.ipynb'), at('01-mine.ipynb'));
  await pull();
  assert.match(read('01.ipynb'), 'one, new');
  assert.is(read('01-mine.ipynb'), mine);

  // once more, with edits in the same place on both sides: still whole notebooks
  fs.writeFileSync(at('00.ipynb'), notebook('zero, mine'));
  await commit({ 'notebooks/00.ipynb': notebook('zero, newest') });
  await publish(first);
  await pull();
  assert.is(read('00.ipynb'), notebook('zero, mine'));
});

test.run();
