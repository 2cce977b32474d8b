import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { randomGenerator } from '../../../../lib/base/random';
import { shared } from '../../../../lib/base/state';
import { loadCourseModel } from '../../../../lib/course/course-model';
import { loadModel } from '../../../../lib/model/networks/load';
import { networkFiles } from '../../../../lib/model/weights/catalogue';
import { decodeAlexNetTrunk } from '../../../../lib/model/weights/formats/quantized-cnn';
import type { NamedWeights } from '../../../../lib/model/weights/formats/weights';
import type { DownloadSettings } from '../../../../lib/model/weights/settings';
import { gitBlobId } from '../../../../lib/model/weights/verify';
import { collect } from '../../../../lib/show/sink';
import { startBackend, tf } from '../../../../lib/tf/backend';
import { emptyFolder } from './download-server';
import { same } from './format-damage';
import { syntheticLayer } from './weight-encoders';

/**
 * The real files cannot be had here. What stands in for them is made from compressed weights (made up as well): every
 * number moved by a fifth of the numbers' spread, in the files' own order, under hashes that the catalogue is given.
 */
const trunk = new Map(['01', '05', '09', '11', '13'].flatMap((n, i) => [...syntheticLayer(n, 40 + i).files]));
const quantised = decodeAlexNetTrunk(trunk);
const random = randomGenerator(7);

function moved(data: Float32Array): Float32Array {
  const spread = Math.sqrt(data.reduce((sum, v) => sum + v * v, 0) / data.length);
  return data.map((v) => v + 0.2 * spread * random.normal());
}

const exact: NamedWeights = Object.fromEntries(
  Object.entries(quantised).map(([name, { data, shape }]) => [name, { data: moved(data), shape }]),
);

/** Outputs `from` to `to` of a kernel. */
function part({ data, shape }: NamedWeights[string], from: number, to: number): Float32Array {
  const outputs = shape[3];
  return data.filter((_, i) => i % outputs >= from && i % outputs < to);
}

/** [11, 11, 3, 96] with the three channels the other way round. */
const bgr = (data: Float32Array) => data.map((_, i) => data[i + 96 * (2 - 2 * (Math.floor(i / 96) % 3))]);

/** The files: 14 arrays one behind the other, then more, cut into three of 4 MiB. */
function written(weights: NamedWeights, groups: readonly [number, number] = [0, 1]): Buffer[] {
  const group = (layer: string, n: 0 | 1) => {
    const kernel = weights[`${layer}/kernel`];
    const half = kernel.shape[3] / 2;
    return part(kernel, half * groups[n], half * (groups[n] + 1));
  };
  const of = (name: string) => weights[name].data;
  const arrays = [
    ...[group('conv5', 0), group('conv4', 0), group('conv2', 0), of('conv1/kernel'), of('conv1/bias')],
    ...[group('conv2', 1), of('conv2/bias'), of('conv3/kernel'), of('conv3/bias'), group('conv4', 1)],
    ...[of('conv4/bias'), group('conv5', 1), Int32Array.of(7), of('conv5/bias'), new Float32Array(811647)],
  ];
  const bytes = Buffer.concat(arrays.map((a) => Buffer.from(a.buffer, a.byteOffset, a.byteLength)));
  assert.is(bytes.length, 3 * 4194304);
  return [0, 1, 2].map((i) => bytes.subarray(i * 4194304, (i + 1) * 4194304));
}

let folder: string;
test.before(async () => {
  await startBackend();
});
test.before.each(() => {
  folder = emptyFolder();
  delete shared<{ failed?: unknown }>('alexnet-2012-full', () => ({})).failed;
  for (const file of networkFiles['alexnet-2012'].files) {
    const content = trunk.get(file.name)!;
    Object.assign(file, { bytes: content.length, sha256: undefined, gitBlob: gitBlobId(content) });
    fs.writeFileSync(path.join(folder, file.name), content);
  }
});
test.after.each(() => fs.rmSync(folder, { recursive: true, force: true }));

/** Puts them into the folder; the catalogue expects `right`. */
function put(files: Buffer[], right = files): void {
  networkFiles['alexnet-2012-full'].files.forEach((file, i) => {
    Object.assign(file, { gitBlob: gitBlobId(right[i]) });
    fs.writeFileSync(path.join(folder, file.name), files[i]);
  });
}

async function load(changes: Partial<DownloadSettings> = { offline: true }) {
  const settings = { cache: path.join(folder, 'cache'), folder, mirror: undefined, ...changes };
  const model = await loadModel('alexnet-2012', { head: false, settings });
  const kernels: Record<string, Float32Array> = {};
  for (const layer of ['conv1', 'conv2', 'conv3', 'conv4', 'conv5']) {
    const [kernel, bias] = model.network.getLayer(layer).getWeights();
    Object.assign(kernels, { [`${layer}/kernel`]: await kernel.data(), [`${layer}/bias`]: await bias.data() });
  }
  model.dispose();
  return { model, kernels };
}

function hasWeights(got: Record<string, Float32Array>, expected: NamedWeights): void {
  for (const [name, { data }] of Object.entries(expected)) same(got[name], data, name);
}

const NOTE = /完整精度的权值：校验和相符，第一层 96 个卷积核与压缩版的相关系数都不低于 0\.9\d/;

test('完整精度：核对通过就用它，每个数都在原处', async () => {
  put(written(exact));
  const before = tf.memory().numTensors;
  const { model, kernels } = await load();
  hasWeights(kernels, exact);
  assert.is(model.title, 'AlexNet 2012（BVLC）');
  assert.is(model.weightsId, 'full-1');
  assert.match(model.notes[0], NOTE);
  assert.not.match(model.notes[0], /BGR/);
  assert.not.match(model.notes.join(), /128 种颜色/);
  assert.is(tf.memory().numTensors, before);
});

test('通道是 BGR、两组倒过来，都由核对找出来', async () => {
  const conv1 = { ...exact['conv1/kernel'], data: bgr(exact['conv1/kernel'].data) };
  put(written({ ...exact, 'conv1/kernel': conv1 }, [1, 0]));
  const { model, kernels } = await load();
  hasWeights(kernels, exact);
  assert.match(model.notes[0], /BGR，已翻成 RGB/);
});

const UNPROVEN = /^完整精度的权值没有通过核对，所以用压缩版：/;

test('打乱的卷积核、不像的一层、不是数的值：用压缩版，并说明', async () => {
  const changed = (name: string, change: (data: Float32Array) => Float32Array) => ({
    ...exact,
    [name]: { ...exact[name], data: change(exact[name].data) },
  });
  const cases: [NamedWeights, RegExp][] = [
    [changed('conv1/kernel', (data) => data.map((_, i) => data[i % 96 ? i - 1 : i + 95])), /conv1\/kernel 与压缩版的相关系数/],
    // Two of 96 exchanged: the layer as a whole looks right.
    [changed('conv1/kernel', (data) => data.map((v, i) => (i % 96 === 3 ? data[i + 1] : i % 96 === 4 ? data[i - 1] : v))), /96 个卷积核里有 2 个不像/],
    [changed('conv4/kernel', (data) => data.map(() => random.normal())), /conv4\/kernel 与压缩版的相关系数是 -?0\.0/],
    [changed('conv3/kernel', (data) => data.map((v) => v / 255)), /conv3\/kernel .*长度之比 0\.00/],
    [changed('conv5/bias', (data) => data.map((v, i) => (i === 9 ? NaN : v))), /有限的数/],
  ]; // prettier-ignore
  for (const [weights, why] of cases) {
    put(written(weights));
    const { model, kernels } = await load();
    hasWeights(kernels, quantised);
    assert.match(model.notes[0], UNPROVEN);
    assert.match(model.notes[0], why);
    assert.match(model.title, /压缩版/);
    assert.is(model.weightsId, '1');
  }
});

test('校验和不对：用压缩版，单元格里说出来；缓存里没有它', async () => {
  const right = written(exact);
  const wrong = right.map((file) => Buffer.from(file));
  wrong[1][1000] ^= 1;
  put(wrong, right);
  const { model, kernels } = await load();
  hasWeights(kernels, quantised);
  assert.match(model.notes[0], UNPROVEN);
  assert.match(model.notes[0], /shard2of59.*校验和不对/);
  const settings = { cache: path.join(folder, 'cache'), folder, offline: true };
  const sent = await collect(() => loadCourseModel('alexnet-2012', { head: false, settings }));
  // On a busy machine the progress is shown as well.
  assert.is(sent.filter(({ data }) => UNPROVEN.test(String(data['text/plain']))).length, 1);
});

test('没有这些文件：不说什么；连不上的主机每个文件只问一次，不久等；full: false 根本不问', async () => {
  const offline = await load();
  hasWeights(offline.kernels, quantised);
  assert.match(offline.model.notes[0], /压缩版.*128 种颜色/);

  let asked = 0;
  const never: typeof fetch = (_, init) =>
    new Promise((_resolve, reject) => {
      asked++;
      init!.signal!.addEventListener('abort', () => reject(new Error('aborted')));
    });
  const net = { offline: false, fetch: never };
  const model = await loadModel('alexnet-2012', {
    head: false,
    full: false,
    settings: { folder, cache: folder, ...net },
  });
  model.dispose();
  assert.is(asked, 0);
  for (let run = 0; run < 2; run++) {
    const { kernels, model } = await load(net);
    hasWeights(kernels, quantised);
    assert.not.match(model.notes[0], UNPROVEN);
    assert.is(asked, 3 * 2, '三个文件，两个主机，各一次');
  }
});

test.run();
