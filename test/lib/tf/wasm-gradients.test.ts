import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { scatterToMaxima } from '../../../lib/tf/max-pool-switches';
import { assertClose } from '../../helpers';

/** Every convolution geometry of the three networks: [height, width, in, kernel, out, stride, pad]. */
const CONVOLUTIONS: [number, number, number, number, number, number, 'same' | 'valid'][] = [
  [67, 67, 3, 11, 4, 4, 'valid'],
  [15, 15, 4, 5, 6, 1, 'same'],
  [9, 9, 5, 3, 4, 1, 'same'],
  [31, 31, 3, 7, 5, 2, 'valid'],
  [8, 8, 6, 1, 4, 1, 'valid'],
  [24, 24, 3, 3, 8, 2, 'same'],
  [25, 23, 3, 3, 8, 2, 'same'],
  [10, 14, 3, 4, 2, 3, 'valid'],
];

/** [height, width, channels, kernel, stride, multiplier]. */
const DEPTHWISE: [number, number, number, number, number, number][] = [
  [12, 12, 4, 3, 1, 1],
  [12, 12, 4, 3, 2, 1],
  [14, 14, 4, 5, 2, 1],
  [13, 11, 4, 5, 1, 1],
  [15, 15, 2, 5, 2, 3],
];

/** Gradient with respect to x of sum(weights * f(x)), where f runs on the backend named. */
async function gradientOn(backend: string, f: (x: tf.Tensor4D) => tf.Tensor, x: tf.Tensor4D): Promise<Float32Array> {
  await tf.setBackend(backend);
  const g = tf.tidy(() => {
    const y = f(x);
    const weights = tf.randomNormal(y.shape, 0, 1, 'float32', 5);
    return tf.grad((v) => tf.sum(tf.mul(f(v as tf.Tensor4D), weights)))(x);
  });
  const values = (await g.data()) as Float32Array;
  g.dispose();
  return values;
}

async function compare(f: (x: tf.Tensor4D) => tf.Tensor, shape: [number, number, number, number], what: string) {
  const x = tf.randomNormal(shape, 0, 1, 'float32', 3) as tf.Tensor4D;
  const expected = await gradientOn('cpu', f, x);
  assertClose(await gradientOn('wasm', f, x), expected, 1e-5, what);
  x.dispose();
}

test.before(async () => {
  await startBackend('wasm');
});

test('卷积对输入的梯度：每种几何都与 cpu 一致', async () => {
  for (const [h, w, cin, k, cout, stride, pad] of CONVOLUTIONS) {
    const kernel = tf.randomNormal([k, k, cin, cout], 0, 1, 'float32', 1) as tf.Tensor4D;
    await compare((x) => tf.conv2d(x, kernel, stride, pad), [2, h, w, cin], `${h}x${w} 核 ${k} 步幅 ${stride} ${pad}`);
    kernel.dispose();
  }
});

test('卷积对卷积核的梯度：每种几何都与 cpu 一致；一个小网络能在 wasm 上训练', async () => {
  for (const [h, w, cin, k, cout, stride, pad] of CONVOLUTIONS) {
    const image = tf.randomNormal([2, h, w, cin], 0, 1, 'float32', 8) as tf.Tensor4D;
    await compare(
      (kernel) => tf.conv2d(image, kernel, stride, pad),
      [k, k, cin, cout],
      `${h}x${w} 核 ${k} 步幅 ${stride} ${pad}`,
    );
    image.dispose();
  }
  await tf.setBackend('wasm');
  const start = (seed: number) => tf.initializers.glorotUniform({ seed });
  const network = tf.sequential({
    layers: [
      tf.layers.conv2d({ inputShape: [8, 8, 3], filters: 4, kernelSize: 3, kernelInitializer: start(1) }),
      tf.layers.globalAveragePooling2d({}),
      tf.layers.dense({ units: 1, kernelInitializer: start(2) }),
    ],
  });
  network.compile({ optimizer: tf.train.adam(0.05), loss: 'meanSquaredError' });
  const x = tf.randomUniform([32, 8, 8, 3], 0, 1, 'float32', 9);
  const y = x.mean([1, 2]).slice([0, 0], [-1, 1]);
  const { history } = await network.fit(x, y, { epochs: 30, verbose: 0, shuffle: false });
  const losses = history.loss as number[];
  assert.ok(losses[29] < losses[0] / 10, `损失 ${losses[0]} → ${losses[29]}`);
  tf.dispose([x, y]);
  network.dispose();
});

test('逐通道卷积对输入的梯度与 cpu 一致', async () => {
  for (const [h, w, c, k, stride, multiplier] of DEPTHWISE) {
    const kernel = tf.randomNormal([k, k, c, multiplier], 0, 1, 'float32', 1) as tf.Tensor4D;
    await compare((x) => tf.depthwiseConv2d(x, kernel, stride, 'same'), [2, h, w, c], `核 ${k} 步幅 ${stride}`);
    kernel.dispose();
  }
});

test('最大池化的梯度：负数窗口、并列最大值（取第一个）都与 cpu 一致', async () => {
  await tf.setBackend('cpu');
  // Zeros after a ReLU tie, and one region is wholly negative: the cases in which the package's kernel is wrong.
  const values = Float32Array.from({ length: 2 * 9 * 9 * 3 }, (_, i) =>
    i % 5 === 0 ? 0 : i % 7 < 3 ? -1 : ((i * 37) % 11) - 5,
  );
  for (const pad of ['valid', 'same'] as const) {
    const x = tf.tensor4d(values, [2, 9, 9, 3]);
    const pool = (v: tf.Tensor4D) => tf.maxPool(v, 3, 2, pad);
    const expected = await gradientOn('cpu', pool, x);
    const got = await gradientOn('wasm', pool, x);
    const wrong = Array.from(got).filter((v, i) => Math.abs(v - expected[i]) > 1e-6).length;
    assert.is(wrong, 0, `${pad}：${wrong} 个元素不同`);
    x.dispose();
  }
});

test('最大池化的梯度，手算：1x3 窗口里两个并列的 2', () => {
  const info = tf.backend_util.computePool2DInfo([1, 3, 3, 1], 3, 1, 1, 'valid');
  const dx = new Float32Array(9);
  scatterToMaxima(Float32Array.of(0, 1, 2, 2, 1, 0, 0, 0, 0), Float32Array.of(2), Float32Array.of(7), dx, info);
  assert.equal(Array.from(dx), [0, 0, 7, 0, 0, 0, 0, 0, 0]);
});

test('ReLU6 的梯度：0 处没有，6 处有，6 之后的第一个数没有，与 cpu 每一位相同', async () => {
  const x = tf.tensor4d([-1, -1e-30, 0, 1e-30, 3, 5.9999995, 6, 6.0000005, 7, NaN], [1, 1, 2, 5]);
  const [cpu, wasm] = [await gradientOn('cpu', tf.relu6, x), await gradientOn('wasm', tf.relu6, x)];
  assert.equal(Array.from(wasm.subarray(0, 9), Number), Array.from(cpu.subarray(0, 9), Number));
  assert.equal(
    Array.from(wasm.subarray(0, 9), (v) => Number(v !== 0)),
    [0, 0, 0, 1, 1, 1, 1, 0, 0],
  );
  x.dispose();
});

test('depthToSpace 与 cpu 每一位相同', async () => {
  for (const [shape, block] of [
    [[2, 3, 4, 12], 2],
    [[1, 5, 2, 27], 3],
    [[1, 1, 1, 16], 4],
  ] as const) {
    const values: number[][] = [];
    for (const backend of ['cpu', 'wasm']) {
      await tf.setBackend(backend);
      const y = tf.tidy(() =>
        tf.depthToSpace(tf.reshape(tf.range(0, tf.util.sizeFromShape([...shape])), [...shape]) as tf.Tensor4D, block),
      );
      values.push([...y.shape, ...(await y.data())]);
      y.dispose();
    }
    assert.equal(values[1], values[0], String(shape));
  }
});

test('转置的矩阵乘积、reverse、tile：与 cpu 相同', async () => {
  const random = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);
  const made: Record<string, () => tf.Tensor> = {
    nt: () => tf.matMul(random([9, 7], 1), random([4, 7], 2), false, true),
    tn: () => tf.matMul(random([7, 9], 1), random([7, 4], 2), true, false),
    tt: () => tf.matMul(random([1, 7, 9], 1), random([1, 4, 7], 2), true, true),
    一行: () => tf.matMul(random([1, 7], 1), random([4, 7], 2), false, true),
    一批: () => tf.matMul(random([3, 5, 7], 1), random([3, 4, 7], 2), false, true),
    reverse: () => tf.reverse(random([3, 2, 4, 5], 1), [1, 0]),
    'reverse，别的轴': () => tf.reverse(random([3, 2, 4], 1), [0, 2]),
    tile: () => tf.tile(random([2, 1, 3], 1), [2, 4, 3]),
    'tile，原样': () => tf.tile(random([2, 3], 1), [1, 1]),
    'tile，真假': () => tf.tile(tf.tensor([true], [1, 1], 'bool'), [2, 3]),
    'tile，整数': () => tf.tile(tf.tensor2d([[1, 2]], [1, 2], 'int32'), [2, 2]),
  };
  for (const [name, make] of Object.entries(made)) {
    const values: ArrayLike<number>[] = [];
    for (const backend of ['cpu', 'wasm']) {
      await tf.setBackend(backend);
      const y = tf.tidy(make);
      values.push(await y.data());
      y.dispose();
    }
    assertClose(values[1], values[0], 1e-6, name);
  }
});

test.run();
