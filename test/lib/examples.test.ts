/**
 * Every public function has an `@example`, and every example is type-checked and executed as if it were a cell: all
 * that lib exports is there, and `model`, a network of 1000 classes so small that nothing takes long, and `image`, a
 * photo of its size; the folder that it runs in has a folder of photos, 我的照片. An example disposes of the tensors that
 * it makes. `EXPRESSION; // VALUE` is compared.
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { transformSync } from 'esbuild';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as library from '../../lib/index';
import { root } from '../helpers';
import { readExamples } from '../public-functions';

const { fromLayersModel, loadImage, photo, setSink, startBackend, tf } = library;

const before = `import { ${Object.keys(library).join(', ')} } from '../lib/index';
import type { ImageModel } from '../lib/index';
declare const model: ImageModel;
declare const image: tf.Tensor3D;`;
const { functions, faults } = readExamples(before);

function smallNetwork(): library.ImageModel {
  const init = (seed: number) => ({ kernelInitializer: tf.initializers.heNormal({ seed }) });
  const network = tf.sequential({
    layers: [
      tf.layers.conv2d({ inputShape: [64, 64, 3], filters: 8, kernelSize: 5, strides: 2, padding: 'same', activation: 'relu', name: 'conv1', ...init(1) }), // prettier-ignore
      tf.layers.maxPooling2d({ poolSize: 2, name: 'pool1' }),
      tf.layers.conv2d({ filters: 16, kernelSize: 3, padding: 'same', activation: 'relu', name: 'conv2', ...init(2) }),
      tf.layers.conv2d({ filters: 16, kernelSize: 3, padding: 'same', activation: 'relu', name: 'conv3', ...init(3) }),
      tf.layers.maxPooling2d({ poolSize: 2, name: 'pool3' }),
      tf.layers.flatten({ name: 'flat' }),
      tf.layers.dense({ units: 1000, name: 'scores', ...init(4) }),
      tf.layers.softmax({ name: 'softmax' }),
    ],
  });
  return fromLayersModel(network, { classes: library.imageNetClasses() });
}

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

/** In a block of its own, so that it may define `model` or `image` itself. */
async function execute(code: string, given: Record<string, unknown>): Promise<void> {
  const options = { loader: 'ts', target: 'es2022' } as const;
  const script = transformSync(`async () => {{ ${comparing(code)}\n }}`, options)
    .code.trim()
    .replace(/;$/, '');
  const names = { ...library, ...given, same };
  const run = new Function(...Object.keys(names), `return ${script}`)(...Object.values(names)) as () => Promise<void>;
  await run();
}

test('公开的函数都有 @example', () => {
  assert.ok(functions.length > 150, `${functions.length}`);
  const without = functions.filter(({ examples }) => examples.length === 0);
  assert.equal(
    without.map(({ name, at }) => `${name} ${at}`),
    [],
  );
});

test('例子都合乎类型', () => assert.equal(faults, []));

let given: { model: library.ImageModel; image: library.tf.Tensor3D };
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'examples-'));
test.before(async () => {
  // Where a notebook's relative paths start.
  delete process.env.NOTEBOOK_DIR;
  process.chdir(folder);
  fs.mkdirSync(path.join(folder, '我的照片'));
  fs.copyFileSync(photo('panda').path, path.join(folder, '我的照片', 'panda.jpg'));
  await startBackend();
  given = { model: smallNetwork(), image: await loadImage(photo('red-panda').path, { size: 64 }) };
});
test.after(() => {
  library.dispose(given.model, given.image);
  process.chdir(root);
  fs.rmSync(folder, { recursive: true });
});

for (const { name, examples } of functions) {
  for (const [i, code] of examples.entries()) {
    test(`${name} 的例子${examples.length > 1 ? ` ${i + 1}` : ''}`, async () => {
      const previous = setSink(() => undefined);
      const { numTensors } = tf.memory();
      try {
        await execute(code, given);
      } finally {
        setSink(previous);
      }
      assert.is(tf.memory().numTensors, numTensors, '例子没有释放它的全部张量');
    });
  }
}

test.run();
