import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fetchNetworkFiles } from '../../lib/download';
import { CourseError } from '../../lib/errors';
import {
  decodeDeepCompression,
  decodeSqueezeNet,
  type CompressedLayer,
} from '../../lib/networks/formats/deep-compression';
import { float16ToFloat32 } from '../../lib/networks/formats/float16';
import { decodeAlexNetHead, decodeAlexNetTrunk, decodeMean } from '../../lib/networks/formats/quantized-cnn';
import { readCodeFile, readFloatFile } from '../../lib/networks/formats/quantized-cnn-files';
import { networkFiles } from '../../lib/networks/files';
import { randomGenerator } from '../../lib/random';
import { modelsFolder, withModels } from '../helpers';
import { encodeCodeFile, encodeDeepCompression, encodeFloatFile, syntheticLayer } from './weight-encoders';

const same = (got: ArrayLike<number>, expected: ArrayLike<number>, message: string) => {
  assert.is(got.length, expected.length, `${message}：长度`);
  for (let i = 0; i < expected.length; i++)
    if (got[i] !== expected[i]) assert.is(got[i], expected[i], `${message}[${i}]`);
};

/** Every damage must be a CourseError that names the file and says what to do. */
function assertDamaged(run: () => unknown, what: RegExp, message: string): void {
  try {
    run();
  } catch (error) {
    assert.instance(error, CourseError, `${message}：${error}`);
    assert.match((error as Error).message, what, message);
    assert.match((error as Error).message, /npm start|取回/, `${message}：下一步`);
    return;
  }
  assert.unreachable(`${message}：没有报错`);
}

/** Changes bytes, cuts, lengthens: whatever a bad disk or line can do. */
function mutate(bytes: Uint8Array, random: ReturnType<typeof randomGenerator>): Uint8Array {
  const copy = bytes.slice();
  switch (random.integer(4)) {
    case 0:
      return copy.subarray(0, random.integer(copy.length));
    case 1:
      return new Uint8Array([...copy, ...Array.from({ length: 1 + random.integer(9) }, () => random.integer(256))]);
    case 2:
      // The head decides about lengths: it is hit as often as all the rest.
      copy[random.integer(Math.min(40, copy.length))] = random.integer(256);
      return copy;
    default:
      for (let n = 1 + random.integer(5); n > 0; n--) copy[random.integer(copy.length)] ^= 1 << random.integer(8);
      return copy;
  }
}

function survivesMutations(bytes: Uint8Array, decode: (b: Uint8Array) => ArrayLike<number>[], seed: number): number {
  const random = randomGenerator(seed);
  const lengths = decode(bytes).map((values) => values.length);
  let refused = 0;
  for (let i = 0; i < 300; i++) {
    try {
      const results = decode(mutate(bytes, random));
      // What no length and no padding gives away (the checksum does) still has the right form.
      assert.equal(
        results.map((values) => values.length),
        lengths,
      );
      for (const values of results) assert.ok(Array.from(values).every(Number.isFinite));
    } catch (error) {
      if (!(error instanceof CourseError)) throw error;
      refused++;
    }
  }
  return refused;
}

const layers: CompressedLayer[] = [
  { name: 'conv', shape: [4, 3, 5, 5], kind: 'conv' },
  { name: 'fc', shape: [7, 41], kind: 'dense' },
  { name: 'fc2', shape: [3, 7], kind: 'dense' },
];

/** Sparse weights with gaps longer than 15, which need filler entries. */
function compressible(seed: number) {
  const random = randomGenerator(seed);
  return layers.map(({ shape, kind }) => {
    const levels = Array.from({ length: kind === 'conv' ? 255 : 15 }, () => Math.fround(random.normal()));
    const density = random.uniform() * 0.3;
    const size = shape.reduce((a, b) => a * b, 1);
    const kernel = Float32Array.from({ length: size }, () =>
      random.uniform() < density ? levels[random.integer(levels.length)] : 0,
    );
    return { kind, kernel, bias: Float32Array.from({ length: shape[0] }, () => random.normal()) };
  });
}

test('Deep Compression：编码再解码，权值一位不差（8 位与 4 位，长间隔，奇数个）', () => {
  for (let seed = 0; seed < 40; seed++) {
    const weights = compressible(seed);
    const decoded = decodeDeepCompression(encodeDeepCompression(weights), layers);
    layers.forEach(({ name }, i) => {
      same(decoded.get(name)!.kernel, weights[i].kernel, name);
      same(decoded.get(name)!.bias, weights[i].bias, `${name} 偏置`);
    });
  }
});

test('Deep Compression：从任何位置读都一样（字节偏移不是 4 的倍数）', () => {
  const bytes = encodeDeepCompression(compressible(1));
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  const decoded = decodeDeepCompression(shifted.subarray(3), layers);
  same(decoded.get('conv')!.kernel, compressible(1)[0].kernel, 'conv');
});

test('Deep Compression：在任何一个字节处截断、加长都报错', () => {
  const bytes = encodeDeepCompression(compressible(2));
  for (let n = 0; n < bytes.length; n++) {
    assertDamaged(() => decodeDeepCompression(bytes.subarray(0, n), layers, 'x.net'), /x\.net.*字节/s, `${n} 字节`);
  }
  assertDamaged(() => decodeDeepCompression(new Uint8Array([...bytes, 0]), layers), /字节/, '多一个字节');
});

test('Deep Compression：码本、填充位、位置、填充项、非数各自报错', () => {
  const weights = compressible(3);
  const bytes = encodeDeepCompression(weights.slice(0, 1));
  const [conv] = layers;
  const decode = (b: Uint8Array) => () => decodeDeepCompression(b, [conv]);
  const entries = new DataView(bytes.buffer).getUint32(0, true);
  const [codebook, codes, gaps] = [4, 4 + 4 * 260, 4 + 4 * 260 + entries];
  const changed = (change: (b: Uint8Array, view: DataView) => void) => {
    const copy = bytes.slice();
    change(copy, new DataView(copy.buffer));
    return decode(copy);
  };
  assertDamaged(
    changed((_, v) => v.setFloat32(codebook, 1, true)),
    /码本/,
    '码本第 0 项',
  );
  assertDamaged(
    changed((_, v) => v.setFloat32(codebook + 8, NaN, true)),
    /NaN/,
    '码本里有 NaN',
  );
  assertDamaged(
    changed((_, v) => v.setFloat32(codebook + 4 * 257, -Infinity, true)),
    /Infinity/,
    '偏置无穷',
  );
  assertDamaged(
    changed((b) => b.fill(255, gaps)),
    /位置|填充位/,
    '位置越界',
  );
  assertDamaged(
    changed((b) => {
      b[codes] = 0;
      b[gaps] &= 0xf0;
    }),
    /15 个零/,
    '填充项前不足 15 个零',
  );
  const odd = encodeDeepCompression([{ ...weights[0], kernel: weights[0].kernel.map((_, i) => (i < 3 ? 1 : 0)) }]);
  odd[odd.length - 1] |= 0x10;
  assertDamaged(decode(odd), /填充位/, '半个字节的填充');
});

test('Deep Compression：300 次随机损坏，只会是 CourseError 或形状正确的结果', () => {
  const decode = (b: Uint8Array) =>
    [...decodeDeepCompression(b, layers).values()].flatMap(({ kernel, bias }) => [kernel, bias]);
  const refused = survivesMutations(encodeDeepCompression(compressible(4)), decode, 5);
  assert.ok(refused > 150, `只发现了 ${refused} 次`);
});

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
    for (const { name } of networkFiles['alexnet-head'].files.filter((f) => !/\.16\./.test(f.name))) {
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

withModels(test, '真实文件：SqueezeNet 与 AlexNet 躯干的权值与 NumPy 解码的逐位相同', async () => {
  const net = decodeSqueezeNet([...(await fetchNetworkFiles('squeezenet', { offline: true })).values()][0]);
  assert.is(Object.keys(net).length, 52);
  const trunk = decodeAlexNetTrunk(await fetchNetworkFiles('alexnet', { offline: true }));
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
});

withModels(test, '真实文件：均值图像的平均颜色是 AlexNet 的 (122.7, 116.7, 104.0)', async () => {
  const [bytes] = (await fetchNetworkFiles('alexnet-mean', { offline: true })).values();
  const { data, shape } = decodeMean(bytes);
  assert.equal(shape, [256, 256, 3]);
  const mean = [0, 1, 2].map((c) => data.reduce((sum, v, i) => (i % 3 === c ? sum + v : sum), 0) / 65536);
  [122.679, 116.669, 104.007].forEach((v, c) => assert.ok(Math.abs(mean[c] - v) < 0.01, `${mean}`));
});

test('半精度：全部 65536 个值', () => {
  const bytes = new Uint8Array(new Uint16Array(65536).map((_, i) => i).buffer);
  const values = float16ToFloat32(bytes);
  const at = (half: number) => values[half];
  assert.equal([at(0x3c00), at(0xc000), at(0x7bff), at(1), at(0x0400)], [1, -2, 65504, 2 ** -24, 2 ** -14]);
  assert.ok(Object.is(at(0x8000), -0) && Object.is(at(0), 0));
  assert.equal([at(0x7c00), at(0xfc00)], [Infinity, -Infinity]);
  assert.ok(Number.isNaN(at(0x7e00)));
  // Ordered and symmetric: 0x3555 is the nearest half to 1/3.
  for (let h = 1; h < 0x7c00; h++) assert.ok(at(h) > at(h - 1) && at(h | 0x8000) === -at(h));
  assert.is(at(0x3555), 0.333251953125);
});

test.run();
