import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../../lib/tf/backend';
import { CourseError } from '../../../../lib/base/errors';
import { loadImage } from '../../../../lib/image/image';
import { type EmbeddedId, embeddedNetworks } from '../../../../lib/model/weights/embedded-catalogue';
import { readEmbeddedNetwork } from '../../../../lib/model/weights/formats/embedded';
import { assertClose, checksFolder, readCheck, root } from '../../../helpers';

/** Bytes of the weights; side of the input; what comes out. */
const NETWORKS: Record<EmbeddedId, { bytes: number; side: number; output: (number | null)[] }> = {
  alexnet: { bytes: 4939392, side: 224, output: [null, 6, 6, 256] },
  'efficientnet-lite0': { bytes: 9262000, side: 224, output: [null, 1000] },
};
const IDS = Object.keys(NETWORKS) as EmbeddedId[];
const folderOf = (id: EmbeddedId) => path.join(root, 'data', 'models', id);
const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);

test('AlexNet 的权值：5 个卷积层，247 万个参数，形状是 TF.js 的排列', () => {
  const weights = readEmbeddedNetwork('alexnet');
  assert.equal(
    Object.entries(weights).map(([name, { shape }]) => [name, ...shape].join(' ')),
    [
      'conv1/kernel 11 11 3 64',
      'conv1/bias 64',
      'conv2/kernel 5 5 64 192',
      'conv2/bias 192',
      'conv3/kernel 3 3 192 384',
      'conv3/bias 384',
      'conv4/kernel 3 3 384 256',
      'conv4/bias 256',
      'conv5/kernel 3 3 256 256',
      'conv5/bias 256',
    ],
  );
  assert.is(sum(Object.values(weights).map(({ data }) => data.length)), 2469696);
  assert.ok(Object.values(weights).every(({ data }) => data.every(Number.isFinite) && data.some((v) => v !== 0)));
});

test('EfficientNet-Lite0 的权值：50 个卷积与全连接层，463 万个参数，形状是 TF.js 的排列', () => {
  const weights = readEmbeddedNetwork('efficientnet-lite0');
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

test('文件：每个小于 10 MB，合计的大小，清单与文件一致', () => {
  for (const id of IDS) {
    const { shards } = embeddedNetworks[id];
    const sizes = shards.map(({ name }) => fs.statSync(path.join(folderOf(id), name)).size);
    assert.ok(sizes.every((size) => size < 10e6));
    const { weightsManifest } = JSON.parse(fs.readFileSync(path.join(folderOf(id), 'model.json'), 'utf8'));
    assert.equal(
      weightsManifest[0].paths,
      shards.map(({ name }) => name),
    );
    assert.is(sum(sizes), NETWORKS[id].bytes, id);
  }
});

for (const id of IDS)
  test(`${id}：缺文件、截断、改动一位、清单损坏：各自报错，说出文件与下一步`, () => {
    const copy = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-权值 '));
    const damaged = (name: string, change: (file: string) => void) => {
      fs.cpSync(folderOf(id), copy, { recursive: true });
      change(path.join(copy, name));
      try {
        readEmbeddedNetwork(id, copy);
        assert.unreachable(`${name}：没有报错`);
      } catch (error) {
        assert.instance(error, CourseError, String(error));
        const { message } = error as Error;
        assert.ok(message.includes(name) && message.includes('git checkout'), message);
      }
    };
    for (const { name, bytes } of embeddedNetworks[id].shards) {
      damaged(name, (file) => fs.rmSync(file));
      damaged(name, (file) => fs.truncateSync(file, bytes - 1));
      damaged(name, (file) => fs.appendFileSync(file, 'x'));
      damaged(name, (file) => {
        const content = fs.readFileSync(file);
        content[bytes >> 1] ^= 1;
        fs.writeFileSync(file, content);
      });
    }
    damaged('model.json', (file) => fs.rmSync(file));
    damaged('model.json', (file) => fs.writeFileSync(file, '{}'));
    damaged('model.json', (file) => fs.truncateSync(file, 3000));
    damaged('model.json', (file) => fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('float16', 'uint8')));
    const shapeChanged = (text: string) => text.replace(/"shape":\[(\d+),/, '"shape":[1$1,');
    damaged('model.json', (file) => fs.writeFileSync(file, shapeChanged(fs.readFileSync(file, 'utf8'))));
    fs.rmSync(copy, { recursive: true });
  });

/** tf.loadLayersModel as any user of TensorFlow.js would call it, with the files read from the disk. */
async function loadStandard(id: EmbeddedId) {
  const json = JSON.parse(fs.readFileSync(path.join(folderOf(id), 'model.json'), 'utf8'));
  const data = Buffer.concat(
    json.weightsManifest[0].paths.map((name: string) => fs.readFileSync(path.join(folderOf(id), name))),
  );
  const weightData = new Uint8Array(data).buffer;
  const { modelTopology, weightsManifest } = json;
  return tf.loadLayersModel({
    load: async () => ({ modelTopology, weightSpecs: weightsManifest[0].weights, weightData }),
  });
}

test('标准的 TF.js layers 模型：tf.loadLayersModel 读得进，权值相同', async () => {
  await startBackend();
  for (const id of IDS) {
    const model = await loadStandard(id);
    const { side, output } = NETWORKS[id];
    assert.equal(model.inputs[0].shape, [null, side, side, 3]);
    assert.equal(model.outputs[0].shape, output);
    if (id === 'efficientnet-lite0') assert.equal(model.getLayer('b15').outputShape, [null, 7, 7, 320]);
    const weights = readEmbeddedNetwork(id);
    for (const variable of model.weights) {
      const expected = weights[variable.originalName.replace('depthwise_kernel', 'kernel')];
      assert.equal(variable.shape, expected.shape, variable.name);
      assertClose(await variable.read().data(), expected.data, 1e-12, variable.name);
    }
    model.dispose();
  }
});

test('标准的 TF.js layers 模型：AlexNet 的 pool5 与 PyTorch 的相同', async () => {
  await startBackend();
  const model = await loadStandard('alexnet');
  const image = await loadImage(path.join(checksFolder, 'dog-224.png'));
  const pool5 = tf.tidy(() => {
    const prepared = image.sub([0.485, 0.456, 0.406]).div([0.229, 0.224, 0.225]);
    return model.predict(prepared.expandDims(0)) as tf.Tensor;
  });
  const got = await pool5.data();
  const { index, value } = readCheck('alexnet-owt').layers.pool5;
  // PyTorch computed with float32 weights; the half floats cost 4e-4.
  assertClose(
    index.map((i) => got[i]),
    value,
    1e-3,
  );
  tf.dispose([image, pool5]);
  model.dispose();
});

test('标准的 TF.js layers 模型：EfficientNet-Lite0 给狗的前五名与 PyTorch 的相同', async () => {
  await startBackend();
  const model = await loadStandard('efficientnet-lite0');
  const image = await loadImage(path.join(checksFolder, 'dog-224.png'));
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
});

test.run();
