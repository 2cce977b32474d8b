/** The project's own Python environments: .venv with JupyterLab, and others for tools; nothing of the user's. */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { inRoot, programIn, readJson, venvFolder, windows, writeJson } from './paths.mjs';
import { SetupError } from './report.mjs';
import { findProgram, run } from './run.mjs';

/** Measured; it only says how far the installation has come. */
const ENVIRONMENT_BYTES = 310e6;
/** What JupyterLab 4.5 asks for (requirements.txt). */
const MINIMUM = [3, 9];

/** Packages that came along with the course (`npm run pack`): with them nothing is asked from the network. */
const wheelsFolder = () => inRoot('.cache', 'wheels');
export const wheelsPacked = () => fs.existsSync(wheelsFolder());

/** An environment is a folder, the file with its requirements, its size on disk and what is said while it is made. */
const course = {
  folder: venvFolder,
  requirements: 'requirements.txt',
  wheels: wheelsFolder,
  bytes: ENVIRONMENT_BYTES,
  texts: ['下载并安装 JupyterLab', 'downloading and installing JupyterLab'],
};
const doneFile = ({ folder }) => path.join(folder(), 'convscope.json');

const requirementsHash = ({ requirements }) =>
  crypto
    .createHash('sha256')
    .update(fs.readFileSync(inRoot(requirements)))
    .digest('hex')
    .slice(0, 16);

async function versionOf(program, first = []) {
  const { code, stdout } = await run(program, [...first, '-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], {
    check: false,
    // whatever has the name and does not answer is no Python
    limitSeconds: 20,
  });
  return code === 0 ? stdout.trim() : undefined;
}

/** A Python of the user's that is new enough; on Windows the launcher `py` knows where they are. */
export async function findPython() {
  const candidates = process.env.CONVSCOPE_PYTHON
    ? [[process.env.CONVSCOPE_PYTHON]]
    : [
        ['python3'],
        ['python'],
        ...(windows ? [['py', '-3']] : []),
        ...[13, 12, 11, 10, 9].map((n) => [`python3.${n}`]),
      ];
  const seen = [];
  for (const [name, ...first] of candidates) {
    const program = findProgram(name);
    const version = program && (await versionOf(program, first));
    if (!version) continue;
    const [major, minor] = version.split('.').map(Number);
    if (major === MINIMUM[0] && minor >= MINIMUM[1]) return { program, first, version };
    seen.push(version);
  }
  const found = seen.length > 0 ? seen.join('、') : undefined;
  throw new SetupError(
    `需要 Python ${MINIMUM.join('.')} 或更新的版本${found ? `，只找到 ${found}` : ''}。Debian / Ubuntu：sudo apt install python3 python3-venv；也可用 CONVSCOPE_PYTHON 指定`,
    `Python ${MINIMUM.join('.')} or newer is needed${found ? `, found ${found}` : ''}. Debian / Ubuntu: sudo apt install python3 python3-venv; or set CONVSCOPE_PYTHON`,
  );
}

/** Finished, from these requirements, and its Python still runs (a system upgrade may have taken it away). */
export async function environmentReady(environment) {
  const done = readJson(doneFile(environment));
  if (!done || done.requirements !== requirementsHash(environment)) return false;
  const python = programIn(environment.folder(), 'python');
  return fs.existsSync(python) && (await versionOf(python)) === done.python;
}

export async function installEnvironment(environment, report, { offline = false } = {}) {
  const folder = environment.folder();
  const python = programIn(folder, 'python');
  const usable = fs.existsSync(python) && (await versionOf(python));
  const hasPip = usable && (await run(python, ['-m', 'pip', '--version'], { check: false })).code === 0;
  fs.rmSync(doneFile(environment), { force: true });
  if (!hasPip) await createEnvironment(folder);
  // pip's temporary files go with the environment: a killed pip leaves nothing elsewhere
  const temporary = path.join(folder, 'tmp');
  fs.rmSync(temporary, { recursive: true, force: true });
  fs.mkdirSync(temporary);
  await report.watchSize(folder, environment.texts, environment.bytes, () =>
    installRequirements(environment, python, temporary, offline),
  );
  fs.rmSync(temporary, { recursive: true, force: true });
  writeJson(doneFile(environment), { requirements: requirementsHash(environment), python: await versionOf(python) });
}

/** From the packages that came along, where there are any; from the network when those do not fit this machine. */
async function installRequirements(environment, python, temporary, offline) {
  const pip = (...options) =>
    run(python, ['-m', 'pip', 'install', '--quiet', ...options, '-r', inRoot(environment.requirements)], {
      env: { PIP_DISABLE_PIP_VERSION_CHECK: '1', TMPDIR: temporary },
    });
  const wheels = environment.wheels?.();
  if (!wheels || !fs.existsSync(wheels)) return pip();
  try {
    return await pip('--no-index', '--find-links', wheels);
  } catch (error) {
    if (offline) throw wrongWheels(wheels, await versionOf(python), error);
    return pip();
  }
}

function wrongWheels(wheels, version, error) {
  const made = readJson(path.join(wheels, 'made-for.json'), {}).python ?? '?';
  return new SetupError(
    `带来的 Python 软件包是为 Python ${made} 准备的，这里是 Python ${version}。请装 Python ${made}，或用 CONVSCOPE_PYTHON 指定它；也可以在 Python ${version} 的机器上重新 npm run pack。\n${error.message}`,
    `the packed Python packages are for Python ${made}, this is Python ${version}. Install Python ${made} or set CONVSCOPE_PYTHON to it, or run npm run pack on a machine with Python ${version}.\n${error.message}`,
  );
}

export const pythonReady = () => environmentReady(course);
export const installPython = (report, options) => installEnvironment(course, report, options);

async function createEnvironment(folder) {
  const { program, first } = await findPython();
  const { code, output } = await run(program, [...first, '-m', 'venv', '--clear', folder], { check: false });
  if (code === 0) return;
  throw new SetupError(
    `Python 不能建立虚拟环境。Debian / Ubuntu：sudo apt install python3-venv。\n${output.trim()}`,
    `Python cannot make a virtual environment. Debian / Ubuntu: sudo apt install python3-venv.\n${output.trim()}`,
  );
}
