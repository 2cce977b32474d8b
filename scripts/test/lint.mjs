/** The checks of the sources: types, rules and layout of TypeScript and JavaScript, and ruff for Python. */
import { inRoot, programIn } from '../setup/paths.mjs';
import { environmentReady, installEnvironment } from '../setup/python.mjs';
import { Report } from '../setup/report.mjs';
import { run } from '../setup/run.mjs';

/** Each takes less than a minute; ten of them are a tool that hangs. */
const LIMIT_SECONDS = 600;
const tool = (...parts) => inRoot('node_modules', ...parts);
const tsc = (project) => [tool('typescript', 'bin', 'tsc'), '--noEmit', '-p', project];

/** @type {{ name: string, args?: string[], python?: boolean }[]} */
export const CHECKS = [
  { name: 'tsc', args: tsc('tsconfig.json') },
  { name: 'tsc, JavaScript', args: tsc('tsconfig.javascript.json') },
  { name: 'eslint', args: [tool('eslint', 'bin', 'eslint.js'), '.'] },
  { name: 'prettier', args: [tool('prettier', 'bin', 'prettier.cjs'), '--check', '--log-level=warn', '.'] },
  { name: 'ruff', python: true },
];

/** ruff is a program from PyPI; nobody but who changes Python here needs it. */
const ruff = {
  folder: () => inRoot('.cache', 'lint-venv'),
  requirements: 'requirements-lint.txt',
  bytes: 45e6,
  texts: ['下载并安装 ruff', 'downloading and installing ruff'],
};

/** @param {{ name: string, args?: string[], python?: boolean }} check */
export async function lint({ name, args, python }) {
  if (python) return lintPython(name);
  return judged(name, await run(process.execPath, args, { check: false, limitSeconds: LIMIT_SECONDS }));
}

const judged = (name, { code, output }) => ({
  name: `lint: ${name}`,
  passed: code === 0 ? 1 : 0,
  failed: code === 0 ? 0 : 1,
  output,
});

async function lintPython(name) {
  try {
    if (!(await environmentReady(ruff))) await installEnvironment(ruff, new Report({ lang: 'en', terminal: false }));
  } catch (error) {
    const reason = `it cannot be installed here: ${error.message.trim().split('\n').at(-1)}`;
    return { name: `lint: ${name}`, skipped: 1, skips: [{ name: 'all', reason }] };
  }
  const program = programIn(ruff.folder(), 'ruff');
  return judged(name, await run(program, ['check', '--no-cache', '.'], { check: false, limitSeconds: LIMIT_SECONDS }));
}
