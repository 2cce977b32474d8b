import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { buildSync } from 'esbuild';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CODE } from '../../../lib/02-patches/cache';
import { modulesBehind } from '../../../lib/base/code';
import { root } from '../../helpers';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-code-'));
test.after(() => fs.rmSync(folder, { recursive: true }));

function write(name: string, ...lines: string[]): string {
  const file = path.join(folder, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

test('每一种写法的相对导入都跟着走，走到底；只导入类型的不算，包不算', () => {
  const entry = write(
    'entry.ts',
    "import { a } from './a';",
    'import {',
    '  b,',
    "} from './deep/b';",
    "import type { T } from './types';",
    "import { tf } from 'tensorflow';",
    "import './effect';",
    "export * from './again';",
    "const late = () => require('./late');",
    "const later = () => import('./later');",
  );
  write('a.ts', "import { entry } from './entry'; // round and round");
  write('deep/b.ts', "import data from '../data.json';", "// copied from './nowhere'");
  for (const name of ['types.ts', 'effect.ts', 'again.ts', 'late.ts', 'later.ts', 'other.ts']) write(name, '');
  write('data.json', '{}');
  const found = modulesBehind([entry]).map((file) => path.relative(folder, file));
  assert.equal(
    found,
    ['a.ts', 'again.ts', 'data.json', path.join('deep', 'b.ts'), 'effect.ts', 'entry.ts', 'late.ts', 'later.ts'].sort(),
  );
});

test('图块的缓存所依赖的代码：打包程序找到的，这里一个也不少', () => {
  const entries = CODE.map((name) => `lib/${name}`);
  const { metafile } = buildSync({
    absWorkingDir: root,
    entryPoints: entries,
    bundle: true,
    packages: 'external',
    platform: 'node',
    write: false,
    metafile: true,
    outdir: 'nowhere',
    logLevel: 'silent',
  });
  const found = modulesBehind(entries.map((name) => path.join(root, name))).map((file) =>
    path.relative(root, file).replaceAll('\\', '/'),
  );
  const expected = Object.keys(metafile.inputs).filter((file) => file.startsWith('lib/'));
  assert.ok(expected.length > 20, `${expected.length}`);
  assert.equal(
    expected.filter((file) => !found.includes(file)),
    [],
  );
  for (const name of ['02-patches/strongest', 'tf/convolution', 'image/resample'])
    assert.ok(found.includes(`lib/${name}.ts`), name);
});

test.run();
