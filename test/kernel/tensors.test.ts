import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Image, createCanvas } from 'canvas';
import { Kernel } from './client';

let kernel: Kernel;
test.before(async () => {
  kernel = await Kernel.start();
  await kernel.value(
    "import * as tf from '@tensorflow/tfjs';\ntf.env().set('PROD', true);\nawait tf.setBackend('cpu');",
  );
});
test.after(() => kernel.stop());

async function pixels(base64: string) {
  const image = new Image();
  image.src = Buffer.from(base64, 'base64');
  await image.decode?.();
  const canvas = createCanvas(image.width, image.height);
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  const at = (x: number, y: number) => Array.from(data.slice(4 * (y * image.width + x), 4 * (y * image.width + x) + 4));
  return { width: image.width, height: image.height, at };
}

test('an image tensor is shown as that image', async () => {
  const cell = await kernel.run(
    'const picture = tf.tidy(() => tf.stack([tf.ones([200, 300]), tf.zeros([200, 300]), tf.fill([200, 300], 0.5)], 2)); picture',
  );
  const { width, height, at } = await pixels(cell.data!['image/png']);
  assert.equal([width, height], [300, 200]);
  assert.equal(at(150, 100), [255, 0, 128, 255]);
  assert.match(cell.text!, 'float32 [200, 300, 3]');
});

test('a small image is enlarged without smoothing', async () => {
  const cell = await kernel.run('tf.tensor3d(Array.from({ length: 16 }, (_, i) => (i === 5 ? 1 : 0)), [4, 4, 1])');
  const { width, at } = await pixels(cell.data!['image/png']);
  assert.is(width % 4, 0);
  assert.ok(width >= 128);
  const zoom = width / 4;
  assert.is(at(zoom, zoom)[0], 255);
  assert.is(at(2 * zoom - 1, 2 * zoom - 1)[0], 255);
  assert.is(at(zoom - 1, zoom)[0], 0);
});

test('a small batch is shown side by side', async () => {
  const cell = await kernel.run('tf.ones([3, 160, 160, 3])');
  const { width, height } = await pixels(cell.data!['image/png']);
  assert.equal([width, height], [3 * 160 + 2 * 4, 160]);
});

test('any other tensor: shape, type, a few values', async () => {
  assert.is(await kernel.value('tf.range(0, 6).reshape([2, 3])'), 'Tensor float32 [2, 3]\n[[0, 1, 2],\n [3, 4, 5]]');
  assert.is(await kernel.value('tf.scalar(1.5)'), 'Tensor float32 []\n1.5');
  const large = (await kernel.run('tf.range(0, 1000)')).text!;
  assert.match(large, 'Tensor float32 [1000]');
  assert.match(large, '最小 0，最大 999，平均 499.5');
  for (const code of [
    'tf.fill([8, 8, 3], 2)',
    'tf.fill([8, 8, 3], NaN)',
    'tf.ones([8, 8, 5])',
    "tf.ones([8, 8, 3], 'int32')",
  ]) {
    const { data } = await kernel.run(code);
    assert.equal(Object.keys(data!), ['text/plain'], code);
  }
  assert.match((await kernel.run('tf.fill([8, 8, 3], NaN)')).text!, 'NaN');
  assert.is(await kernel.value("tf.tensor(['a', '中'])"), 'Tensor string [2]\n[a, 中]');
});

test('never internals: inside values, in console.log, after dispose', async () => {
  assert.is(
    await kernel.value('({ a: tf.ones([20, 20]), b: [tf.scalar(2)] })'),
    '{ a: Tensor float32 [20, 20], b: [ Tensor float32 [] [2] ] }',
  );
  assert.is(
    (await kernel.run('console.log(tf.zeros([2]), [tf.ones([9, 9])])')).stdout,
    'Tensor float32 [2]\n[0, 0] [ Tensor float32 [9, 9] ]\n',
  );
  assert.is(await kernel.value('const gone = tf.ones([2]); gone.dispose(); gone'), 'Tensor float32 [2]（已释放）');
  assert.is(await kernel.value('tf.variable(tf.scalar(1))'), 'Variable float32 []\n1');
});

test('showing a tensor leaves no tensor behind', async () => {
  const before = await kernel.value('tf.memory().numTensors');
  await kernel.run('picture');
  await kernel.run('[picture]');
  assert.is(await kernel.value('tf.memory().numTensors'), before);
});

test.run();
