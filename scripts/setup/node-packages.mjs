/** The npm packages, exactly as the lockfile says. */
import fs from 'node:fs';
import path from 'node:path';
import { inRoot, readJson, writeJson } from './paths.mjs';
import { SetupError } from './report.mjs';
import { findProgram, run } from './run.mjs';

/** module.register, with which tsx loads TypeScript, came with 20.6. */
const MINIMUM = [20, 6];
/** A folder that was copied from another kind of machine has the wrong binaries in it. */
const machine = () => ({ machine: `${process.platform}-${process.arch}` });
const machineFile = (root) => path.join(root, 'node_modules', '.convscope-machine.json');

export function checkNode(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  if (major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1])) return;
  throw new SetupError(
    `Node.js ${version} 太旧，需要 ${MINIMUM.join('.')} 或更新的版本`,
    `Node.js ${version} is too old, ${MINIMUM.join('.')} or newer is needed`,
  );
}

/**
 * npm writes node_modules/.package-lock.json as its last act, so an interrupted `npm ci` shows as missing.
 * Packages made for other systems are optional and rightly absent.
 */
export function packagesInstalled(root = inRoot()) {
  const wanted = readJson(path.join(root, 'package-lock.json'), {}).packages ?? {};
  const present = readJson(path.join(root, 'node_modules', '.package-lock.json'), {}).packages;
  if (!present) return false;
  const known = readJson(machineFile(root));
  if (known && known.machine !== machine().machine) return false;
  for (const [folder, entry] of Object.entries(wanted)) {
    if (folder === '') continue;
    const have = present[folder];
    if (!have && entry.optional) continue;
    if (!have || have.version !== entry.version || have.integrity !== entry.integrity) return false;
    if (!fs.existsSync(path.join(root, folder, 'package.json'))) return false;
  }
  return true;
}

export async function installPackages() {
  // a school's NODE_ENV=production would leave out tsx, which set-up itself needs
  await installLocked(inRoot(), '--include=dev');
  rememberMachine();
}

/** What the lockfile in a folder says, into that folder's node_modules. */
export async function installLocked(folder, ...options) {
  const [program, ...first] = npmCommand();
  await run(program, [...first, 'ci', ...options, '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder });
}

export function rememberMachine(root = inRoot()) {
  if (!fs.existsSync(machineFile(root))) writeJson(machineFile(root), machine());
}

/** npm as a script for our own Node where it can be found: that works the same on Windows. */
function npmCommand() {
  const beside = path.dirname(process.execPath);
  const scripts = [
    process.env.npm_execpath,
    path.join(beside, 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    path.join(beside, '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
  ];
  const script = scripts.find((file) => file?.endsWith('npm-cli.js') && fs.existsSync(file));
  if (script) return [process.execPath, script];
  const program = findProgram('npm');
  if (!program) throw new SetupError('找不到 npm，请重新安装 Node.js', 'npm is missing, please install Node.js again');
  return [program];
}
