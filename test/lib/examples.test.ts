/**
 * Every public function has an `@example`, and every example is type-checked and executed as if it were a cell, in
 * test/example-runs.ts. An example disposes of the tensors that it makes. `EXPRESSION; // VALUE` is compared.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as library from '../../lib/index';
import { enterExamples, type Given, runExample } from '../example-runs';
import { readExamples, silentFields } from '../public-functions';

const { tf } = library;

const before = `import { ${Object.keys(library).join(', ')} } from '../lib/index';
import type { ImageModel } from '../lib/index';
declare const model: ImageModel;
declare const image: tf.Tensor3D;`;
const { functions, faults } = readExamples(before);

/** `mean([1, 2, 6]); // 3` becomes a comparison; any other comment stays one. */
const comparing = (code: string): string =>
  code.replace(/^(.+); \/\/ (-?\d[\d.]*|'.*'|\[.*\]|true|false)$/gm, 'same($1, $2);');

function same(got: unknown, expected: unknown): void {
  const plain = (value: unknown): unknown =>
    typeof value === 'number' ? Number(value.toFixed(4)) : typeof value === 'string' ? value : spread(value);
  const spread = (value: unknown) =>
    typeof value === 'object' && value !== null ? Array.from(value as ArrayLike<unknown>, plain) : value;
  assert.equal(plain(got), plain(expected));
}

test('公开的函数都有 @example', () => {
  assert.ok(functions.length > 150, `${functions.length}`);
  const without = functions.filter(({ examples }) => examples.length === 0);
  assert.equal(
    without.map(({ name, at }) => `${name} ${at}`),
    [],
  );
});

test('公开的类型，每个字段都有中文说明', () => assert.equal(silentFields(), []));

test('例子都合乎类型', () => assert.equal(faults, []));

let given: Given & { leave(): void };
test.before(async () => void (given = await enterExamples()));
test.after(() => given.leave());

for (const { name, examples } of functions) {
  for (const [i, code] of examples.entries()) {
    test(`${name} 的例子${examples.length > 1 ? ` ${i + 1}` : ''}`, async () => {
      const { numTensors } = tf.memory();
      await runExample(comparing(code), { ...library, ...given, same });
      assert.is(tf.memory().numTensors, numTensors, '例子没有释放它的全部张量');
    });
  }
}

test.run();
