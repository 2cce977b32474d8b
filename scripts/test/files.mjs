/** Runs test files, each in a process of its own. */
import fs from 'node:fs';
import path from 'node:path';
import { inRoot } from '../setup/place.mjs';
import { run } from '../setup/run.mjs';
import { tsxArguments } from '../setup/weights.mjs';
import { judge } from './summary.mjs';

const BACKENDS = ['tensorflow', 'wasm'];

export function testFiles(folder) {
  const base = inRoot('test', folder);
  if (!fs.existsSync(base)) return [];
  return fs
    .readdirSync(base, { recursive: true })
    .filter((name) => /\.test\.(ts|mjs)$/.test(name))
    .map((name) => path.join('test', folder, name).replaceAll('\\', '/'))
    .sort();
}

/** A `*.backends.test.ts` is two tasks, one on each backend; the native one is skipped where there is none. */
export function testTasks(folder, { native }) {
  return testFiles(folder).flatMap((file) => {
    if (!/\.backends\.test\.ts$/.test(file)) return [{ name: file, file }];
    return BACKENDS.map((backend) => ({
      name: `${file} [${backend}]`,
      file,
      env: { CONVSCOPE_BACKEND: backend },
      skip: backend === 'tensorflow' && !native ? 'no native backend (npm run doctor says why)' : undefined,
    }));
  });
}

export async function runTestFile({ name, file, env }, limitSeconds) {
  const before = file.endsWith('.ts') ? tsxArguments() : [];
  const { code, output } = await run(process.execPath, [...before, path.resolve(inRoot(), file)], {
    env: { ...env, FORCE_COLOR: '0' },
    limitSeconds,
    check: false,
  });
  const verdict = judge(code, output);
  if (code === 137) verdict.reason ??= `killed, perhaps after the limit of ${limitSeconds} s`;
  return { name, output, ...verdict };
}
