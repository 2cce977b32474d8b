import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root } from '../helpers';

/** From the ground up: a room imports itself and what stands before it. Chapters import chapters with a smaller number. */
const FLOORS = ['base', 'tf', 'image', 'model', 'show', 'chapter', 'course', 'index'];
/** Where Node's own modules and canvas may be used; everything else must be able to run in a browser. */
const NODE = ['base', 'tf', 'image', 'model/weights'];
/** Files elsewhere that touch the disk, each for one thing; a new one needs a reason here. */
const ON_DISK = [
  '02-patches/cache.ts', // what was computed once of each photo
  '04-occlusion/landmarks.ts', // data/photos/landmarks.json
  '09-your-own/sources.ts', // where a network of one's own lies
  '09-your-own/save.ts', // writes one
  'model/classes.ts', // the names of the classes
  'show/records.ts', // data/records
  'show/text.ts', // the font
];
/** Draws with the native canvas: the same calls as a browser's, which the pages will give it instead. */
const DRAWS = ['show', '03-embedding/thumbnails.ts'];

const lib = path.join(root, 'lib');
const files = fs
  .readdirSync(lib, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.split(path.sep).join('/'));
const roomOf = (file: string) => (file.split('/').length > 1 ? file.split('/')[0] : 'index');
const floorOf = (room: string) => FLOORS.indexOf(/^\d\d-/.test(room) ? 'chapter' : room);

const importsOf = (file: string) =>
  [...fs.readFileSync(path.join(lib, file), 'utf8').matchAll(/(?:from|import\(|require\()\s*'([^']+)'/g)].map(
    ([, to]) => (to.startsWith('.') ? path.posix.join(path.posix.dirname(file), to) : to),
  );

function allowed(from: string, to: string): boolean {
  const [a, b] = [roomOf(from), roomOf(to)];
  const isChapter = floorOf(a) === FLOORS.indexOf('chapter');
  // Only the exercises' checks speak to the learner; the rest of a chapter computes.
  if (isChapter && b === 'show') return from.endsWith('/checks.ts');
  return isChapter && floorOf(b) === floorOf(a) ? b <= a : floorOf(b) <= floorOf(a);
}

test('every room is on a floor', () => {
  for (const file of files) assert.ok(floorOf(roomOf(file)) >= 0, file);
});

test('imports point downwards', () => {
  const arrows = files.flatMap((from) => importsOf(from).map((to) => [from, to] as const));
  const inside = arrows.filter(([, to]) => files.includes(`${to}.ts`));
  assert.ok(inside.length > 400, '读到了 import');
  const wrong = inside.filter(([from, to]) => !allowed(from, to)).map(([from, to]) => `${from} -> ${to}`);
  assert.equal(wrong, []);
});

test("Node's own modules stay in their rooms", () => {
  const within = (file: string, places: readonly string[]) =>
    places.some((p) => file === p || file.startsWith(`${p}/`));
  const wrong = files.flatMap((file) =>
    importsOf(file).filter((to) => {
      if (to === 'canvas') return !within(file, [...NODE, ...DRAWS]);
      return to.startsWith('node:') && !within(file, [...NODE, ...ON_DISK]);
    }).map((to) => `${file} -> ${to}`),
  ); // prettier-ignore
  assert.equal(wrong, []);
});

test('TensorFlow.js has one door', () => {
  const wrong = files.filter((file) => file !== 'tf/tf.ts' && importsOf(file).includes('@tensorflow/tfjs'));
  assert.equal(wrong, []);
});

test('the map of the rooms in CONTRIBUTING names every room, and no other', () => {
  const map = fs.readFileSync(path.join(root, 'CONTRIBUTING.md'), 'utf8');
  const named = [...map.matchAll(/^\| `([\w-]+)\/`/gm)].map(([, room]) => room);
  const ignored = fs.readFileSync(path.join(root, '.gitignore'), 'utf8').replaceAll('/', '').split('\n');
  const outside = fs
    .readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && /^[a-z]/.test(entry.name) && ![...ignored, 'lib'].includes(entry.name))
    .map(({ name }) => name);
  const inLib = files.map(roomOf).filter((room) => /^[a-z]/.test(room) && room !== 'index');
  assert.equal([...named].sort(), [...new Set([...inLib, ...outside])].sort());
});

test('the rule can fail', () => {
  assert.ok(allowed('05-deconv/x', '02-patches/x') && allowed('course/check', '08-adversarial/checks'));
  assert.not(allowed('02-patches/x', '05-deconv/x'));
  assert.not(allowed('show/x', '02-patches/x'));
  assert.not(allowed('02-patches/x.ts', 'show/x'));
  assert.not(allowed('base/x', 'tf/x'));
});

test.run();
