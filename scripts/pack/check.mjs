/**
 * Tries an archive as a school without internet would: unpacked at another place, in a network namespace that has
 * nothing but its own loopback. Linux only: elsewhere, switch the network off and unpack it by hand.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { inRoot, root, venvProgram } from '../setup/paths.mjs';
import { megabytes, SetupError } from '../setup/report.mjs';
import { findProgram, run } from '../setup/run.mjs';
import { PREFIX } from './contents.mjs';

/** Root may simply make one; others get one together with a user namespace, where the system allows that. */
const unshareArguments = () => [...(process.getuid() === 0 ? [] : ['--map-root-user', '--user']), '--net'];

function newestArchive() {
  const folder = inRoot('dist');
  const names = fs.existsSync(folder) ? fs.readdirSync(folder) : [];
  const archives = names.filter((name) => /^convscope-.*\.(tar\.gz|zip)$/.test(name)).map((n) => path.join(folder, n));
  const time = (file) => fs.statSync(file).mtimeMs;
  archives.sort((a, b) => time(b) - time(a));
  if (archives.length > 0) return archives[0];
  throw new SetupError('dist/ 里还没有包：先运行 npm run pack', 'no archive in dist/: run npm run pack first');
}

async function isolation() {
  const unshare = process.platform === 'linux' && findProgram('unshare');
  const works = unshare && (await run(unshare, [...unshareArguments(), 'true'], { check: false })).code === 0;
  if (works) return unshare;
  throw new SetupError(
    '这里不能建立网络命名空间（要 Linux 和 unshare）。可以手工试：断开网络，把包解到别处，npm start -- --offline',
    'no network namespace here (it takes Linux and unshare). By hand: unplug the network, unpack elsewhere, npm start -- --offline',
  );
}

/** What the packer's own settings would quietly help with is taken away: weights on a stick, a mirror, a cache. */
function withoutSettings() {
  const names = Object.keys(process.env).filter((name) => /^(CONVSCOPE_|PIP_|npm_|NPM_|JUPYTER)/.test(name));
  return names.flatMap((name) => ['-u', name]);
}

export async function checkArchive(report) {
  const unshare = await isolation();
  const archive = newestArchive();
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-pack-'));
  try {
    const name = path.basename(archive);
    await report.step([`解开 ${name}（${megabytes(fs.statSync(archive).size)} MB）`, `unpacking ${name}`], () =>
      run(venvProgram('python'), ['-m', archive.endsWith('.zip') ? 'zipfile' : 'tarfile', '-e', archive, scratch]),
    );
    const copy = path.join(scratch, PREFIX);
    const inside = path.join(copy, 'scripts', 'pack', 'inside.mjs');
    const args = [...withoutSettings(), unshare, ...unshareArguments(), process.execPath, inside, root];
    const { code, output } = await run('env', args, {
      cwd: copy,
      onLine: (line) => report.say(`  ${line}`, `  ${line}`),
      // set-up without a network, the kernel and two chapters: some minutes, on a slow disk many
      limitSeconds: 1800,
      check: false,
    });
    if (code === 0) return report.say('✓ 这个包不需要网络', '✓ the archive needs no network');
    throw new SetupError(`这个包没有通过：\n${output.trim()}`, `the archive failed:\n${output.trim()}`);
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}
