/** Runs test files, each in a process of its own. */
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { inRoot } from '../setup/paths.mjs';
import { run, tsxArguments } from '../setup/run.mjs';
import { judge } from './summary.mjs';

/** What takes minutes, or downloads what no reader of the course needs: `npm run test:all` alone runs it. */
export const isFull = (file) => /\.full\.(backends\.)?test\.(ts|mjs)$/.test(file);
export const isDoubled = (file) => /\.backends\.test\.ts$/.test(file);

export function testFiles(folder) {
  const base = inRoot('test', folder);
  if (!fs.existsSync(base)) return [];
  return fs
    .readdirSync(base, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.test\.(ts|mjs)$/.test(name))
    .map((name) => path.join('test', folder, name).replaceAll('\\', '/'))
    .sort();
}

/** One run of a file; a `*.backends.test.ts` is run once for each of `backends`. */
export function testTasks(files, backends) {
  return files.flatMap((file) => {
    if (!isDoubled(file)) return [{ name: file, file }];
    return backends.map((backend) => ({ name: `${file} [${backend}]`, file, env: { CONVSCOPE_BACKEND: backend } }));
  });
}

/** Loaded before a test file: says why a `before` hook failed, which uvu keeps to itself. */
const HOOKS = ['--import', pathToFileURL(inRoot('scripts', 'test', 'hooks.mjs')).href];

/** @param {{ name: string, file: string, env?: Record<string, string> }} task @param {number} limitSeconds */
export async function runTestFile({ name, file, env }, limitSeconds) {
  const before = [...(file.endsWith('.ts') ? tsxArguments() : []), ...HOOKS];
  const { code, output } = await run(process.execPath, [...before, path.resolve(inRoot(), file)], {
    env: { ...env, FORCE_COLOR: '0' },
    limitSeconds,
    check: false,
  });
  const verdict = judge(code, output, { onlyWeights: env?.CONVSCOPE_TESTS === 'weights' });
  if (code === 137) verdict.reason ??= `killed, perhaps after the limit of ${limitSeconds} s`;
  return { name, output, ...verdict };
}
