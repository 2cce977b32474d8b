import * as fs from 'node:fs';
import * as http from 'node:http';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { filterImages } from '../../../lib/01-filters/filters';
import { explainRule } from '../../../lib/05-deconv/explain-rule';
import { inputGradient } from '../../../lib/05-deconv/gradients';
import { classify } from '../../../lib/model/classify';
import type { ImageModel } from '../../../lib/model/model';
import { classScore } from '../../../lib/06-optimization/objectives';
import { maximize } from '../../../lib/06-optimization/optimize';
import { occlusionMap } from '../../../lib/04-occlusion/occlusion';
import { loadOwnModel } from '../../../lib/09-your-own/load';
import { fromLayersModel } from '../../../lib/09-your-own/from-layers';
import { saveOwnModel } from '../../../lib/09-your-own/save';
import { invert } from '../../../lib/07-inversion/inversion';
import { targeted } from '../../../lib/08-adversarial/attacks';
import { assertClose, failure, leakFree } from '../../helpers';
import { saveGraph } from '../../saved-networks';

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-own-'));
const folder = (name: string) => path.join(scratch, name);
const picture = () => tf.randomUniform<tf.Rank.R3>([8, 8, 3], 0, 1, 'float32', 4);

/** A stock network, which both folders hold: conv with ReLU, pool, conv with bias and ReLU6, flatten, dense, softmax. */
function stock(): tf.Sequential {
  const seeded = (seed: number) => tf.initializers.randomUniform({ minval: -0.5, maxval: 0.5, seed });
  return tf.sequential({
    layers: [
      tf.layers.conv2d({ name: 'first', inputShape: [8, 8, 3], filters: 4, kernelSize: 3, activation: 'relu', kernelInitializer: seeded(1), biasInitializer: seeded(5) }),
      tf.layers.maxPooling2d({ name: 'pool', poolSize: 2, strides: 2 }),
      tf.layers.conv2d({ name: 'second', filters: 5, kernelSize: 2, activation: 'relu6', kernelInitializer: seeded(2), biasInitializer: seeded(6) }),
      tf.layers.flatten({ name: 'flat' }),
      tf.layers.dense({ name: 'answer', units: 3, activation: 'softmax', kernelInitializer: seeded(3), biasInitializer: seeded(7) }),
    ],
  }); // prettier-ignore
}

let network: tf.Sequential;
let reference: ImageModel;
test.before(async () => {
  await startBackend();
  network = stock();
  reference = fromLayersModel(network);
  assert.is(await saveOwnModel(network, folder('层')), path.join(folder('层'), 'model.json'));
  saveGraph(network, folder('图'));
});
test.after(() => fs.rmSync(scratch, { recursive: true }));

const scores = async (model: ImageModel, image: tf.Tensor3D) =>
  (await classify(model, image, { count: 3 })).sort((a, b) => a.index - b.index).map(({ logit }) => logit);

for (const kind of ['层', '图']) {
  test(`${kind}：一个文件夹，得分、激活值、三种规则的梯度都与原来的网络相同`, async () => {
    const model = await loadOwnModel(folder(kind), { classes: ['猫', '狗', '鱼'] });
    assert.is(model.title, kind);
    const image = picture();
    assertClose(await scores(model, image), await scores(reference, image), 1e-5);
    for (const rule of ['backprop', 'deconv', 'guided'] as const) {
      const [got, expected] = [model, reference].map((m) => inputGradient(m, image, { class: 1 }, { rule }));
      assertClose(got.dataSync(), expected.dataSync(), 1e-4, rule);
      tf.dispose([got, expected]);
    }
    const [got, expected] = [model, reference].map((m) => m.activations(image, m.roles.lastPool));
    assertClose(got.dataSync(), expected.dataSync(), 1e-5);
    tf.dispose([got, expected, image]);
    model.dispose();
  });
}

test('GraphModel 的层：角色、感受野、卷积核、规则改到哪些 ReLU', async () => {
  const model = await loadOwnModel(folder('图'));
  assert.equal(model.roles, {
    firstConv: 'first',
    lastConv: 'second',
    lastPool: 'pool',
    features: 'flat',
    logits: 'answer',
    stages: ['first', 'pool', 'second', 'second/bias_add', 'second/relu'],
  });
  const field = (name: string) => model.layers.find((l) => l.name === name)!.receptiveField;
  assert.equal(field('second'), { size: 6, stride: 2, offset: 0 });
  assert.equal(field('second/relu'), { size: 6, stride: 2, offset: 0 });
  assert.is(field('flat'), undefined);
  const [got, expected] = [model, reference].map((m) => filterImages(m));
  assertClose(got.dataSync(), expected.dataSync(), 1e-6);
  tf.dispose([got, expected]);
  assert.equal(explainRule(model, { class: 1 }).relus, ['first', 'second/relu']);
  model.dispose();
});

test('GraphModel：遮挡、最大化、反演、对抗样本都能用，不泄漏', async () => {
  const model = await loadOwnModel(folder('图'));
  const image = picture();
  await leakFree(async () => {
    const [got, expected] = await Promise.all(
      [model, reference].map((m) => occlusionMap(m, image, { class: 0 }, { size: 3, stride: 2 })),
    );
    assertClose(got.logit.dataSync(), expected.logit.dataSync(), 1e-4);
    return [got, expected];
  });
  await leakFree(() => maximize(model, classScore(1), { steps: 3, seed: 1 }));
  await leakFree(() => invert(model, image, 'pool', { steps: 3, seed: 1 }));
  const last = (await classify(model, image)).at(-1)!.index;
  await leakFree(() => targeted(model, image, { class: last }, { epsilon: 0.1, steps: 3 }));
  image.dispose();
  model.dispose();
});

test('载入再释放：张量一个不多', async () => {
  for (const kind of ['层', '图'])
    await leakFree(async () => {
      const model = await loadOwnModel(folder(kind));
      const image = picture();
      await classify(model, image);
      image.dispose();
      model.dispose();
    });
});

test('嵌套的网络载入再释放：里面的权值也不留下', async () => {
  const { conv2d, globalAveragePooling2d, dense } = tf.layers;
  const base = tf.sequential({
    layers: [conv2d({ inputShape: [8, 8, 3], filters: 2, kernelSize: 3 }), globalAveragePooling2d({})],
  });
  const head = tf.sequential({
    layers: [dense({ inputShape: [2], units: 3 }), dense({ units: 2, activation: 'softmax' })],
  });
  const place = path.join(scratch, '嵌套');
  await saveOwnModel(tf.sequential({ layers: [base, head] }), place);
  await leakFree(async () => (await loadOwnModel(place)).dispose());
});

test('同名的权值、BOM、网页、NaN：说明白，不留张量', async () => {
  const changed = (
    name: string,
    change: (json: { weightsManifest: { weights: { name: string }[] }[] }) => string,
    bytes = (b: Buffer) => b,
  ) => {
    const place = path.join(scratch, name);
    fs.mkdirSync(place);
    fs.writeFileSync(
      path.join(place, 'model.json'),
      change(JSON.parse(fs.readFileSync(path.join(folder('层'), 'model.json'), 'utf8'))),
    );
    fs.writeFileSync(path.join(place, 'weights.bin'), bytes(fs.readFileSync(path.join(folder('层'), 'weights.bin'))));
    return place;
  };
  const twice = changed('同名', (json) => {
    const [first, second] = json.weightsManifest[0].weights;
    second.name = first.name;
    return JSON.stringify(json);
  });
  await leakFree(async () => assert.match((await failure(() => loadOwnModel(twice))).message, /权值/));
  const marked = changed('有 BOM', (json) => `\ufeff${JSON.stringify(json)}`);
  await leakFree(async () => (await loadOwnModel(marked)).dispose());
  const page = changed('网页', () => '<!DOCTYPE html>');
  assert.match((await failure(() => loadOwnModel(page))).message, /不是 JSON.*网页/);
  const diverged = changed(
    '发散',
    (json) => JSON.stringify(json),
    (b) => Buffer.from(new Float32Array(b.length / 4).fill(NaN).buffer),
  );
  await leakFree(async () => {
    const [model, image] = [await loadOwnModel(diverged), picture()];
    assert.match((await failure(() => classify(model, image))).message, /NaN.*训练发散/);
    image.dispose();
    model.dispose();
  });
});

test('载入失败：张量一个不多', async () => {
  const broken = path.join(scratch, '坏图');
  fs.cpSync(folder('图'), broken, { recursive: true });
  const file = path.join(broken, 'model.json');
  const saved = JSON.parse(fs.readFileSync(file, 'utf8'));
  for (const modelTopology of [
    { node: '不是数组' },
    { ...saved.modelTopology, node: saved.modelTopology.node.slice(0, 3) },
  ]) {
    fs.writeFileSync(file, JSON.stringify({ ...saved, modelTopology }));
    await leakFree(() => failure(() => loadOwnModel(broken)));
  }
});

test('网址也行', async () => {
  const server = http.createServer((request, response) => {
    const file = path.join(scratch, decodeURIComponent(request.url!));
    if (!fs.existsSync(file)) response.writeHead(404);
    response.end(fs.existsSync(file) ? fs.readFileSync(file) : '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  const image = picture();
  for (const address of [`${base}/层`, `${base}/${encodeURIComponent('图')}/model.json`]) {
    const model = await loadOwnModel(address);
    assertClose(await scores(model, image), await scores(reference, image), 1e-5);
    model.dispose();
  }
  assert.match((await failure(() => loadOwnModel(`${base}/没有`))).message, /404/);
  image.dispose();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test('存不进去：说明为什么', async () => {
  fs.writeFileSync(folder('文件'), 'x');
  assert.match((await failure(() => saveOwnModel(network, folder('文件')))).message, /写不进.*请换一个文件夹/s);
  assert.match((await failure(() => saveOwnModel(reference as never, folder('课程')))).message, /LayersModel/);
});

test('读不出来的文件夹：说明差什么', async () => {
  const message = async (place: string) => (await failure(() => loadOwnModel(place))).message;
  assert.match(await message(folder('没有')), /没有这个文件.*model\.json/s);
  fs.cpSync(folder('层'), folder('不全'), { recursive: true });
  const bin = fs.readdirSync(folder('不全')).find((name) => name.endsWith('.bin'))!;
  fs.truncateSync(path.join(folder('不全'), bin), 10);
  assert.match(await message(folder('不全')), /10 字节，应为 \d+ 字节/);
  fs.rmSync(path.join(folder('不全'), bin));
  assert.match(await message(folder('不全')), new RegExp(`${bin}：没有这个文件`));
  fs.mkdirSync(folder('别的'));
  fs.writeFileSync(path.join(folder('别的'), 'model.json'), '{"a": 1}');
  assert.match(await message(folder('别的')), /不是保存的网络/);
  fs.writeFileSync(path.join(folder('别的'), 'model.json'), '{"a"');
  assert.match(await message(folder('别的')), /读不出/);
  assert.match(await message(''), /文件夹或网址/);
  const wrong = await failure(() => loadOwnModel(folder('图'), { classes: ['一'] }));
  assert.match(wrong.message, /3 个输出.*1 个名字/);
});

test.run();
