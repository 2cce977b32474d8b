import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { codeHash, recordFaults, recordFile, recordsToRemake } from '../../scripts/records/records.mjs';

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-records-'));
test.after(() => fs.rmSync(root, { recursive: true }));
const sources = ['lib/idea.ts'];

function write(file, text) {
  const at = path.join(root, file);
  fs.mkdirSync(path.dirname(at), { recursive: true });
  fs.writeFileSync(at, text);
}

const put = (name, record) => write(`data/records/${name}.json`, JSON.stringify(record));

test.before.each(() => {
  write('lib/idea.ts', 'export const idea = 1;\n');
  write('scripts/records/map.ts', 'export const recipe = {};\n');
  write('data/records/map.png', 'picture');
  put('map', { sources, hash: codeHash('map', sources, root), images: ['map.png'], seconds: 20 });
});

test("a record that was made from today's code is fine; other line ends are the same code", () => {
  assert.equal(recordFaults('map', root), []);
  write('lib/idea.ts', 'export const idea = 1;\r\n');
  assert.equal(recordFaults('map', root), []);
});

test('a change of a listed module or of the recipe makes it stale', () => {
  write('lib/idea.ts', 'export const idea = 2;\n');
  assert.match(recordFaults('map', root).join(), 'older than its code');
  write('lib/idea.ts', 'export const idea = 1;\n');
  assert.equal(recordFaults('map', root), []);
  write('scripts/records/map.ts', 'export const recipe = { seed: 1 };\n');
  assert.match(recordFaults('map', root).join(), 'older than its code');
});

test('a missing record, picture or module is a fault', () => {
  fs.rmSync(path.join(root, 'data/records/map.png'));
  assert.match(recordFaults('map', root).join(), 'map.png');
  fs.rmSync(path.join(root, 'lib/idea.ts'));
  assert.match(recordFaults('map', root).join(), 'lib/idea.ts');
  fs.rmSync(recordFile('map', root));
  assert.match(recordFaults('map', root).join(), 'missing');
});

test('the quickest records are made again, as many as go into four minutes; the same ones every day', () => {
  put('slow', { seconds: 5000 });
  put('long', { seconds: 200, backend: { name: 'tensorflow' } });
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
