import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { imageNetClasses } from '../../../lib/model/classes';
import { projectRoot } from '../../../lib/base/paths';
import { coursePhotos } from '../../../lib/image/photos';

/**
 * The characters that the course's own font holds, from its table "cmap". Drawing tells nothing here: a machine with
 * Chinese fonts of its own borrows what is missing, the next machine shows a box.
 */
function charactersOf(font: Buffer): Set<number> {
  const tables = Array.from({ length: font.readUInt16BE(4) }, (_, i) => 12 + 16 * i);
  const cmap = font.readUInt32BE(tables.find((at) => font.toString('latin1', at, at + 4) === 'cmap')! + 8);
  const held = new Set<number>();
  for (let i = 0; i < font.readUInt16BE(cmap + 2); i++) {
    const at = cmap + font.readUInt32BE(cmap + 8 + 8 * i);
    if (font.readUInt16BE(at) !== 12) continue; // format 12 lists every character, in ranges
    for (let group = 0; group < font.readUInt32BE(at + 12); group++) {
      const [first, last] = [0, 4].map((offset) => font.readUInt32BE(at + 16 + 12 * group + offset));
      for (let character = first; character <= last; character++) held.add(character);
    }
  }
  return held;
}

test('the font of the course holds every character of the class and photo names', () => {
  const held = charactersOf(fs.readFileSync(path.join(projectRoot(), 'data', 'fonts', 'convscope-sans.ttf')));
  assert.ok(held.size > 10_000);
  const names = [
    ...imageNetClasses().flatMap(({ zh, en }) => [zh, en]),
    ...coursePhotos().flatMap(({ nameZh, name, categoryZh }) => [nameZh, name, categoryZh]),
  ];
  const missing = names.filter((name) => [...name].some((character) => !held.has(character.codePointAt(0)!)));
  assert.equal(missing, [], '这些名字在没有中文字体的机器上会变成方框');
});

test.run();
