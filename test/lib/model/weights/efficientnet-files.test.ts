import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../../lib/tf/backend';
import { CourseError } from '../../../../lib/base/errors';
import { loadImage } from '../../../../lib/image/image';
import { embeddedShards } from '../../../../lib/model/weights/catalogue';
import { readEmbeddedEfficientNet } from '../../../../lib/model/weights/formats/embedded';
import { assertClose, checksFolder, readCheck, root, withModels } from '../../../helpers';

const folder = path.join(root, 'data', 'models', 'efficientnet-lite0');

test('权值：50 个卷积与全连接层，463 万个参数，形状是 TF.js 的排列', () => {
  const weights = readEmbeddedEfficientNet();
  const names = Object.keys(weights);
  assert.is(names.length, 100);
  const shapes = Object.fromEntries(names.map((name) => [name, weights[name].shape]));
  assert.equal(shapes['stem/kernel'], [3, 3, 3, 32]);
  assert.equal(shapes['b0/dw/kernel'], [3, 3, 32, 1]);
  assert.equal(shapes['b1/expand/kernel'], [1, 1, 16, 96]);
  assert.equal(shapes['b3/dw/kernel'], [5, 5, 144, 1]);
  assert.equal(shapes['b15/proj/kernel'], [1, 1, 1152, 320]);
  assert.equal(shapes['head/kernel'], [1, 1, 320, 1280]);
  assert.equal(shapes['fc/kernel'], [1280, 1000]);
  assert.not.ok('b0/expand/kernel' in shapes, '第一块不扩张');
  let count = 0;
  for (const name of names) {
    const { data, shape } = weights[name];
    assert.is(
      data.length,
      shape.reduce((a, b) => a * b, 1),
      name,
    );
    assert.ok(data.every(Number.isFinite) && data.some((v) => v !== 0), name);
    assert.ok(name.endsWith('/bias') === (shape.length === 1), name);
    count += data.length;
  }
  assert.is(count, 4631000);
});

test('文件：每个小于 10 MB，合计 9.26 MB，清单与文件一致', () => {
  const sizes = embeddedShards.map(({ name }) => fs.statSync(path.join(folder, name)).size);
  assert.ok(sizes.every((size) => size < 10e6));
  assert.is(
    sizes.reduce((a, b) => a + b),
    9262000,
  );
  const { weightsManifest } = JSON.parse(fs.readFileSync(path.join(folder, 'model.json'), 'utf8'));
  assert.equal(
    weightsManifest[0].paths,
    embeddedShards.map(({ name }) => name),
  );
});

test('缺文件、截断、改动一位、清单损坏：各自报错，说出文件与下一步', () => {
  const copy = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-权值 '));
  const damaged = (name: string, change: (file: string) => void) => {
    fs.cpSync(folder, copy, { recursive: true });
    change(path.join(copy, name));
    try {
      readEmbeddedEfficientNet(copy);
      assert.unreachable(`${name}：没有报错`);
    } catch (error) {
      assert.instance(error, CourseError, String(error));
      const { message } = error as Error;
      assert.ok(message.includes(name) && message.includes('git checkout'), message);
    }
  };
  for (const { name, bytes } of embeddedShards) {
    damaged(name, (file) => fs.rmSync(file));
    damaged(name, (file) => fs.truncateSync(file, bytes - 1));
    damaged(name, (file) => fs.appendFileSync(file, 'x'));
    damaged(name, (file) => {
      const content = fs.readFileSync(file);
      content[12345] ^= 1;
      fs.writeFileSync(file, content);
    });
  }
  damaged('model.json', (file) => fs.rmSync(file));
  damaged('model.json', (file) => fs.writeFileSync(file, '{}'));
  damaged('model.json', (file) => fs.truncateSync(file, 30000));
  damaged('model.json', (file) => fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('float16', 'uint8')));
  const shapeChanged = (text: string) => text.replace('[1280,1000]', '[1280,999]');
  damaged('model.json', (file) => fs.writeFileSync(file, shapeChanged(fs.readFileSync(file, 'utf8'))));
  fs.rmSync(copy, { recursive: true });
});

/** tf.loadLayersModel as any user of TensorFlow.js would call it, with the files read from the disk. */
async function loadStandard() {
  const json = JSON.parse(fs.readFileSync(path.join(folder, 'model.json'), 'utf8'));
  const data = Buffer.concat(
    json.weightsManifest[0].paths.map((name: string) => fs.readFileSync(path.join(folder, name))),
  );
  const weightData = new Uint8Array(data).buffer;
  const { modelTopology, weightsManifest } = json;
  return tf.loadLayersModel({
    load: async () => ({ modelTopology, weightSpecs: weightsManifest[0].weights, weightData }),
  });
}

test('标准的 TF.js layers 模型：tf.loadLayersModel 读得进，权值相同', async () => {
  await startBackend();
  const model = await loadStandard();
  assert.equal(model.inputs[0].shape, [null, 224, 224, 3]);
  assert.equal(model.outputs[0].shape, [null, 1000]);
  assert.equal(model.getLayer('b15').outputShape, [null, 7, 7, 320]);
  const weights = readEmbeddedEfficientNet();
  for (const variable of model.weights) {
    const expected = weights[variable.name.replace('depthwise_kernel', 'kernel')];
    assert.equal(variable.shape, expected.shape, variable.name);
    assertClose(await variable.read().data(), expected.data, 1e-12, variable.name);
  }
  model.dispose();
});

withModels(
  test,
  '标准的 TF.js layers 模型：狗的前五名与 PyTorch 的相同',
  async () => {
    await startBackend();
    const model = await loadStandard();
    const image = await loadImage(path.join(checksFolder!, 'dog-224.png'));
    const logits = tf.tidy(() => model.predict(image.mul(255).sub(127).div(128).expandDims(0)) as tf.Tensor);
    const got = await logits.data();
    const { top5 } = readCheck('lite0');
    const order = Array.from(got.keys()).sort((a, b) => got[b] - got[a]);
    assert.equal(
      order.slice(0, 5),
      top5.map(({ index }) => index),
    );
    assertClose(
      top5.map(({ index }) => got[index]),
      top5.map(({ logit }) => logit),
      1e-4,
    );
    tf.dispose([image, logits]);
    model.dispose();
  },
  checksFolder,
);

test.run();
