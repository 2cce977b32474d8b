/** The three checks of the sources: types, rules, layout. */
import { inRoot } from '../setup/place.mjs';
import { run } from '../setup/run.mjs';

const tool = (...parts) => inRoot('node_modules', ...parts);

export const CHECKS = [
  { name: 'tsc', args: [tool('typescript', 'bin', 'tsc'), '--noEmit', '-p', '.'] },
  { name: 'eslint', args: [tool('eslint', 'bin', 'eslint.js'), '.'] },
  { name: 'prettier', args: [tool('prettier', 'bin', 'prettier.cjs'), '--check', '--log-level=warn', '.'] },
];

export async function lint({ name, args }) {
  const { code, output } = await run(process.execPath, args, { check: false, limitSeconds: 600 });
  return { name: `lint: ${name}`, passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, output };
}
