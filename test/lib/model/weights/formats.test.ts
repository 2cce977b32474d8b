import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeDeepCompression, type CompressedLayer } from '../../../../lib/model/weights/formats/deep-compression';
import { float16ToFloat32 } from '../../../../lib/model/weights/formats/float16';
import { randomGenerator } from '../../../../lib/base/random';
import { assertDamaged, same, survivesMutations } from './format-damage';
import { encodeDeepCompression } from './weight-encoders';

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
