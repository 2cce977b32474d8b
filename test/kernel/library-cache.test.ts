import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root } from './client';

// A project of its own with a shared cache, and a student whose own cache is elsewhere.
const base = mkdtempSync(join(tmpdir(), 'kernel-cache-'));
const common = join(base, 'course', '.cache', 'kernel');
const own = join(base, 'student', 'kernel');
for (const folder of [join(base, 'course', 'kernel', 'compile'), common, own]) mkdirSync(folder, { recursive: true });
cpSync(join(root, 'kernel', 'compile', 'library.cjs'), join(base, 'course', 'kernel', 'compile', 'library.cjs'));
test.after(() => rmSync(base, { recursive: true }));

const LOOK = `
const ts = require(${JSON.stringify(join(root, 'node_modules', 'typescript'))});
const { Library } = require(${JSON.stringify(join(base, 'course', 'kernel', 'compile', 'library.cjs'))});
const library = new Library(ts, () => true);
console.log(JSON.stringify({ version: library.version, compiled: library.compiled, checked: [...library.checked] }));`;

function look(env: Record<string, string>) {
  const output = execFileSync(process.execPath, ['-e', LOOK], { env: { ...process.env, CONVSCOPE_CACHE: '', ...env } });
  return JSON.parse(output.toString());
}

test('a kernel with a cache of its own also knows what the course’s kernels have compiled', () => {
  const { version } = look({});
  const write = (folder: string, name: string, value: unknown) =>
    writeFileSync(join(folder, `${name}-${version}.json`), JSON.stringify(value));
  write(common, 'compiled', { a: { code: 'common' }, b: { code: 'common' } });
  write(common, 'checked', ['x', 'y']);
  write(own, 'compiled', { b: { code: 'own' }, c: { code: 'own' } });
  write(own, 'checked', ['y', 'z']);
  const student = look({ CONVSCOPE_CACHE: join(base, 'student') });
  assert.equal(student.compiled, { a: { code: 'common' }, b: { code: 'own' }, c: { code: 'own' } });
  assert.equal(student.checked, ['x', 'y', 'z']);
  const teacher = look({});
  assert.equal(Object.keys(teacher.compiled), ['a', 'b']);
});

test('a damaged cache counts as none', () => {
  const { version } = look({});
  writeFileSync(join(common, `compiled-${version}.json`), '{"a": {"co');
  assert.equal(look({}).compiled, {});
  assert.equal(Object.keys(look({ CONVSCOPE_CACHE: join(base, 'student') }).compiled), ['b', 'c']);
});

test.run();
