import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fetchNetworkFiles } from '../../../../lib/model/weights/download';
import { CourseError } from '../../../../lib/base/errors';
import { networkFiles } from '../../../../lib/model/weights/catalogue';
import { decodeSqueezeNet } from '../../../../lib/model/weights/formats/deep-compression';
import { decodeAlexNetHead, decodeAlexNetTrunk } from '../../../../lib/model/weights/formats/quantized-cnn';
import { readCodeFile, readFloatFile } from '../../../../lib/model/weights/formats/quantized-cnn-files';
import { randomGenerator } from '../../../../lib/base/random';
import { modelsFolder, withNetworks } from '../../../helpers';
import { assertDamaged, mutate, same, survivesMutations } from './format-damage';
import { encodeCodeFile, encodeFloatFile, syntheticLayer } from './weight-encoders';

test('Quantized-CNN：1 到 8 位的码，跨块，编码再解码一位不差', () => {
  const random = randomGenerator(6);
  for (let bits = 1; bits <= 8; bits++) {
    const perBlock = Math.floor(32768 / bits);
    for (const count of [1, 7, perBlock - 1, perBlock, perBlock + 1]) {
      const codes = Uint8Array.from({ length: count }, () => random.integer(1 << bits));
      const read = readCodeFile('x.cbn', encodeCodeFile([1, count], bits, codes));
      assert.equal([read.shape, read.bits], [[1, count], bits]);
      same(read.codes, codes, `${bits} 位`);
    }
  }
});

test('Quantized-CNN：截断、加长、填充位、位数、形状各自报错', () => {
  const codes = encodeCodeFile(
    [3, 5],
    5,
    Uint8Array.from({ length: 15 }, (_, i) => i * 2),
  );
  const floats = encodeFloatFile([2, 3], Float32Array.of(1, 2, 3, 4, 5, 6));
  for (let n = 0; n < floats.length; n++) {
    assertDamaged(() => readFloatFile('x.bin', floats.subarray(0, n)), /x\.bin/, `.bin 的 ${n} 字节`);
  }
  for (const n of [0, 3, 4, 11, 12, 15, 16, 17, codes.length - 1]) {
    assertDamaged(() => readCodeFile('x.cbn', codes.subarray(0, n)), /x\.cbn/, `.cbn 的 ${n} 字节`);
  }
  assertDamaged(() => readCodeFile('x.cbn', new Uint8Array([...codes, 0])), /字节/, '.cbn 加长');
  assertDamaged(() => readFloatFile('x.bin', new Uint8Array([...floats, 0])), /字节/, '.bin 加长');
  // Every single padding bit behind the 75 used ones.
  for (const bit of [75, 76, 79, 80, 100, 20000, 32767]) {
    const copy = codes.slice();
    copy[16 + (bit >> 3)] |= 128 >> (bit & 7);
    assertDamaged(() => readCodeFile('x.cbn', copy), /填充位/, `第 ${bit} 位`);
  }
  for (const bits of [0, 9, -1]) {
    const copy = codes.slice();
    new DataView(copy.buffer).setInt32(12, bits, true);
    assertDamaged(() => readCodeFile('x.cbn', copy), /位/, `${bits} 位`);
  }
  for (const size of [0, -1, 0x7fffffff]) {
    const copy = floats.slice();
    new DataView(copy.buffer).setInt32(4, size, true);
    assertDamaged(() => readFloatFile('x.bin', copy), /形状/, `形状 ${size}`);
  }
});

test('Quantized-CNN：300 次随机损坏，只会是 CourseError 或形状正确的结果', () => {
  const codes = encodeCodeFile(
    [9, 40],
    7,
    Uint8Array.from({ length: 360 }, (_, i) => (i * 37) % 128),
  );
  const floats = encodeFloatFile([4, 5], new Float32Array(20).fill(1.5));
  // A file may describe another shape that fits its length: the layers refuse that (see the next test).
  const fitting = (shape: number[], expected: number[], values: ArrayLike<number>) => {
    assert.is(
      values.length,
      shape.reduce((a, b) => a * b, 1),
    );
    if (String(shape) !== String(expected)) throw new CourseError('另一个形状');
    return [values];
  };
  const readCodes = (b: Uint8Array) => {
    const { shape, codes: values } = readCodeFile('x.cbn', b);
    return fitting(shape, [9, 40], values);
  };
  const readValues = (b: Uint8Array) => {
    const { shape, values } = readFloatFile('x.bin', b);
    return fitting(shape, [4, 5], values);
  };
  assert.ok(survivesMutations(codes, readCodes, 7) > 150);
  assert.ok(survivesMutations(floats, readValues, 8) > 100);
});

const trunkLayers = ['01', '05', '09', '11', '13'].map((number, i) => syntheticLayer(number, 10 + i));

const trunkFiles = new Map(trunkLayers.flatMap(({ files }) => [...files]));

test('AlexNet 躯干：每个权值都是它那一组、那一码的值；conv1 是 RGB', () => {
  const weights = decodeAlexNetTrunk(trunkFiles);
  const inputs = [3, 48, 256, 192, 192];
  trunkLayers.forEach(({ centroids, codes, bias, groups, entries, length, outputs, kernel: [size] }, i) => {
    const name = `conv${i + 1}`;
    const { data, shape } = weights[`${name}/kernel`];
    assert.equal(shape, [size, size, inputs[i], outputs]);
    same(weights[`${name}/bias`].data, bias, `${name} 偏置`);
    const random = randomGenerator(20 + i);
    for (let n = 0; n < 3000; n++) {
      const [y, x, c, o] = [size, size, inputs[i], outputs].map((bound) => random.integer(bound));
      const channel = name === 'conv1' ? 2 - c : c;
      const group = Math.floor(channel / length);
      const code = codes[((o * size + y) * size + x) * groups + group];
      const expected = centroids[(group * entries + code) * length + (channel % length)];
      assert.is(data[((y * size + x) * inputs[i] + c) * outputs + o], expected, `${name} [${y},${x},${c},${o}]`);
    }
  });
});

test('AlexNet 躯干：缺文件、张冠李戴、码越界、多余通道不为零都报错', () => {
  const without = new Map(trunkFiles);
  without.delete('bvlc_alexnet_aCaF.biasVec.09.bin');
  assertDamaged(() => decodeAlexNetTrunk(without), /biasVec\.09/, '缺文件');
  const replaced = (name: string, by: Uint8Array) => () =>
    decodeAlexNetTrunk(new Map([...trunkFiles, [`bvlc_alexnet_aCaF.${name}`, by]]));
  const other = (name: string) => trunkFiles.get(`bvlc_alexnet_aCaF.${name}`)!;
  assertDamaged(replaced('asmtLst.05.cbn', other('asmtLst.09.cbn')), /形状/, '别层的码');
  assertDamaged(replaced('biasVec.05.bin', other('biasVec.09.bin')), /形状/, '别层的偏置');
  assertDamaged(replaced('ctrdLst.09.bin', other('ctrdLst.11.bin')), /形状/, '别层的码本');
  const fewer = encodeFloatFile([1, 127, 8], trunkLayers[0].centroids.slice(8));
  assertDamaged(replaced('ctrdLst.01.bin', fewer), /码小于 127/, '码越界');
  const filled = encodeFloatFile(
    [1, 128, 8],
    trunkLayers[0].centroids.map((v) => v || 1e-9),
  );
  assertDamaged(replaced('ctrdLst.01.bin', filled), /多余通道/, '多余通道');
  const regrouped = encodeFloatFile([6, 256, 4], trunkLayers[1].centroids);
  assertDamaged(replaced('ctrdLst.05.bin', regrouped), /分组/, '分组不对');
});

test('AlexNet 躯干：任一文件随机损坏，只会是 CourseError 或形状正确的结果', () => {
  const random = randomGenerator(9);
  const shapes = (files: Map<string, Uint8Array>) => Object.values(decodeAlexNetTrunk(files)).map(({ shape }) => shape);
  const expected = shapes(trunkFiles);
  const names = [...trunkFiles.keys()];
  for (let i = 0; i < 30; i++) {
    const name = names[random.integer(names.length)];
    try {
      assert.equal(shapes(new Map([...trunkFiles, [name, mutate(trunkFiles.get(name)!, random)]])), expected);
    } catch (error) {
      if (!(error instanceof CourseError)) throw error;
    }
  }
});

/** Row of an [in, out] kernel that multiplies pool5[y, x, c] after flattening in TF.js' order. */
const pool5Row = (y: number, x: number, c: number) => (y * 6 + x) * 256 + c;

test('AlexNet 分类头：fc6 的行按 TF.js 的展平次序；fc7、fc8 用真实或合成的文件', async () => {
  const fc6 = syntheticLayer('16', 30);
  assert.is(fc6.files.get('bvlc_alexnet_aCaF.asmtLst.16.cbn')!.length, 5902352);
  const real = modelsFolder !== undefined;
  const rest = ['19', '22'].map((number, i) => syntheticLayer(number, 31 + i));
  const files = new Map([fc6, ...rest].flatMap((layer) => [...layer.files]));
  if (real) {
    for (const { name } of networkFiles['alexnet-2012-head'].files.filter((f) => !/\.16\./.test(f.name))) {
      files.set(name, readFileSync(join(modelsFolder!, 'alexnet', name)));
    }
  }
  const weights = decodeAlexNetHead(files);
  assert.equal(weights['fc6/kernel'].shape, [9216, 4096]);
  assert.equal(weights['fc7/kernel'].shape, [4096, 4096]);
  assert.equal(weights['fc8/kernel'].shape, [4096, 1000]);
  same(weights['fc6/bias'].data, fc6.bias, 'fc6 偏置');
  const random = randomGenerator(33);
  for (let n = 0; n < 5000; n++) {
    const [y, x, c, o] = [6, 6, 256, 4096].map((bound) => random.integer(bound));
    const caffe = (c * 6 + y) * 6 + x;
    const code = fc6.codes[o * 2304 + (caffe >> 2)];
    const expected = fc6.centroids[((caffe >> 2) * 32 + code) * 4 + (caffe & 3)];
    assert.is(weights['fc6/kernel'].data[pool5Row(y, x, c) * 4096 + o], expected, `fc6 [${y},${x},${c},${o}]`);
  }
  if (real) {
    // SHA-256 of the arrays that an independent decoder (NumPy) gives for the same files.
    assert.is(digest(weights['fc7/kernel'].data), FC7);
    assert.is(digest(weights['fc8/kernel'].data), FC8);
  } else {
    const { codes, centroids } = rest[1];
    for (let o = 0; o < 1000; o++)
      assert.is(weights['fc8/kernel'].data[77 * 1000 + o], centroids[77 * 16 + codes[o * 4096 + 77]]);
  }
});

const digest = (data: Float32Array) =>
  createHash('sha256')
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest('hex')
    .slice(0, 16);

const FC7 = 'dd88b0eca5735097';

const FC8 = 'de26a2f22e770340';

withNetworks(
  test,
  ['squeezenet', 'alexnet-2012'],
  '真实文件：SqueezeNet 与 AlexNet 躯干的权值与 NumPy 解码的逐位相同',
  async () => {
    const net = decodeSqueezeNet([...(await fetchNetworkFiles('squeezenet', { offline: true })).values()][0]);
    assert.is(Object.keys(net).length, 52);
    const trunk = decodeAlexNetTrunk(await fetchNetworkFiles('alexnet-2012', { offline: true }));
    const expected: Record<string, string> = {
      'squeezenet conv1/kernel': '083d821a3ae0fe69',
      'squeezenet fire2/squeeze1x1/kernel': '199615116d96bd41',
      'squeezenet fire5/expand3x3/kernel': '11a05161d0691628',
      'squeezenet fire9/expand1x1/kernel': '4c53dfcbd22acb44',
      'squeezenet fire9/expand1x1/bias': 'e241362c747ddea9',
      'squeezenet conv10/kernel': 'fffbafc6f43f600c',
      'alexnet conv1/kernel': '81a145d754a919db',
      'alexnet conv2/kernel': '00c4a9eb73077222',
      'alexnet conv3/kernel': 'daadaf90c31de75c',
      'alexnet conv4/kernel': '6655ee61bafde71a',
      'alexnet conv5/kernel': 'f48bec46fd32090f',
      'alexnet conv5/bias': '27151f33ce05f173',
    };
    for (const [name, sha] of Object.entries(expected)) {
      const [network, ...layer] = name.split(' ');
      assert.is(digest((network === 'squeezenet' ? net : trunk)[layer[0]].data), sha, name);
    }
  },
);

test.run();
