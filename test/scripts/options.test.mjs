import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inRoot } from '../../scripts/setup/paths.mjs';
import { parseOptions } from '../../scripts/setup/options.mjs';

test('the words after npm start --', () => {
  assert.equal(parseOptions([]), { lang: 'zh', rest: [] });
  const all = parseOptions(['--no-browser', '--port', '9000', '--no-native', '--offline', '--lang=en', '--ip=0.0.0.0']);
  const expected = { noBrowser: true, port: 9000, noNative: true, offline: true, lang: 'en', ip: '0.0.0.0', rest: [] };
  assert.equal(all, expected);
  assert.equal(parseOptions(['one', '--port=1', 'two']).rest, ['one', 'two']);
});

test('wrong words are named, in both languages', () => {
  const refusal = (...words) => {
    try {
      parseOptions(words);
    } catch (error) {
      return error.texts;
    }
    assert.unreachable(`${words.join(' ')} was accepted`);
  };
  assert.match(refusal('--no-brower').zh, '--no-brower');
  assert.match(refusal('--no-brower').en, '--no-browser');
  assert.match(refusal('--port', 'abc').en, 'abc');
  assert.match(refusal('--port', '70000').zh, '70000');
  assert.match(refusal('--port', '--offline').en, 'needs a value');
  assert.match(refusal('--lang', 'fr').zh, 'fr');
  assert.match(refusal('--offline=yes').en, '--offline=yes');
  assert.match(refusal('-p').en, 'unknown');
});

test('a script accepts only its own options', () => {
  assert.throws(() => parseOptions(['--port', '1'], ['--lang']), /--port/);
});

test('every script refuses an unknown switch, with the list of those it has', () => {
  const names = fs.readdirSync(inRoot('scripts')).filter((name) => name.endsWith('.mjs') && name !== 'mine-dask.mjs');
  assert.ok(names.length >= 12, names.join());
  for (const name of names) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [inRoot('scripts', name), '--wirte'], { encoding: 'utf8' }); // prettier-ignore
    assert.is.not(status, 0, `${name} ran`);
    assert.match(stdout + stderr, /(不认识的选项|unknown option) --wirte(；可用：|; there are )(--|-)/, name);
  }
});

test.run();
