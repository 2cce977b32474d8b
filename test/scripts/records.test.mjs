import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { codeOf, declareUnchanged, recordFaults, recordFile, recordsToRemake } from '../../scripts/records/records.mjs';

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-records-'));
test.after(() => fs.rmSync(root, { recursive: true }));

function write(file, text) {
  const at = path.join(root, file);
  fs.mkdirSync(path.dirname(at), { recursive: true });
  fs.writeFileSync(at, text);
}

const put = (name, record) => write(`data/records/${name}.json`, JSON.stringify(record));

const IDEA =
  'export const idea = (x: number) => {\n  const twice = 2 * x;\n  return `${twice}\n`;\n};\nexport const unused = () => 1;\n';
const RECIPE = "import { idea } from '../../lib/idea';\nexport const recipe = { seed: 0, run: () => idea(1) };\n";
const fresh = () => assert.equal(recordFaults('map', root), []);
const stale = () => assert.match(recordFaults('map', root).join(), 'older than its code');

test.before.each(() => {
  write('lib/base.ts', IDEA);
  write('lib/idea.ts', "export { idea } from './base';\n");
  write('lib/other.ts', 'export const other = 1;\n');
  write('scripts/records/map.ts', RECIPE);
  write('data/records/map.png', 'picture');
  put('map', { ...codeOf('map', root), images: ['map.png'], seconds: 20 });
});

test("a record that was made from today's code is fine; its modules are found through the imports", () => {
  fresh();
  assert.equal(codeOf('map', root).sources, ['lib/base.ts']);
});

test('line ends, comments, types, layout, unused functions and other modules are the same code', () => {
  write('lib/base.ts', IDEA.replaceAll('\n', '\r\n'));
  fresh();
  write('lib/base.ts', `/** What it is. */\n${IDEA.replace('x: number', 'x: 1 | 2').replaceAll('  ', '    ')}`);
  fresh();
  write('lib/base.ts', IDEA.replace('=> 1', '=> 2'));
  fresh();
  write('lib/other.ts', 'export const other = 2;\n');
  fresh();
});

test('a module that has moved is the same code', () => {
  write('lib/deep/ground.ts', IDEA);
  write('lib/idea.ts', "export { idea } from './deep/ground';\n");
  fresh();
});

test('a change of the recipe, or of a module that it reaches over others, makes it stale', () => {
  write('lib/base.ts', IDEA.replace('2 * x', '3 * x'));
  stale();
  write('lib/base.ts', IDEA);
  fresh();
  write('scripts/records/map.ts', RECIPE.replace('seed: 0', 'seed: 1'));
  stale();
});

test('a change that somebody answers for is noted beside the old fingerprint; the next one is stale again', () => {
  const { hash } = codeOf('map', root);
  write('lib/base.ts', IDEA.replace('2 * x', 'x * 2'));
  stale();
  declareUnchanged('map', 'the factors change places', root);
  fresh();
  const record = JSON.parse(fs.readFileSync(recordFile('map', root), 'utf8'));
  assert.equal([record.hash, record.unchanged.why], [hash, 'the factors change places']);
  write('lib/base.ts', IDEA.replace('2 * x', 'x * 3'));
  stale();
});

test('a missing record, picture or module is a fault', () => {
  fs.rmSync(path.join(root, 'data/records/map.png'));
  assert.match(recordFaults('map', root).join(), 'map.png');
  fs.rmSync(path.join(root, 'lib/idea.ts'));
  assert.match(recordFaults('map', root).join(), 'lib/idea');
  fs.rmSync(recordFile('map', root));
  assert.match(recordFaults('map', root).join(), 'missing');
});

test('the quickest records are made again, as many as go into a minute and a half; the same ones every day', () => {
  put('slow', { seconds: 5000 });
  put('long', { seconds: 60, backend: { name: 'tensorflow' } });
  put('other', { seconds: 5, backend: { name: 'tensorflow' } });
  const names = ['long', 'map', 'other', 'slow', 'unmade'];
  const chosen = (native, of = names) => recordsToRemake({ native, names: of, root });
  assert.equal(chosen(true), ['other', 'map', 'long']);
  assert.equal(chosen(false), ['map'], 'native records only with the native backend');
  assert.equal(chosen(true, ['slow']), []);
  put('long', { seconds: 220 });
  assert.equal(chosen(true), ['other', 'map']);
});

test.run();
