import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Kernel, root } from './client';

// A project of its own, whose library the tests may edit; its path has what paths can have.
const base = realpathSync(mkdtempSync(join(tmpdir(), 'kernel 导入-')));
const project = join(base, '中文 目录');
const write = (file: string, text: string) => writeFileSync(join(project, file), text);

for (const folder of ['lib/sub', 'notebooks/练习 1']) mkdirSync(join(project, folder), { recursive: true });
cpSync(join(root, 'kernel'), join(project, 'kernel'), { recursive: true });
cpSync(join(root, 'package.json'), join(project, 'package.json'));
symlinkSync(join(root, 'node_modules'), join(project, 'node_modules'), 'junction');
write('lib/state.ts', readFileSync(join(root, 'lib/base/state.ts'), 'utf8'));
write(
  'lib/a.ts',
  `import { shared } from './state';
import { b } from './sub/b';
export const counter = shared('counter', () => ({ n: 0 }));
export function a() { counter.n++; return 'a1 ' + b(); }`,
);
// Imports its importer: a circle.
const B = (body: string) =>
  `import { counter } from '../a';\n/** 文档 */\nexport function b(): string {\n  ${body}\n}\n`;
write('lib/sub/b.ts', B("return 'b1 ' + counter.n;"));
write('lib/index.ts', "export * from './a';\nexport { b } from './sub/b';\n");
write('notebooks/helper.ts', "import { a } from '../lib/index';\nexport const helped = 'helped ' + a();\n");
write('notebooks/data.json', '{ "x": [1, 2] }');

let kernel: Kernel;
test.before(async () => {
  kernel = await Kernel.start({ project, cwd: join(project, 'notebooks') });
});
test.after(async () => {
  await kernel.stop();
  rmSync(base, { recursive: true, force: true });
});

test('imports resolve from the notebook’s folder onto TypeScript source', async () => {
  assert.is(await kernel.value("import { a, b, counter } from '../lib/index';\na()"), "'a1 b1 1'");
  assert.is(await kernel.value("import * as lib from '../lib'; Object.keys(lib).sort()"), "[ 'a', 'b', 'counter' ]");
  assert.is(await kernel.value("import { helped } from './helper';\nhelped"), "'helped a1 b1 2'");
  assert.is(await kernel.value("import data from './data.json'; data.x"), '[ 1, 2 ]');
  assert.is(await kernel.value("const { b: dynamic } = await import('../lib/sub/b'); typeof dynamic"), "'function'");
  assert.is(await kernel.value("process.cwd().endsWith('notebooks') && require('fs').existsSync('data.json')"), 'true');
});

test('an edited module counts at once, for cells that imported it earlier too; its state stays', async () => {
  write('lib/sub/b.ts', B("return 'b2 ' + counter.n;"));
  assert.is(await kernel.value("a() + ' ' + b()"), "'a1 b2 3 b2 3'");
  write('lib/sub/b.ts', `${B("return 'b3 ' + counter.n;")}export const fresh = 1;\n`);
  write('lib/index.ts', "export * from './a';\nexport * from './sub/b';\n");
  assert.is(await kernel.value("import { fresh } from '../lib/index'; [fresh, b(), lib.b()]"), "[ 1, 'b3 3', 'b3 3' ]");
});

test('an edit that does not compile is reported where it is; its repair counts', async () => {
  write('lib/sub/b.ts', B('return 5;'));
  const { error } = await kernel.run("import { b as again } from '../lib/sub/b';\nagain()");
  assert.match(error!.evalue, 'lib/sub/b.ts 第 4 行');
  write('lib/sub/b.ts', B("if (counter.n) throw new RangeError('from the library');\n  return '';"));
  const failed = await kernel.run('\n\na();');
  assert.is(failed.error!.ename, 'RangeError');
  assert.match(failed.error!.traceback, 'at b (lib/sub/b.ts:4:');
  assert.match(failed.error!.traceback, '第 3 行');
  assert.match(failed.error!.traceback, '> 3 | a();');
  write('lib/sub/b.ts', B("return 'b4 ' + counter.n;"));
  assert.match((await kernel.value('a()'))!, 'b4');
});

test('a file that was missing is found once it is there', async () => {
  const missing = await kernel.run("import { late } from './late';\nlate");
  assert.match(missing.error!.evalue, './late');
  write('notebooks/late.ts', 'export const late = 7;');
  assert.is(await kernel.value("import { late } from './late';\nlate"), '7');
});

test('a file edited into an error of syntax: what needs it is refused, the rest runs; the same for JSON', async () => {
  await kernel.value(
    "import { b } from '../lib/sub/b'; import data from './data.json'; const viaFunction = () => b(); 0",
  );
  write('lib/sub/b.ts', 'export function b( {');
  write('notebooks/data.json', '{ "x": ');
  for (const code of ['b()', 'viaFunction()', "require('../lib/sub/b')"])
    assert.match((await kernel.run(code)).error!.evalue, 'lib/sub/b.ts 第 1 行', code);
  assert.match(
    (await kernel.run("require(['..', 'lib', 'sub', 'b'].join('/'))")).error!.evalue,
    'lib/sub/b.ts 第 1 行',
  );
  assert.match((await kernel.run('data.x')).error!.evalue, 'data.json');
  // the words of a text are no names
  assert.is(await kernel.value("'b() and data'"), "'b() and data'");
  write('lib/sub/b.ts', B("return 'b4 ' + counter.n;"));
  write('notebooks/data.json', '{ "x": 3 }');
  assert.match((await kernel.value('viaFunction() + data.x'))!, /^'b4 \d+3'$/);
});

test('files without exports, ./x.ts, ./x.js for x.ts, .tsx, top-level await', async () => {
  write('notebooks/side.ts', "console.log('side');");
  write(
    'notebooks/view.tsx',
    'const h = (...parts: unknown[]) => parts;\nconst React = { createElement: h };\nexport const view = <b>x</b>;\ndeclare global { namespace JSX { interface IntrinsicElements { b: object } } }',
  );
  write(
    'notebooks/slow.ts',
    'await new Promise((r) => setTimeout(r, 50));\nexport const slow = await Promise.resolve(5);',
  );
  for (const name of ['left', 'right'])
    write(`notebooks/${name}.ts`, `import { slow } from './slow';\nexport const ${name} = slow + 1;`);
  assert.is((await kernel.run("import './side'")).stdout, 'side\n');
  assert.is(
    await kernel.value(
      "import { late as again } from './late.ts'; import { late as third } from './late.js'; again + third",
    ),
    '14',
  );
  assert.is(await kernel.value("import { view } from './view'; view"), "[ 'b', null, 'x' ]");
  const parallel = "const [l, r] = await Promise.all([import('./left'), import('./right')]); l.left + r.right";
  assert.is(await kernel.value(parallel), '12');
  assert.is(await kernel.value("import { slow } from './slow'; slow"), '5');
  // what only `import` can load
  write('notebooks/only.mjs', 'export const only = await 8;\nexport default 9;');
  assert.is(await kernel.value("import nine, { only } from './only.mjs'; nine + only"), '17');
  const { href } = pathToFileURL(join(project, 'notebooks', 'only.mjs'));
  assert.is(await kernel.value(`const place = ${JSON.stringify(href)}; (await import(place)).only`), '8');
});

test('from the root, from a sub-folder, through a symlink and from outside of the project', async () => {
  const outside = join(base, '别处');
  mkdirSync(outside);
  const link = join(base, 'link');
  symlinkSync(project, link, 'junction');
  const places: [string, string, string][] = [
    [project, './lib/index', './lib'],
    [join(project, 'notebooks/练习 1'), '../../lib/index', '../../lib'],
    [join(link, 'notebooks'), '../lib/index', '../lib'],
    [outside, '../lib/index', '../lib'],
  ];
  const check = async ([cwd, file, folder]: [string, string, string]) => {
    const other = await Kernel.start({ project: cwd.startsWith(link) ? link : project, cwd });
    assert.is(
      await other.value(`import { a } from '${file}';\nimport { counter } from '${folder}';\n[a(), counter.n]`),
      "[ 'a1 b4 1', 1 ]",
      cwd,
    );
    assert.is(await other.value('counter'), '{ n: 1 }');
    await other.stop();
  };
  for (const place of places) await check(place);
});

test.run();
