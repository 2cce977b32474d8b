/** The project's own Python environment in .venv, with JupyterLab and nothing of the user's. */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { inRoot, readJson, venvFolder, venvProgram, windows, writeJson } from './place.mjs';
import { SetupError } from './report.mjs';
import { findProgram, run } from './run.mjs';

export const ENVIRONMENT_BYTES = 310e6;
const MINIMUM = [3, 9];
const doneFile = () => path.join(venvFolder(), 'convscope.json');

const requirementsHash = () =>
  crypto
    .createHash('sha256')
    .update(fs.readFileSync(inRoot('requirements.txt')))
    .digest('hex')
    .slice(0, 16);

async function versionOf(program, first = []) {
  const { code, stdout } = await run(program, [...first, '-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], {
    check: false,
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
export async function pythonReady() {
  const done = readJson(doneFile());
  if (!done || done.requirements !== requirementsHash()) return false;
  return fs.existsSync(venvProgram('python')) && (await versionOf(venvProgram('python'))) === done.python;
}

export async function installPython(report) {
  const usable = fs.existsSync(venvProgram('python')) && (await versionOf(venvProgram('python')));
  const hasPip = usable && (await run(venvProgram('python'), ['-m', 'pip', '--version'], { check: false })).code === 0;
  fs.rmSync(doneFile(), { force: true });
  if (!hasPip) await createEnvironment();
  // pip's temporary files go with the environment: a killed pip leaves nothing elsewhere
  const temporary = path.join(venvFolder(), 'tmp');
  fs.rmSync(temporary, { recursive: true, force: true });
  fs.mkdirSync(temporary);
  const text = ['下载并安装 JupyterLab', 'downloading and installing JupyterLab'];
  await report.watchSize(venvFolder(), text, ENVIRONMENT_BYTES, () =>
    run(venvProgram('python'), ['-m', 'pip', 'install', '--quiet', '-r', inRoot('requirements.txt')], {
      env: { PIP_DISABLE_PIP_VERSION_CHECK: '1', TMPDIR: temporary },
    }),
  );
  fs.rmSync(temporary, { recursive: true, force: true });
  writeJson(doneFile(), { requirements: requirementsHash(), python: await versionOf(venvProgram('python')) });
}

async function createEnvironment() {
  const { program, first } = await findPython();
  const { code, output } = await run(program, [...first, '-m', 'venv', '--clear', venvFolder()], { check: false });
  if (code === 0) return;
  throw new SetupError(
    `Python 不能建立虚拟环境。Debian / Ubuntu：sudo apt install python3-venv。\n${output.trim()}`,
    `Python cannot make a virtual environment. Debian / Ubuntu: sudo apt install python3-venv.\n${output.trim()}`,
  );
}
